//! The promises to a consumer's author, tested with the framework's own client and without a
//! socket.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use waterway::message::Scope;
use waterway::reply::Close;
use waterway::testing::{self, Handshake, Received, TestClient};
use waterway::{
    Binary, Error, Head, Json, Message, Options, Path, Payload, Query, Registry, Reply,
    ReplyChannel, Router, SocketConsumer, Text,
};

/// `[[route]]` with these keys.
fn route(channel: &str, path: &str, consumer: &str) -> String {
    format!("[[route]]\nchannel = '{channel}'\npath = '{path}'\nconsumer = '{consumer}'\n")
}

/// The reply that a word means.
fn reply(word: &str) -> Reply {
    let refused = StatusCode::UNAUTHORIZED;
    match word {
        "nothing" => Reply::default(),
        "accept" => Reply::accept(),
        "deny" => Reply::deny(StatusCode::FORBIDDEN),
        "deny 401" => Reply::deny(refused),
        "close" => Reply::close(),
        "close 4000" => Reply::close_with(4000, "why"),
        "text" => Reply::text("text"),
        "bytes" => Reply::bytes(&b"\0\xff"[..]),
        "empty text" => Reply::text(""),
        "empty bytes" => Reply::bytes(&b""[..]),
        "text and close" => Reply::text("text").and_close(1000, ""),
        "bytes and close 4000" => Reply::bytes(&b"\0\xff"[..]).and_close(4000, "why"),
        "empty text and close" => Reply::text("").and_close(1000, ""),
        "status" => Reply::status(refused),
        other => panic!("{other}"),
    }
}

#[derive(Deserialize)]
struct Say {
    say: String,
}

#[tokio::test]
async fn replies_do_the_same_as_in_channels() {
    let text = || Received::Frame(Payload::from("text"));
    let bytes = || Received::Frame(Payload::from(vec![0, 0xff]));
    let empty = || Received::Frame(Payload::from(""));
    let close = |code, reason: &str| Received::Close(Close { code, reason: reason.into() });
    let no_bytes = || Received::Frame(Payload::from(vec![]));
    let (forbidden, unauthorised) = (StatusCode::FORBIDDEN, StatusCode::UNAUTHORIZED);
    let rows = [
        ("nothing", Ok(vec![]), vec![]),
        ("accept", Ok(vec![]), vec![]),
        ("deny", Err(forbidden), vec![close(1000, "")]),
        ("deny 401", Err(unauthorised), vec![close(1000, "")]),
        ("close", Err(forbidden), vec![close(1000, "")]),
        ("close 4000", Err(forbidden), vec![close(4000, "why")]),
        ("text", Ok(vec![text()]), vec![text()]),
        ("bytes", Ok(vec![bytes()]), vec![bytes()]),
        ("empty text", Ok(vec![empty()]), vec![empty()]),
        ("empty bytes", Ok(vec![no_bytes()]), vec![no_bytes()]),
        ("text and close", Ok(vec![text(), close(1000, "")]), vec![text(), close(1000, "")]),
        (
            "bytes and close 4000",
            Ok(vec![bytes(), close(4000, "why")]),
            vec![bytes(), close(4000, "why")],
        ),
        (
            "empty text and close",
            Ok(vec![empty(), close(1000, "")]),
            vec![empty(), close(1000, "")],
        ),
    ];
    // A reply that is returned and one that is sent through the reply channel have the same effect.
    let registry = Registry::new()
        .function("connect.returns", async |Query(Say { say })| reply(&say))
        .function("connect.sends", async |Query(Say { say }), channel: ReplyChannel| {
            channel.send(reply(&say))
        })
        .function("receive.returns", async |Text(say)| reply(&say))
        .function("receive.sends", async |Text(say), channel: ReplyChannel| {
            channel.send(reply(&say))
        });
    for matched in ["returns", "sends"] {
        let connect = route("websocket.connect", "/connect", &format!("connect.{matched}"));
        let receive = route("websocket.receive", "/{any}", &format!("receive.{matched}"));
        let service = testing::start(&(connect + &receive), &registry).await;
        for (word, connecting, open) in &rows {
            let target = format!("/connect?say={}", word.replace(' ', "+"));
            match (TestClient::connect(&service, &target).await, connecting) {
                (Ok(client), Ok(expected)) => ends_with(client, expected, word).await,
                (Err(status), Err(expected)) => assert_eq!(status, *expected, "{word}, {matched}"),
                (came, expected) => panic!("{word}, {matched}: {came:?}, not {expected:?}"),
            }
            let client = TestClient::connect(&service, "/open").await.unwrap();
            client.send(*word).await;
            ends_with(client, open, word).await;
        }
    }
}

/// Checks that the client receives exactly this, and that its connection stays open unless it was
/// closed.
async fn ends_with(mut client: TestClient, expected: &[Received], word: &str) {
    for expected in expected {
        assert_eq!(client.receive().await, *expected, "{word}");
    }
    if !matches!(expected.last(), Some(Received::Close(_))) {
        client.send("text").await;
        assert_eq!(client.receive().await.text(), "text", "nothing else came: {word}");
    }
    client.disconnect(1000).await;
}

#[tokio::test]
async fn events_that_no_route_takes_have_channels_defaults() {
    let registry = Registry::new().function("echo", async |Text(text)| Reply::text(text));
    let receive = "[[route]]\nchannel = 'websocket.receive'\npath = '/a'\nwhen = { type = 'b' }\n\
                   consumer = 'echo'\n";
    let service = testing::start(receive, &registry).await;
    let mut client = TestClient::connect(&service, "/a").await.expect("connect accepts");
    client.send("nobody takes this").await;
    client.send(r#"{"type": "b"}"#).await;
    assert_eq!(client.receive().await.text(), r#"{"type": "b"}"#);
    client.disconnect(1000).await;
    let status = TestClient::connect(&service, "/b").await.err();
    assert_eq!(status, Some(StatusCode::NOT_FOUND));
    let foreign = Handshake::new("/a").foreign("https://elsewhere.example");
    assert_eq!(foreign.connect(&service).await.err(), Some(StatusCode::FORBIDDEN));
}

#[tokio::test]
async fn the_first_route_that_matches_takes_the_message() {
    let registry = Registry::new()
        .function("a", async || "a")
        .function("b", async || "b")
        .function("c", async || "c")
        .function("rest", async |Path(path): Path<String>| format!("rest {path}"));
    let receive = |path: &str, when: &str, consumer: &str| {
        route("websocket.receive", path, consumer) + when + "\n"
    };
    let table = receive("/x/{page}", "when = { type = 'one', n = 1 }", "a")
        + &receive("/x/{page}", "when = { type = ['one', 'two'] }", "b")
        + &receive("/x/y", "when = { deep = true }", "c")
        + &receive("/x/{*all}", "", "rest");
    let service = testing::start(&table, &registry).await;
    let long = format!(r#"{{"pad": "{}", "type": "one"}}"#, "x".repeat(5000));
    for (path, message, expected) in [
        ("/x/y", r#"{"type": "one", "n": 1}"#, "a"),
        ("/x/y", r#"{"type": "one", "n": 1.0}  behind it"#, "a"),
        ("/x/y", r#"{"type": "one", "n": "1"}"#, "b"),
        ("/x/z", r#"{"type": "two", "deep": true}"#, "b"),
        ("/x/y", r#"{"type": "three", "deep": true}"#, "c"),
        ("/x/y", r#"{"type": "three", "deep": 1}"#, "rest y"),
        ("/x/z", r#"{"deep": true}"#, "rest z"),
        ("/x/z/z", r#"{"type": "one", "n": 1}"#, "rest z/z"),
        ("/x/y", r#"[{"type": "one", "n": 1}]"#, "rest y"),
        ("/x/y", "plain", "rest y"),
        ("/x/y", &long, "rest y"),
        ("/x/%C3%BC%2F", "plain", "rest ü/"),
    ] {
        let mut client = TestClient::connect(&service, path).await.unwrap();
        client.send(message.to_owned()).await;
        assert_eq!(client.receive().await.text(), expected, "{path} {message:.60}");
        client.disconnect(1000).await;
    }
}

#[tokio::test]
async fn errors_and_panics_reach_the_client_without_inner_detail() {
    fn fail(say: &str) -> Result<String, Error> {
        match say {
            "io" => Err(std::io::Error::other("secret/path"))?,
            "told" => Err(Error::new("no_room", "there is no room").with("room", 5)),
            "panic" => panic!("secret"),
            other => Ok(other.to_owned()),
        }
    }
    let registry = Registry::new()
        .function("connect", async |Query(Say { say })| fail(&say))
        .function("receive", async |Text(say)| fail(&say))
        .function("request", async |Query(Say { say })| fail(&say));
    let table = route("websocket.connect", "/c", "connect")
        + &route("websocket.receive", "/r", "receive")
        + &route("http.request", "/h", "request");
    let service = testing::start(&table, &registry).await;
    let failed = json!({"error": "the consumer failed", "code": "failed"});
    let reported = json!({"error": "there is no room", "code": "no_room", "room": 5});
    for (say, expected, status, closes) in [
        ("io", &failed, 500, false),
        ("told", &reported, 400, false),
        ("panic", &failed, 500, true),
    ] {
        let mut client = TestClient::connect(&service, &format!("/c?say={say}")).await.unwrap();
        assert_eq!(client.receive().await.json(), *expected, "{say}");
        let code = if say == "told" { 1008 } else { 1011 };
        assert_eq!(client.receive().await.close_code(), code, "{say}");

        let mut client = TestClient::connect(&service, "/r").await.unwrap();
        client.send(say).await;
        assert_eq!(client.receive().await.json(), *expected, "{say}");
        if closes {
            assert_eq!(client.receive().await.close_code(), 1011, "{say}");
        } else {
            client.send("still here").await;
            assert_eq!(client.receive().await.text(), "still here", "{say}");
        }

        let target = format!("/h?say={say}");
        let response = TestClient::request(&service, Method::GET, &target, "").await;
        assert_eq!(response.status.map(|status| status.as_u16()), Some(status), "{say}");
        let body = response.content.expect("it says why");
        assert_eq!(serde_json::from_slice::<Value>(body.as_bytes()).unwrap(), *expected);
    }
}

/// Answers with its arguments, separated by `/`.
async fn two_parts(Path((a, b)): Path<(String, u8)>) -> String {
    format!("{a}/{b}")
}

#[tokio::test]
async fn a_message_without_an_argument_of_its_consumer_gets_an_error() {
    #[derive(Deserialize)]
    struct Point {
        x: i32,
    }
    let registry = Registry::new()
        .function("text", async |Text(text)| format!("text {text}"))
        .function("binary", async |Binary(bytes)| format!("{} bytes", bytes.len()))
        .function("payload", async |payload: Payload| payload)
        .function("json", async |Json(Point { x })| Json(json!({"x": x + 1})))
        .function("head", async |Head(head)| head["a"].to_string())
        .function("query", async |Query(Say { say })| say)
        .function("scope", async |scope: Arc<Scope>| format!("{} {}", scope.path, scope.query))
        .function("optional", async |Text(text)| (!text.is_empty()).then(|| text.to_string()))
        .function("path", two_parts)
        .function("message", async |message: Message| format!("{}", message.channel()));
    let table: String = ["text", "binary", "payload", "json", "head", "query", "scope", "optional"]
        .into_iter()
        .chain(["message"])
        .map(|name| route("websocket.receive", &format!("/{name}"), name))
        .collect();
    let table = table + &route("websocket.receive", "/p/{a}/{b}", "path");
    let service = testing::start(&table, &registry).await;
    let (text, bytes) = (|text: &'static str| Payload::from(text), Payload::from(vec![0, 1]));
    for (target, sent, expected) in [
        ("/text", text("ü"), Ok("text ü")),
        ("/text", bytes.clone(), Err("bad_message")),
        ("/binary", bytes.clone(), Ok("2 bytes")),
        ("/binary", text("a"), Err("bad_message")),
        ("/payload", text("a"), Ok("a")),
        ("/json", text(r#"{"x": 1}"#), Ok(r#"{"x": 2}"#)),
        ("/json", text(r#"{"x": "1"}"#), Err("bad_message")),
        ("/json", bytes.clone(), Err("bad_message")),
        ("/head", text(r#"{"a": "b"} body"#), Ok("\"b\"")),
        ("/head", text("body"), Err("bad_header")),
        ("/query?say=a%20b+c&more=1", text(""), Ok("a b c")),
        ("/query", text(""), Err("bad_message")),
        ("/scope?a=%20", text(""), Ok("/scope a=%20")),
        ("/p/x%20y/7", text(""), Ok("x y/7")),
        ("/p/x/300", text(""), Err("bad_message")),
        ("/message", text(""), Ok("websocket.receive")),
    ] {
        let mut client = TestClient::connect(&service, target).await.unwrap();
        client.send(sent.clone()).await;
        let came = client.receive().await;
        match expected {
            Ok(expected) => assert_eq!(came.text(), expected, "{target} {sent:?}"),
            Err(code) => assert_eq!(came.json()["code"], code, "{target} {sent:?}"),
        }
    }
    let mut client = TestClient::connect(&service, "/optional").await.unwrap();
    client.send("").await;
    client.send("a").await;
    assert_eq!(client.receive().await.text(), "a", "a consumer that returns None sends no reply");
}

#[derive(Deserialize, schemars::JsonSchema, Default)]
#[serde(deny_unknown_fields, default)]
struct Greeting {
    words: String,
    times: u8,
}

#[tokio::test]
async fn options_are_typed_and_their_mistakes_are_reported_with_the_tables() {
    let registry = Registry::new().function("greet", async |options: Options<Greeting>| {
        options.words.repeat(options.times.into())
    });
    let greet = route("websocket.connect", "/a", "polite");
    let declared = |options: &str| format!("{greet}[consumer.polite]\nuse = 'greet'\n{options}\n");
    let service = testing::start(&declared("words = 'hi '\ntimes = 2"), &registry).await;
    let mut client = TestClient::connect(&service, "/a").await.unwrap();
    assert_eq!(client.receive().await.text(), "hi hi ");
    for (table, expected) in [
        (declared("words = 5"), &["routing.toml:7:9: "][..]),
        (declared("times = 300\nword = 'x'"), &["routing.toml:7:9: ", "routing.toml:8:1: "]),
        (route("websocket.connect", "/a", "grete"), &["routing.toml:4:12: "]),
    ] {
        let report = Router::parse(&table, &registry).unwrap_err().report().to_string();
        assert!(expected.iter().all(|place| report.contains(place)), "{report}");
        assert!(report.contains(&format!("{} mistake", expected.len())), "{report}");
    }
}

#[tokio::test]
async fn each_connection_has_an_instance_of_its_own() {
    struct Count(u32, Arc<AtomicUsize>);
    impl SocketConsumer for Count {
        async fn open(&mut self, socket: &ReplyChannel) -> Result<(), Error> {
            socket.send("open")
        }
        async fn on_message(&mut self, socket: &ReplyChannel, _: Payload) -> Result<(), Error> {
            self.0 += 1;
            tokio::task::yield_now().await;
            socket.send(self.0.to_string())
        }
    }
    impl Drop for Count {
        fn drop(&mut self) {
            self.1.fetch_add(1, Ordering::SeqCst);
        }
    }
    let dropped = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&dropped);
    let registry = Registry::new().socket("count", move || Count(0, Arc::clone(&counter)));
    let limited = "limits = { rate = '3/h', rate_action = 'close' }\nwhen = { limited = true }\n";
    let table =
        route("websocket.receive", "/a", "count") + limited + &route("websocket.*", "/a", "count");
    let service = testing::start(&table, &registry).await;
    for client in 1..=3 {
        let mut client_a = TestClient::connect(&service, "/a").await.unwrap();
        assert_eq!(client_a.receive().await.text(), "open");
        // Another route to the same consumer uses the same instance, and has its own rate.
        for n in 1..=6 {
            client_a.send(if n % 2 == 0 { r#"{"limited": true}"# } else { "free" }).await;
            assert_eq!(client_a.receive().await.text(), n.to_string());
        }
        client_a.send(r#"{"limited": true}"#).await;
        assert_eq!(client_a.receive().await.json()["code"], "rate");
        assert_eq!(client_a.receive().await.close_code(), 1008);
        client_a.disconnect(1008).await;
        assert_eq!(
            dropped.load(Ordering::SeqCst),
            client,
            "the instance is dropped with its connection"
        );
    }
}
