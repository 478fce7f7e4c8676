//! `static`: a folder of web pages over HTTP, and a web application with its socket in a browser.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::symlink;

use crate::util::{Answer, Browser, PATIENCE, Screen, Service, get, request, root};

const APP: &str = r#"
[consumer.app]
use       = "static"
folder    = "web"
fallback  = "index.html"
keep      = "1h"
immutable = "assets/"
headers   = { content-security-policy = "default-src 'self'" }
[[route]]
channel  = "http.request"
path     = "/{*file?}"
consumer = "app"
"#;

/// A service with this table, and a folder `web` beside a file that must not be served.
fn start(table: &str) -> Service {
    let folder = tempfile::tempdir().unwrap();
    let web = folder.path().join("web");
    fs::create_dir_all(web.join("assets")).unwrap();
    fs::create_dir_all(web.join("docs")).unwrap();
    fs::write(folder.path().join("secret.txt"), "secret").unwrap();
    for (name, content) in [
        ("index.html", "<!doctype html><title>start</title>"),
        ("docs/index.html", "<!doctype html><title>docs</title>"),
        ("docs/a b.txt", "grüße"),
        ("assets/app.5f3.js", "run()"),
        ("data.json", "{}"),
        ("module.wasm", "\0asm"),
        (".env", "secret"),
    ] {
        fs::write(web.join(name), content).unwrap();
    }
    symlink("../secret.txt", web.join("out.txt")).unwrap();
    Service::start_in(folder, table, |_| {})
}

/// The answer to a request line that a well-behaved client would not send.
fn raw(service: &Service, target: &str) -> String {
    let mut stream = TcpStream::connect(service.address()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let head = format!("GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

fn shown(answer: &Answer) -> (u16, &str, &str) {
    (answer.status, answer.header("content-type"), answer.header("cache-control"))
}

#[test]
fn a_file_has_its_type_and_its_caching() {
    let service = start(APP);
    for (path, kind, caching, body) in [
        (
            "/",
            "text/html; charset=utf-8",
            "public, no-cache",
            "<!doctype html><title>start</title>",
        ),
        (
            "/docs/",
            "text/html; charset=utf-8",
            "public, no-cache",
            "<!doctype html><title>docs</title>",
        ),
        ("/docs/a%20b.txt", "text/plain; charset=utf-8", "public, max-age=3600", "grüße"),
        (
            "/assets/app.5f3.js",
            "text/javascript; charset=utf-8",
            "public, max-age=31536000, immutable",
            "run()",
        ),
        ("/data.json", "application/json", "public, max-age=3600", "{}"),
        ("/module.wasm", "application/wasm", "public, max-age=3600", "\0asm"),
        (
            "/rooms/5?x=1",
            "text/html; charset=utf-8",
            "public, no-cache",
            "<!doctype html><title>start</title>",
        ),
    ] {
        let answer = get(&service.url(path));
        assert_eq!((shown(&answer), answer.text()), ((200, kind, caching), body), "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("content-security-policy"), "default-src 'self'");

        let head = request("HEAD", &service.url(path), &[], Vec::new());
        assert_eq!((head.status, head.body.len()), (200, 0), "{path}");
        assert_eq!(head.header("content-length"), body.len().to_string());

        let tag = answer.header("etag");
        let known = request("GET", &service.url(path), &[("if-none-match", tag)], Vec::new());
        assert_eq!((known.status, known.body.len()), (304, 0), "{path}");
        let since = [("if-modified-since", answer.header("last-modified"))];
        assert_eq!(request("GET", &service.url(path), &since, Vec::new()).status, 304, "{path}");
        let part = request("GET", &service.url(path), &[("range", "bytes=1-")], Vec::new());
        assert_eq!((part.status, &part.body[..]), (206, &body.as_bytes()[1..]), "{path}");
        let beyond = request("GET", &service.url(path), &[("range", "bytes=999-")], Vec::new());
        assert_eq!(beyond.status, 416, "{path}");
    }
    let changed = service.folder().join("web/data.json");
    let before = get(&service.url("/data.json")).header("etag").to_owned();
    fs::write(changed, "{\"new\": true}").unwrap();
    let after =
        request("GET", &service.url("/data.json"), &[("if-none-match", &before)], Vec::new());
    assert_eq!(
        (after.status, after.text()),
        (200, "{\"new\": true}"),
        "a deployment is seen at once"
    );
}

#[test]
fn a_folder_has_a_slash_and_a_file_has_none() {
    let service = start(APP);
    let answer = get(&service.url("/docs?a=1&b=2"));
    assert_eq!((answer.status, answer.header("location")), (302, "./docs/?a=1&b=2"));
    // It must not become the address of another host.
    for target in ["//docs", "/docs//", "/%2Fdocs"] {
        let answer = raw(&service, target);
        assert!(!answer.to_lowercase().contains("location"), "{target}: {answer}");
    }
    for method in ["POST", "PUT", "DELETE"] {
        let answer = request(method, &service.url("/data.json"), &[], "x");
        assert_eq!((answer.status, answer.header("allow")), (405, "GET, HEAD"), "{method}");
    }
}

#[test]
fn nothing_outside_the_folder_is_served() {
    let service = start(&APP.replace("fallback  = \"index.html\"", ""));
    for target in [
        "/../secret.txt",
        "/docs/../../secret.txt",
        "/..%2Fsecret.txt",
        "/%2e%2e/secret.txt",
        "/%2e%2e%2fsecret.txt",
        "/docs/%2e%2e/%2e%2e/secret.txt",
        "/..%5Csecret.txt",
        "/%252e%252e/secret.txt",
        "//etc/passwd",
        "/%2Fetc%2Fpasswd",
        "/etc/passwd",
        "/out.txt",
        "/.env",
        "/%2Eenv",
        "/data.json%00.html",
        "/data.json/",
        "/data.json/x",
        "/nothing",
        "/%FF",
        "/assets",
        "/assets/",
    ] {
        let answer = raw(&service, target);
        let status = answer.split(' ').nth(1).unwrap_or_default();
        assert!(["404", "400"].contains(&status), "{target}: {answer}");
        assert!(!answer.contains("secret"), "{target}: {answer}");
        assert!(!answer.contains("root:"), "{target}: {answer}");
    }
}

#[test]
fn a_missing_file_of_an_application_is_not_its_page() {
    let service = start(APP);
    for (path, accept, status) in [
        ("/rooms/5", "text/html,application/xhtml+xml", 200),
        ("/rooms/5", "*/*", 200),
        ("/rooms/5", "application/json", 404),
        ("/rooms/5", "image/avif,image/webp", 404),
        ("/missing.js", "*/*", 404),
        ("/assets/missing.js", "text/html", 404),
    ] {
        let answer = request("GET", &service.url(path), &[("accept", accept)], Vec::new());
        assert_eq!(answer.status, status, "{path} {accept}");
    }
}

#[test]
fn a_route_names_a_part_of_a_folder_or_one_file() {
    let service = start(
        r#"
        [consumer.app]
        use    = "static"
        folder = "web"
        [[route]]
        channel  = "http.request"
        path     = "/data.json"
        consumer = "app"
        [[route]]
        channel  = "http.request"
        path     = "/help/{*file?}"
        consumer = "app"
        "#,
    );
    for (path, status) in [
        ("/data.json", 200),
        ("/module.wasm", 404),
        ("/help/", 200),
        ("/help/docs/", 200),
        ("/help/module.wasm", 200),
        ("/help", 404),
    ] {
        assert_eq!(get(&service.url(path)).status, status, "{path}");
    }
    let whole = start(
        "[consumer.app]\nuse = 'static'\nfolder = 'web'\n[[route]]\nchannel = 'http.request'\n\
         consumer = 'app'",
    );
    for path in ["/", "/docs/", "/docs/a%20b.txt", "/assets/app.5f3.js"] {
        assert_eq!(get(&whole.url(path)).status, 200, "{path}");
    }
}

/// The body of an answer, its coding, and what caches must look at.
fn coded(answer: &Answer) -> (&str, &str, String) {
    (answer.text(), answer.header("content-encoding"), vary(answer))
}

fn vary(answer: &Answer) -> String {
    let names = answer.headers.get_all("vary").iter().map(|name| name.to_str().unwrap());
    names.collect::<Vec<_>>().join(", ")
}

#[test]
fn a_file_that_was_compressed_in_advance_is_sent_to_those_who_accept_it() {
    let service = start(APP);
    let web = service.folder().join("web");
    for (name, content) in [
        ("index.html.gz", "page in gzip"),
        ("assets/app.5f3.js.br", "script in brotli"),
        ("assets/app.5f3.js.gz", "script in gzip"),
        ("out.txt.gz", "of a link"),
    ] {
        fs::write(web.join(name), content).unwrap();
    }
    symlink("../../secret.txt", web.join("docs/a b.txt.gz")).unwrap();
    let (coding, origin) = ("Accept-Encoding, Origin", "Origin");
    let (both, plain) = ("gzip, deflate, br", "<!doctype html><title>start</title>");
    for (path, accepted, expected) in [
        ("/assets/app.5f3.js", both, ("script in brotli", "br", coding)),
        ("/assets/app.5f3.js", "gzip", ("script in gzip", "gzip", coding)),
        ("/assets/app.5f3.js", "br;q=0, *", ("script in gzip", "gzip", coding)),
        ("/assets/app.5f3.js", "identity", ("run()", "", coding)),
        ("/", both, ("page in gzip", "gzip", coding)),
        ("/", "br", (plain, "", coding)),
        ("/rooms/5", both, ("page in gzip", "gzip", coding)),
        ("/data.json", both, ("{}", "", origin)),
        ("/docs/a%20b.txt", both, ("grüße", "", origin)),
        ("/assets/app.5f3.js.gz", "identity", ("script in gzip", "", origin)),
    ] {
        let accepted = ("accept-encoding", accepted);
        let answer = request("GET", &service.url(path), &[accepted], "");
        let (body, name, vary) = expected;
        let expected = (200, (body, name, vary.to_owned()));
        assert_eq!((answer.status, coded(&answer)), expected, "{path} {accepted:?}");
        let head = request("HEAD", &service.url(path), &[accepted], "");
        assert_eq!(head.header("content-length"), answer.body.len().to_string(), "{path}");
    }

    let url = service.url("/assets/app.5f3.js");
    let answers = ["br", "gzip", "identity"]
        .map(|accepted| request("GET", &url, &[("accept-encoding", accepted)], ""));
    for answer in &answers {
        assert_eq!(answer.header("content-type"), "text/javascript; charset=utf-8");
        assert_eq!(answer.header("cache-control"), "public, max-age=31536000, immutable");
    }
    let [brotli, gzip, plain] = answers.each_ref().map(|answer| answer.header("etag"));
    assert!(brotli != gzip && gzip != plain && brotli != plain, "{brotli} {gzip} {plain}");
    let known = [("accept-encoding", "br"), ("if-none-match", brotli)];
    let known = request("GET", &url, &known, "");
    assert_eq!((known.status, vary(&known)), (304, coding.to_owned()));
    let other = [("accept-encoding", "br"), ("if-none-match", plain)];
    assert_eq!(request("GET", &url, &other, "").text(), "script in brotli");
    let part = [("accept-encoding", "br"), ("range", "bytes=0-5")];
    let part = request("GET", &url, &part, "");
    assert_eq!((part.status, coded(&part)), (206, ("script", "br", coding.to_owned())));

    // A new version of the page, whose compressed file was forgotten.
    let later = std::time::SystemTime::now() + std::time::Duration::from_secs(10);
    let page = fs::File::options().write(true).open(web.join("index.html")).unwrap();
    page.set_modified(later).unwrap();
    let answer = request("GET", &service.url("/"), &[("accept-encoding", both)], "");
    assert!(answer.text().starts_with("<!doctype"), "{}", answer.text());

    let service = start(&APP.replace("keep ", "precompressed = false\nkeep "));
    fs::write(service.folder().join("web/data.json.gz"), "gzip").unwrap();
    let answer = request("GET", &service.url("/data.json"), &[("accept-encoding", both)], "");
    assert_eq!(coded(&answer), ("{}", "", origin.to_owned()));
}

#[test]
fn a_large_file_is_sent_whole_and_in_parts() {
    let service = start(APP);
    let content: Vec<u8> = (0..5_000_000_u32).map(|number| (number % 251) as u8).collect();
    fs::write(service.folder().join("web/film.mp4"), &content).unwrap();
    let before = service.memory("VmRSS");
    let answer = get(&service.url("/film.mp4"));
    assert_eq!((answer.status, answer.header("content-type")), (200, "video/mp4"));
    assert!(answer.body == content);
    let part = [("range", "bytes=4000000-4000099")];
    let answer = request("GET", &service.url("/film.mp4"), &part, Vec::new());
    assert_eq!(answer.header("content-range"), "bytes 4000000-4000099/5000000");
    assert!(answer.body == content[4_000_000..4_000_100]);
    let grown = service.memory("VmRSS").saturating_sub(before);
    assert!(grown < 4096, "the file is never in memory as a whole: {grown} KiB");
}

#[test]
fn a_web_application_has_its_page_and_its_socket_from_one_table() {
    let folder = tempfile::tempdir().unwrap();
    let example = root().join("examples/chat");
    fs::create_dir(folder.path().join("web")).unwrap();
    for entry in fs::read_dir(example.join("web")).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), folder.path().join("web").join(entry.file_name())).unwrap();
    }
    let table = fs::read_to_string(example.join("routing.toml")).unwrap();
    let service = Service::start_in(folder, &table, |_| {});
    assert_eq!(get(&service.url("/health")).text(), "alive");

    let lines = "[...document.querySelectorAll('#said li')].map((line) => line.textContent)";
    let [anna, ben] = ["anna", "ben"].map(|name| {
        let browser = Browser::start(if name == "anna" { Screen::DESKTOP } else { Screen::PHONE });
        browser.open(&service.url(&format!("/rooms/d%C3%A9n%20%3Cb%3E?name={name}")));
        browser.wait(&format!("{lines}.includes('{name} has come')"));
        browser
    });
    anna.wait("document.querySelector('#here').textContent === '2 here'");
    assert_eq!(anna.run("return document.querySelector('#room').textContent"), "dén <b>");
    anna.run("document.querySelector('#text').value = 'hello <i>all</i>'");
    anna.click("button");
    for browser in [&anna, &ben] {
        browser.wait(&format!("{lines}.includes('annahello <i>all</i>')"));
    }
    ben.screenshot("chat-phone");
    anna.screenshot("chat-desktop");
    for browser in [&anna, &ben] {
        assert_eq!(browser.complaints(), [""; 0]);
    }
    drop(ben);
    anna.wait(&format!("{lines}.includes('ben has left')"));
    anna.wait("document.querySelector('#here').textContent === '1 here'");
}
