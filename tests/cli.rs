//! The program on the command line: the output of its commands and their exit codes.

mod wrong;

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::util::{Client, Service, get, program, root, waterway};

/// A folder with this table as its `routing.toml`.
fn folder(table: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder can be created");
    fs::write(folder.path().join("routing.toml"), table).expect("the folder is writable");
    folder
}

/// A command's output when it succeeds, or its errors when it ends with exit code 1.
fn printed(folder: &Path, arguments: &[&str]) -> Result<String, String> {
    let Output { status, stdout, stderr } = waterway(folder, arguments);
    let [stdout, stderr] = [stdout, stderr].map(|text| String::from_utf8(text).expect("UTF-8"));
    match status.code() {
        Some(0) => Ok(stdout),
        Some(1) => Err(stderr),
        _ => panic!("{arguments:?}: {status}\n{stdout}{stderr}"),
    }
}

const MISTAKEN: &str = r#"[server]
listen = ["127.0.0.1:0"]
drain = 10

[queue.images]
consumer = "image.wrok"
colour = "blue"

[[route]]
channel = "websocket.recieve"
path = "/ws/{page}"
consumer = "image.receive"

[[route]]
channel = "websocket.connect"
path = "/ws/{page}"
auth = "tokn"
consumer = "image.connect"

[[route]]
channel = "websocket.receive"
path = "/ws/{page"
queue = "images"
consumer = "image.receive"
"#;

#[test]
fn check_shows_every_mistake_with_its_place_and_the_way_out() {
    let folder = folder(MISTAKEN);
    let report = printed(folder.path(), &["check"]).unwrap_err();
    for (place, words, way_out) in [
        ("routing.toml:3:9", "10 has no unit", "\"10s\""),
        ("routing.toml:6:12", "image.wrok", "image.work"),
        ("routing.toml:7:1", "colour", ""),
        ("routing.toml:10:11", "websocket.recieve", "websocket.receive"),
        ("routing.toml:17:8", "unknown auth", "[auth.tokn]"),
        ("routing.toml:22:8", "/ws/{page", ""),
    ] {
        let (_, here) = report.split_once(place).unwrap_or_else(|| panic!("{place}: {report}"));
        let here = here.split("routing.toml:").next().unwrap();
        assert!(here.contains(words) && here.contains(way_out), "{place}: {here}");
        assert!(here.contains('^'), "a caret shows it: {here}");
    }
    assert!(report.contains("6 mistakes"), "{report}");
    // A table with mistakes is not served, and no token is made for it.
    for command in [&["serve"][..], &[], &["routes"], &["token"]] {
        let refused = printed(folder.path(), command).unwrap_err();
        assert_eq!(refused, report, "{command:?}");
    }
}

#[test]
fn check_reports_syntax_options_and_paths_that_lead_nowhere() {
    for (table, place, words) in [
        ("[server\n", "routing.toml:1:8", ""),
        ("[[route]]\nchannel = 'http.request'\n", "routing.toml:1:1", "consumer"),
        (
            "[[route]]\nchannel = 'http.request'\npath = '/{*f}'\nconsumer = 'm'\n\
             [consumer.m]\nuse = 'media'\nfolder = 5\n",
            "routing.toml:7:10",
            "5",
        ),
        (
            "[[route]]\nchannel = 'http.request'\nconsumer = 'echo'\n",
            "routing.toml:3:12",
            "socket consumer",
        ),
        // No route names it, perhaps because its name is misspelt there.
        ("[consumer.m]\nuse = 'media'\nfolder = 5\n", "routing.toml:3:10", "5"),
        ("include = ['none.d/none.toml']\n", "routing.toml:1:12", "none.toml"),
        ("[auth.t]\nsecret = '${NO_SUCH_NAME}'\n", "routing.toml:2:11", "NO_SUCH_NAME"),
    ] {
        let folder = folder(table);
        let report = printed(folder.path(), &["check", "routing.toml"]).unwrap_err();
        assert!(report.contains(place) && report.contains(words), "{table}: {report}");
    }
}

#[test]
fn check_warns_of_tokens_that_protect_nothing_and_shows_no_secret() {
    let route = "[[route]]\nchannel = 'websocket.*'\npath = '/'\nconsumer = 'echo'\nauth = 'a'\n";
    let long = "a secret of the test alone, long enough";
    let pem = "-----BEGIN PUBLIC KEY-----\\nMCowBQYDK2VwAyEA\\n-----END PUBLIC KEY-----\\n";
    for (auth, sound, words) in [
        (format!("secret = \"{long}\"\n"), true, ""),
        ("secret = 'hunter2'\n".into(), true, "warning: the secret has 7 bytes"),
        (
            format!("secret = '{long}'\n[auth.b]\nsecret = '{long}'\n"),
            true,
            "warning: no route demands the token \"b\"",
        ),
        (format!("secret = \"{pem}\"\n"), false, "a PEM key is not a secret"),
        (
            "algorithms = 'RS256'\nsecret = 'hunter2'\n".into(),
            false,
            "the secret is not a public key in PEM for RS256",
        ),
        ("secert = 'hunter2'\n".into(), false, "did you mean \"secret\"?"),
        ("secret = hunter2\n".into(), false, "string values must be quoted"),
    ] {
        let folder = folder(&format!("[auth.a]\n{auth}{route}"));
        let output = waterway(folder.path(), &["check"]);
        let reported = String::from_utf8(output.stderr).expect("UTF-8");
        assert_eq!(output.status.success(), sound, "{reported}");
        assert!(
            reported.contains(words) && reported.is_empty() == words.is_empty(),
            "{auth}: {reported}"
        );
        assert!(!reported.contains("hunter") && !reported.contains("MCow"), "{reported}");
    }
}

#[test]
fn the_table_that_ships_is_sound_without_a_warning() {
    let output = waterway(&root(), &["check"]);
    assert!(output.status.success());
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(stdout.starts_with("routing.toml: sound, with "), "{stdout}");
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}

const TABLE: &str = "[server]\nlisten = ['127.0.0.1:0']\n\
    [auth.token]\nsecret = 'a secret of the test alone, long enough'\nbind_ip = true\n\
    issuer = 'the door'\naudience = ['pictures', 'chat']\nleeway = '0s'\n\
    [[route]]\nchannel = 'websocket.*'\npath = '/echo'\nconsumer = 'echo'\nauth = 'token'\n\
    limits = { message = '1KiB', rate = '5/s' }\n\
    [[route]]\nchannel = 'http.request'\npath = '/upload/{*file}'\nconsumer = 'media'\n\
    auth = 'token'\n\
    [consumer.bye]\nuse = 'close'\n\
    [[route]]\nchannel = 'websocket.receive'\npath = '/{name}'\nwhen = { type = ['a', 'b'] }\n\
    consumer = 'bye'\nauth = false\n\
    [[route]]\nchannel = 'websocket.receive'\npath = '/echo'\nconsumer = 'bye'\n";

#[test]
fn routes_shows_the_table_as_it_is_used() {
    let folder = folder(TABLE);
    let text = printed(folder.path(), &["routes"]).unwrap();
    let lines: Vec<Vec<&str>> = text
        .lines()
        .map(|line| line.split("  ").map(str::trim).filter(|c| !c.is_empty()).collect())
        .collect();
    assert_eq!(
        lines[1],
        ["1", "websocket.*", "/echo", "token \"token\"", "echo", "1KiB", "5/s", "routing.toml:9:1"],
    );
    assert_eq!(
        lines[3],
        [
            "3",
            "websocket.receive",
            "/{name}",
            "type = \"a\" or \"b\", no token",
            "bye (close)",
            "64KiB",
            "off",
            "routing.toml:22:1",
        ],
    );
    assert_eq!(lines[4][3], "token \"token\" (of connect)", "{text}");
    assert_eq!(lines.len(), 5, "{text}");

    let json = printed(folder.path(), &["routes", "--json"]).unwrap();
    let rows: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(rows[0]["auth"], "token");
    assert_eq!((&rows[2]["open"], &rows[3]["inherited_auth"]), (&json!(true), &json!(["token"])));
    assert_eq!(rows[0]["channels"].as_array().unwrap().len(), 3);
    assert_eq!(rows[2]["when"], json!({"type": ["\"a\"", "\"b\""]}));
    assert_eq!((&rows[2]["consumer"], &rows[2]["uses"]), (&json!("bye"), &json!("close")));
}

#[tokio::test]
async fn a_token_made_by_the_program_is_accepted() {
    let service = Service::start(TABLE);
    let token = |more: &[&str]| {
        let arguments = [&["token", "routing.toml"], more].concat();
        printed(service.folder(), &arguments).unwrap().trim().to_owned()
    };
    let good = token(&["--ip", "127.0.0.1", "--claim", "sub=anna"]);
    for url in [format!("/echo?{good}"), format!("/echo?token={good}")] {
        let mut client = Client::connect(&service.ws(&url)).await;
        assert_eq!(client.text().await, "connected!", "{url}");
    }
    let header = format!("Bearer {good}");
    for header in [("authorization", header.as_str()), ("sec-websocket-protocol", &good)] {
        let client = Client::try_connect(&service.ws("/echo"), &[header]).await;
        assert_eq!(client.ok().unwrap().text().await, "connected!", "{header:?}");
    }
    // A browser gives up if the server chooses none of the subprotocols that the browser offered.
    for (offered, chosen) in [(format!("pictures, {good}"), "pictures"), (good.clone(), &good)] {
        let header = ("sec-websocket-protocol", offered.as_str());
        let client = Client::try_connect(&service.ws("/echo"), &[header]).await.ok().unwrap();
        assert_eq!(client.subprotocol.as_deref(), Some(chosen));
    }
    let upload = service.url("/upload/none.jpg");
    for (query, status, code) in [("", 401, "auth"), (good.as_str(), 404, "not_found")] {
        let answer = get(&format!("{upload}?{query}"));
        assert_eq!((answer.status, &answer.json()["code"]), (status, &json!(code)));
    }
    let other = token(&["--ip", "10.0.0.1"]);
    let expired = token(&["--ip", "127.0.0.1", "--expires", "0s"]);
    let for_others = token(&["--ip", "127.0.0.1", "--claim", "aud=others"]);
    let of_others = token(&["--ip", "127.0.0.1", "--claim", "iss=others"]);
    for (token, words) in [
        (other.as_str(), "ip mismatch"),
        (&for_others, "enter correct token"),
        (&of_others, "enter correct token"),
        (&expired, "token expired"),
        ("", "enter correct token"),
        ("a.b.c", "enter correct token"),
    ] {
        let mut client = Client::connect(&service.ws(&format!("/echo?{token}"))).await;
        assert_eq!(client.text().await, format!("{{\"error\": \"{words}\"}}"));
        assert_eq!(client.closed().await, (3000, words.to_owned()));
    }
    let short = token(&["--ip", "127.0.0.1", "--expires", "3s"]);
    let mut client = Client::connect(&service.ws(&format!("/echo?{short}"))).await;
    assert_eq!(client.text().await, "connected!");
    assert_eq!(client.closed().await, (3000, "token expired".to_owned()));
    for (arguments, words) in
        [(&["--auth", "none"][..], "no [auth.none]"), (&["--claim", "sub"], "NAME=VALUE")]
    {
        let arguments = [&["token"], arguments].concat();
        let refused = printed(service.folder(), &arguments).unwrap_err();
        assert!(refused.contains(words), "{refused}");
    }
}

#[test]
fn a_missing_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    for command in ["serve", "check", "routes", "token"] {
        let reported = printed(folder.path(), &[command, "none.toml"]).unwrap_err();
        assert!(reported.contains("none.toml"), "{command}: {reported}");
    }
    // Only a command that serves does without a file.
    for command in ["check", "routes", "token"] {
        let reported = printed(folder.path(), &[command]).unwrap_err();
        for words in ["routing.toml", "WATERWAY_CONFIG", "--demo"] {
            assert!(reported.contains(words), "{command}: {reported}");
        }
    }
}

/// A service that is started with these arguments in a folder without a file.
fn started_without_a_file(arguments: &[&str]) -> Service {
    let folder = tempfile::tempdir().unwrap();
    Service::start_in(folder, "", |command| {
        let folder = command.get_current_dir().unwrap().to_owned();
        fs::remove_file(folder.join("routing.toml")).unwrap();
        *command = program(&folder);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null());
    })
}

#[test]
fn without_a_file_it_serves_the_built_in_table_and_says_so() {
    for arguments in [
        &["--listen", "127.0.0.1:0"][..],
        &["serve", "--listen", "127.0.0.1:0"],
        &["serve", "--demo", "--listen", "127.0.0.1:0"],
    ] {
        let service = started_without_a_file(arguments);
        assert_eq!(get(&service.url("/")).status, 200, "{arguments:?}");
        let reported = service.log().contains("waterway demo > routing.toml");
        assert_eq!(reported, !arguments.contains(&"--demo"), "{}", service.log());
    }
    let folder = tempfile::tempdir().unwrap();
    let shipped = fs::read_to_string(root().join("routing.toml")).unwrap();
    let beside =
        shipped.replace("#:schema docs/routing.schema.json", "#:schema routing.schema.json");
    assert_eq!(printed(folder.path(), &["demo"]).unwrap(), beside);
    let checked = printed(folder.path(), &["check", "--demo"]).unwrap();
    assert!(checked.starts_with("built-in table: sound, with "), "{checked}");
    let rows = printed(folder.path(), &["routes", "--demo"]).unwrap();
    assert!(rows.contains("built-in table:"), "{rows}");
    let both = waterway(folder.path(), &["serve", "--demo", "routing.toml"]);
    assert_eq!(both.status.code(), Some(2));
}

#[test]
fn listen_on_the_command_line_overrides_the_table() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap();
    let table = format!("[server]\nlisten = ['{taken}']\n");
    let service = Service::start_with(&table, |command| {
        command.args(["--listen", "127.0.0.1:0", "--listen", "unix:waterway.sock"]);
    });
    assert_ne!(service.address(), taken);
    assert!(service.folder().join("waterway.sock").exists());
    let folder = folder(&table);
    let busy = taken.to_string();
    let reported = printed(folder.path(), &["serve", "--listen", &busy]).unwrap_err();
    assert!(reported.contains(&busy) && reported.contains("--listen"), "{reported}");
    let wrong = waterway(folder.path(), &["serve", "--listen", "8000"]);
    assert_eq!(wrong.status.code(), Some(2));
}

#[test]
fn the_error_of_an_address_that_cannot_be_bound_names_it() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    for listen in [taken.as_str(), "192.0.2.1:80", "unix:no/such/folder/waterway.sock"] {
        let folder = folder(&format!("[server]\nlisten = ['{listen}']\n"));
        let reported = printed(folder.path(), &["serve"]).unwrap_err();
        assert!(reported.contains(listen) && reported.contains("[server] listen"), "{reported}");
    }
}

#[test]
fn help_and_wrong_commands_have_the_usual_exit_codes() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [&["--help"][..], &["-h"], &["check", "--help"], &["--version"]] {
        let output = waterway(folder.path(), arguments);
        assert!(output.status.success() && !output.stdout.is_empty(), "{arguments:?}");
    }
    let help = String::from_utf8(waterway(folder.path(), &["--help"]).stdout).unwrap();
    for word in ["serve", "check", "routes", "token", "WATERWAY_CONFIG", "RUST_LOG", "--log"] {
        assert!(help.contains(word), "{word}: {help}");
    }
    for arguments in [&["--no-such"][..], &["check", "a", "b"], &["--log", "xml"]] {
        let output = waterway(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    }
}

#[tokio::test]
async fn the_environment_names_the_table_and_its_values_and_the_log_is_json() {
    let table = format!(
        "{}[consumer.farewell]\nuse = 'close'\ntext = '${{FAREWELL:-none}} and ${{WHOM:-you}}'\n\
         [[route]]\nchannel = 'websocket.connect'\npath = '/bye'\nconsumer = 'farewell'\n",
        "[server]\nlisten = ['127.0.0.1:0']\n",
    );
    let folder = folder("this is not read");
    fs::write(folder.path().join("other.toml"), table).unwrap();
    // The harness writes `routing.toml`; the environment makes the program read another file.
    let service = Service::start_in(folder, "", |command| {
        let mut other = std::process::Command::new(command.get_program());
        other.args(["--log", "json"]).current_dir(command.get_current_dir().unwrap());
        other.env("WATERWAY_CONFIG", "other.toml").env("FAREWELL", "so long").env_remove("WHOM");
        other.stdout(Stdio::null());
        *command = other;
    });
    let mut client = Client::connect(&service.ws("/bye")).await;
    assert_eq!(client.text().await, "so long and you");
    assert_eq!(client.closed().await.0, 1000);
    for line in service.log().lines() {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        assert!(line["level"].is_string() && line["message"].is_string(), "{line}");
    }
    assert!(service.log().contains(r#""file":"other.toml""#), "{}", service.log());
}
