//! Pages of other origins: which of their requests and sockets are refused, and which answers they
//! may read.

use crate::util::{Raw, Service, get, request};

const TABLE: &str = r#"
[auth.token]
secret = "a secret of more than 32 bytes, as it has to be"

[[route]]
channel = "http.request"
path = "/page"
consumer = "page"

[[route]]
channel = "http.request"
path = "/any"
origins = "*"
consumer = "page"

[[route]]
channel = "http.request"
method = ["GET", "POST"]
path = "/named"
origins = ["https://a.org", "https://*.bücher.example", "capacitor://localhost"]
consumer = "page"

[[route]]
channel = "http.request"
path = "/mixed"
when = { kind = "open" }
origins = "*"
consumer = "page"

[[route]]
channel = "http.request"
path = "/mixed"
origins = "https://a.org"
consumer = "page"

[[route]]
channel = "http.request"
path = "/mixed"
consumer = "page"

[[route]]
channel = "http.request"
path = "/secret"
auth = "token"
origins = "https://a.org"
consumer = "page"

[[route]]
channel = "websocket.*"
path = "/own"
consumer = "echo"

[[route]]
channel = "websocket.*"
path = "/named"
origins = "https://a.org"
consumer = "echo"

[[route]]
channel = "http.request"
path = "/upload/{*file}"
consumer = "media"
"#;

const A: &str = "https://a.org";
const EVIL: &str = "https://evil.example";

#[test]
fn a_foreign_page_may_read_but_not_write() {
    let service = Service::start(TABLE);
    let own = service.url("");
    let (same, cross) = (("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site"));
    let origin = |origin| ("origin", origin);
    for (behaviour, method, path, headers, status, reported) in [
        ("no page", "POST", "/page", &[][..], 200, ""),
        ("its own page", "POST", "/page", &[origin(own.as_str())], 200, ""),
        ("a foreign page", "POST", "/page", &[origin(EVIL)], 403, ""),
        ("a foreign page's PUT", "PUT", "/page", &[origin(EVIL), cross], 403, ""),
        ("a foreign page's DELETE", "DELETE", "/page", &[origin(EVIL)], 403, ""),
        ("a method of its own", "FROB", "/page", &[origin(EVIL)], 403, ""),
        ("a page without an origin", "POST", "/page", &[origin("null")], 403, ""),
        ("an app on this machine", "POST", "/page", &[origin("capacitor://127.0.0.1")], 403, ""),
        ("two origins", "POST", "/page", &[origin(own.as_str()), origin(EVIL)], 403, ""),
        (
            "a request that its browser calls same-origin",
            "POST",
            "/page",
            &[origin(EVIL), same],
            200,
            "",
        ),
        ("a foreign page that reads", "GET", "/page", &[origin(EVIL)], 200, ""),
        ("its HEAD", "HEAD", "/page", &[origin(EVIL)], 200, ""),
        ("its OPTIONS", "OPTIONS", "/page", &[origin(EVIL)], 200, ""),
        ("any page", "POST", "/any", &[origin(EVIL)], 200, "*"),
        ("any page without an origin", "POST", "/any", &[origin("null")], 200, "*"),
        ("any page that reads", "GET", "/any", &[origin(EVIL)], 200, "*"),
        ("no page, where any page may", "POST", "/any", &[], 200, ""),
        ("a page that is named", "POST", "/named", &[origin(A)], 200, A),
        ("it reads", "GET", "/named", &[origin(A)], 200, A),
        ("a method that no route takes", "PUT", "/named", &[origin(A)], 405, ""),
        ("another scheme", "POST", "/named", &[origin("http://a.org")], 403, ""),
        (
            "a name in Unicode",
            "POST",
            "/named",
            &[origin("https://x.xn--bcher-kva.example")],
            200,
            "https://x.xn--bcher-kva.example",
        ),
        (
            "an app",
            "POST",
            "/named",
            &[origin("capacitor://localhost")],
            200,
            "capacitor://localhost",
        ),
        ("its own page where it is not named", "POST", "/named", &[origin(own.as_str())], 403, ""),
        ("a page that both routes allow", "POST", "/mixed", &[origin(A)], 200, A),
        ("a page that one of the routes refuses", "POST", "/mixed", &[origin(EVIL)], 403, ""),
        ("no token", "POST", "/secret", &[origin(A)], 401, A),
        ("no token, and a foreign page", "POST", "/secret", &[origin(EVIL)], 403, ""),
        ("nothing there", "POST", "/nothing", &[origin(EVIL)], 404, ""),
    ] {
        let answer = request(method, &service.url(path), headers, "");
        assert_eq!(answer.status, status, "{behaviour}");
        assert_eq!(answer.header("access-control-allow-origin"), reported, "{behaviour}");
        assert_eq!(answer.header("vary"), "Origin", "{behaviour}");
        assert_eq!(answer.header("access-control-allow-credentials"), "", "{behaviour}");
    }
    let line = service.wait_for_log("origin refused");
    assert!(line.contains(EVIL) && line.contains("/page"), "{line}");
}

#[test]
fn a_preflight_request_is_answered_without_a_token() {
    let service = Service::start(TABLE);
    for (path, origin, method, status, reported) in [
        ("/secret", A, "POST", 204, A),
        ("/secret", A, "PUT", 204, A),
        ("/secret", EVIL, "POST", 403, ""),
        ("/any", EVIL, "DELETE", 204, "*"),
        ("/page", EVIL, "POST", 403, ""),
        ("/named", A, "POST", 204, A),
        ("/named", A, "DELETE", 405, ""),
        ("/nothing", A, "POST", 404, ""),
    ] {
        let headers = [
            ("origin", origin),
            ("access-control-request-method", method),
            ("access-control-request-headers", "authorization, content-type"),
        ];
        let answer = request("OPTIONS", &service.url(path), &headers, "");
        assert_eq!(answer.status, status, "{path} {origin} {method}");
        assert_eq!(answer.header("access-control-allow-origin"), reported, "{path} {origin}");
        let (methods, names) = match status {
            204 => (method, "authorization, content-type"),
            _ => ("", ""),
        };
        assert_eq!(answer.header("access-control-allow-methods"), methods, "{path} {origin}");
        assert_eq!(answer.header("access-control-allow-headers"), names, "{path} {origin}");
    }
}

#[test]
fn a_route_decides_which_pages_may_open_its_sockets() {
    let service = Service::start(TABLE);
    let own = service.url("");
    for (path, origin, status) in [
        ("/own", own.as_str(), 101),
        ("/own", A, 403),
        ("/own", EVIL, 403),
        ("/own", "https://\u{fc}.example", 403),
        ("/named", A, 101),
        ("/named", EVIL, 403),
        ("/named", own.as_str(), 403),
    ] {
        let raw = Raw::open(service.address(), path, &[("Origin", origin)]);
        let expected = format!("HTTP/1.1 {status} ");
        assert!(raw.status.starts_with(&expected), "{path} {origin}: {}", raw.status);
    }
}

#[test]
fn a_file_tells_caches_that_its_headers_differ_by_origin() {
    let service = Service::start(TABLE);
    std::fs::write(service.media().join("a.png"), b"\x89PNG\r\n\x1a\n").unwrap();
    let answer = get(&service.url("/upload/a.png"));
    assert_eq!((answer.status, answer.header("vary")), (200, "Origin"));
    let cached = [("if-none-match", answer.header("etag"))];
    let answer = request("GET", &service.url("/upload/a.png"), &cached, "");
    assert_eq!((answer.status, answer.header("vary")), (304, "Origin"));
}
