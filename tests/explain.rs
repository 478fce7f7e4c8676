//! `waterway explain`: the answer first, and then why.

use std::fs;

use crate::util::waterway;

const TABLE: &str = "\
[limits]
rate = '60/s'

[auth.user]
secret = 'a secret that is long enough for HS256'
from   = ['query:token', 'header:x-token']

[queue.images]
consumer = 'pictures'
workers  = 2

[consumer.pictures]
use = 'image.work'

[[route]]
channel  = 'http.request'
path     = '/a'
method   = 'PUT'
consumer = 'page'

[[route]]
channel  = 'websocket.connect'
path     = '/ws/{page}'
auth     = 'user'
consumer = 'image.connect'

[[route]]
channel  = 'websocket.receive'
path     = '/ws/{page}'
when     = { type = ['cancel', 'stop'] }
queue    = 'images'
consumer = 'image.cancel'

[[route]]
channel  = 'websocket.receive'
path     = '/ws/{page}'
queue    = 'images'
consumer = 'image.receive'
limits   = { message = '32MiB' }
";

/// The output of the program with these arguments, its messages and its exit code.
fn explained(arguments: &[&str]) -> (String, String, Option<i32>) {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("media")).unwrap();
    fs::write(folder.path().join("routing.toml"), TABLE).unwrap();
    let output = waterway(folder.path(), &[&["explain"], arguments].concat());
    let [out, log] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    (out, log, output.status.code())
}

#[test]
fn the_answer_comes_first() {
    let (text, ..) = explained(&["/ws/1"]);
    let answers: Vec<&str> = text.lines().take(5).collect();
    let expected = [
        "websocket.connect:    image.connect, by route 2 (routing.toml:21:1)",
        "websocket.receive:    image.receive, by route 4 (routing.toml:34:1)",
        "websocket.disconnect: no route; nothing",
        "http.request:         no route; 426: this path serves a WebSocket",
        "",
    ];
    assert_eq!(answers, expected, "{text}");
}

#[test]
fn the_reasons_name_earlier_routes_limits_tokens_and_the_queue() {
    let receive = ["/ws/1", "--channel", "websocket.receive"];
    let (text, ..) = explained(&receive);
    let expected = "\
websocket.receive:    image.receive, by route 4 (routing.toml:34:1)

websocket.receive
  path     /ws/{page} with page = \"1\"
  token    user, as for connecting: refused, there is no token
  queue    images: pictures does the tasks, with 2 workers
  shares   equal by address
  order    viewport: of one client's tasks, the visible ones are first
  waiting  at most 512 tasks of a client and 8192 of all, for 1m
  limits   message     32MiB    route 4
           rate        60/s     [limits]
           rate_action wait     default
           inbox       1MiB     default
           pace        4KiB     default
           outbox      4MiB     default
           slow        close    default
           idle        1m       default
           ping        20s      default
           closing     5s       default
  not route 3 (image.cancel, routing.toml:27:1): its type is \"cancel\" or \"stop\", the \
head's is missing
";
    assert_eq!(text, expected);
    let (text, ..) =
        explained(&[&receive[..], &["--head", "{\"type\": \"cancel\"} and more"]].concat());
    assert!(text.starts_with("websocket.receive:    image.cancel, by route 3"), "{text}");
    assert!(text.contains("\n  head     type = \"cancel\" or \"stop\"\n"), "{text}");
    let (text, ..) = explained(&["/a", "--channel", "http.request", "--method", "PUT"]);
    assert!(text.contains("\n  method   PUT\n") && text.contains("\n  token    none\n"), "{text}");
    let (text, ..) = explained(&["/a", "--channel", "http.request"]);
    assert!(text.contains("not route 1 (page, routing.toml:15:1): its method is PUT"), "{text}");
}

#[test]
fn a_token_is_looked_for_where_the_table_says() {
    let secret = "a secret that is long enough for HS256";
    let claims = serde_json::json!({"sub": "anna"});
    let token =
        waterway::auth::sign(waterway::auth::Algorithm::HS256, secret, claims.as_object().unwrap());
    let token = token.unwrap();
    let told = |arguments: &[&str]| {
        let (text, ..) = explained(&[&["--channel", "websocket.connect"], arguments].concat());
        text.lines().find(|line| line.starts_with("  token")).unwrap_or(&text).to_owned()
    };
    let has = "  token    user: the client has it";
    assert_eq!(told(&["/ws/1", "--token", &token]), has);
    assert_eq!(told(&[&format!("/ws/1?token={token}")]), has);
    assert_eq!(told(&["/ws/1", "--header", &format!("X-Token: {token}")]), has);
    assert_eq!(told(&["/ws/1"]), "  token    user: refused, there is no token");
    let wrong = told(&["/ws/1", "--token", &token.replace('.', "_")]);
    assert!(wrong.starts_with("  token    user: refused, "), "{wrong}");
}

#[test]
fn an_explanation_is_json_for_programs() {
    let (text, ..) = explained(&["/ws/1", "--json", "--channel", "websocket.receive"]);
    let told: serde_json::Value = serde_json::from_str(&text).unwrap();
    let of = |path: &str| told.pointer(path).unwrap_or_else(|| panic!("{path}: {text}"));
    assert_eq!(of("/0/taken/number"), 4);
    assert_eq!(
        of("/0/limits/0"),
        &serde_json::json!({"name": "message", "value": "32MiB", "from": "route 4"})
    );
    assert_eq!(of("/0/queue/order"), "viewport");
    assert_eq!(of("/0/passed_over/0/0/number"), 3);
}

#[test]
fn wrong_questions_are_answered_with_the_right_form() {
    for (arguments, said) in [
        (vec!["c"], "a path begins with a slash: write /c"),
        (vec!["https://a.org/c"], "this is a whole URL: write its path, /c"),
        (vec!["ws://a.org"], "this is a whole URL: write its path, /"),
        (vec!["/c#x"], "a browser does not send what follows a #: write /c"),
        (vec!["/c", "--head", "{\"type\": "], "a head is a JSON object such as"),
        (vec!["/c", "--head", "3"], "a head is a JSON object such as"),
        (vec!["/c", "--method", "G T"], "invalid value"),
        (vec!["/c", "--channel", "receive"], "an event is one of websocket.connect, "),
        (vec!["/c", "--header", "Cookie"], "write it as NAME: VALUE"),
    ] {
        let (_, log, code) = explained(&arguments);
        assert!(code == Some(2) && log.contains(said), "{arguments:?}: {log}");
    }
    let folder = tempfile::tempdir().unwrap();
    let output = waterway(folder.path(), &["routes", "--path", "/c"]);
    let log = String::from_utf8(output.stderr).unwrap();
    assert!(log.contains("the command explain has taken its place: write explain /c"), "{log}");
}
