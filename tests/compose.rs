//! Consumers that a table composes, without any code: groups, replies, queues, gates and responses.

use serde_json::json;

use crate::util::{Client, Service, get, request};

/// Rooms with presence.
const ROOMS: &str = r#"
[consumer.enter]
use   = "group.join"
group = "room.{room}"
as    = "{query.name:-guest}"
[consumer.say]
use   = "group.send"
group = "room.{room}"
as    = "{query.name:-guest}"
[consumer.leave]
use   = "group.leave"
group = "room.{room}"
as    = "{query.name:-guest}"
[[route]]
channel  = "websocket.connect"
path     = "/rooms/{room}"
consumer = "enter"
[[route]]
channel  = "websocket.receive"
path     = "/rooms/{room}"
consumer = "say"
[[route]]
channel  = "websocket.disconnect"
path     = "/rooms/{room}"
consumer = "leave"
"#;

#[tokio::test]
async fn members_of_a_group_are_told_who_joins_speaks_and_leaves() {
    let service = Service::start(ROOMS);
    let enter = async |target: &str| Client::connect(&service.ws(target)).await;
    let mut anna = enter("/rooms/den?name=anna").await;
    assert_eq!(anna.json().await, json!({"joined": "anna", "here": 1}));
    let mut elsewhere = enter("/rooms/d.en").await;
    assert_eq!(elsewhere.json().await, json!({"joined": "guest", "here": 1}));
    for round in 0..10 {
        let mut ben = enter("/rooms/den?name=ben").await;
        for client in [&mut anna, &mut ben] {
            assert_eq!(client.json().await, json!({"joined": "ben", "here": 2}));
        }
        ben.send_text(format!("zwölf \"{round}\"")).await;
        for client in [&mut anna, &mut ben] {
            let said = json!({"from": "ben", "text": format!("zwölf \"{round}\"")});
            assert_eq!(client.json().await, said);
        }
        if round % 2 == 0 {
            drop(ben);
        } else {
            ben.close(1000).await;
        }
        assert_eq!(anna.json().await, json!({"left": "ben", "here": 1}), "{round}");
    }
    anna.send_binary(vec![1, 2]).await;
    assert_eq!(anna.json().await["code"], "bad_message", "a name is put in front of texts alone");
    elsewhere.send_text("alone").await;
    assert_eq!(elsewhere.json().await, json!({"from": "guest", "text": "alone"}));
    let mut refused = enter(&format!("/rooms/den?name={}", "n".repeat(65))).await;
    assert_eq!(refused.json().await["code"], "bad_message");
    assert_eq!(refused.closed().await.0, 1008);
    let mut refused = enter(&format!("/rooms/{}", "n".repeat(95))).await;
    assert_eq!(refused.json().await["code"], "bad_message");
}

#[tokio::test]
async fn a_table_gives_the_message_to_a_group_and_its_recipients() {
    let table = r#"
        [consumer.subscribe]
        use   = "group.join"
        group = "topic.{head.topic}"
        [consumer.unsubscribe]
        use   = "group.leave"
        group = "topic.{head.topic}"
        json  = { gone = "{head.topic}", left = "{group.size}" }
        [consumer.publish]
        use   = "group.send"
        group = "topic.{head.topic}"
        json  = { topic = "{head.topic}", body = "{message.json}" }
        to    = "others"
        [consumer.notify]
        use   = "group.send"
        group = "topic.{topic}"
        [[route]]
        channel  = "websocket.receive"
        path     = "/hub"
        when     = { type = "subscribe" }
        consumer = "subscribe"
        [[route]]
        channel  = "websocket.receive"
        path     = "/hub"
        when     = { type = "unsubscribe" }
        consumer = "unsubscribe"
        [[route]]
        channel  = "websocket.receive"
        path     = "/hub"
        consumer = "publish"
        [[route]]
        channel  = "http.request"
        method   = "POST"
        path     = "/hub/{topic}"
        consumer = "notify"
    "#;
    let service = Service::start(table);
    let mut clients = Vec::new();
    for _ in 0..2 {
        let mut client = Client::connect(&service.ws("/hub")).await;
        client.send_text(r#"{"type": "subscribe", "topic": "news"}"#).await;
        // Without a topic there is an error, which says that the message before it was handled.
        client.send_text("{}").await;
        assert_eq!(client.json().await["code"], "bad_header");
        clients.push(client);
    }
    let [one, other] = clients.as_mut_slice() else { unreachable!() };
    let sent = request("POST", &service.url("/hub/news"), &[], "über all");
    assert_eq!(sent.json(), json!({"sent": 2, "dropped": 0}));
    for client in [&mut *one, &mut *other] {
        assert_eq!(client.text().await, "über all");
    }
    let bytes = request("POST", &service.url("/hub/news"), &[], vec![0xff, 0]);
    assert_eq!(bytes.json(), json!({"sent": 2, "dropped": 0}));
    for client in [&mut *one, &mut *other] {
        assert_eq!(client.binary().await, [0xff, 0]);
    }
    one.send_text(r#"{"topic": "news", "n": 1}"#).await;
    let body = json!({"topic": "news", "n": 1});
    assert_eq!(other.json().await, json!({"topic": "news", "body": body}));
    other.send_text(r#"{"type": "unsubscribe", "topic": "news"}"#).await;
    assert_eq!(
        one.json().await,
        json!({"gone": "news", "left": 1}),
        "its own message did not come"
    );
}

#[tokio::test]
async fn a_relay_passes_messages_on_to_the_others_as_they_are() {
    let table = r#"
        [consumer.signal]
        use   = "relay"
        group = "call.{call}"
        [[route]]
        channel  = "websocket.*"
        path     = "/calls/{call}"
        consumer = "signal"
    "#;
    let service = Service::start(table);
    let connect = async |path: &str| Client::connect(&service.ws(path)).await;
    let (mut anna, mut ben) = (connect("/calls/1").await, connect("/calls/1").await);
    let mut eve = connect("/calls/2").await;
    anna.send_text("{\"sdp\": \"offer\"}").await;
    assert_eq!(ben.text().await, "{\"sdp\": \"offer\"}");
    ben.send_binary(vec![0, 159]).await;
    assert_eq!(anna.binary().await, [0, 159], "and nothing of its own");
    eve.send_text("to nobody").await;
    anna.close(1000).await;
    ben.send_text("to nobody").await;
    let mut carl = connect("/calls/1").await;
    carl.send_text("hello").await;
    assert_eq!(ben.text().await, "hello");
}

#[tokio::test]
async fn a_reply_has_the_content_of_the_table() {
    let table = r#"
        [consumer.greet]
        use  = "reply"
        text = "welcome to {room}"
        [consumer.echo-json]
        use  = "reply"
        json = { you_said = "{message.text}", room = "{room}", list = [1, "{query.n:-none}"] }
        [[route]]
        channel  = "websocket.connect"
        path     = "/{room}"
        consumer = "greet"
        [[route]]
        channel  = ["websocket.receive", "http.request"]
        path     = "/{room}"
        consumer = "echo-json"
    "#;
    let service = Service::start(table);
    let mut client = Client::connect(&service.ws("/attic?n=7")).await;
    assert_eq!(client.text().await, "welcome to attic");
    client.send_text("hi").await;
    let said = json!({"you_said": "hi", "room": "attic", "list": [1, "7"]});
    assert_eq!(client.json().await, said);
    let answer = request("POST", &service.url("/attic"), &[], "hi");
    assert_eq!(answer.json(), json!({"you_said": "hi", "room": "attic", "list": [1, "none"]}));
    assert_eq!(answer.header("content-type"), "application/json");
}

#[tokio::test]
async fn a_push_makes_a_task_of_each_message() {
    let table = r#"
        [queue.slow]
        consumer = "answer"
        workers  = 1
        [consumer.answer]
        use  = "reply"
        json = { got = "{message.text}", room = "{room}" }
        [consumer.named]
        use  = "push"
        uuid = "{head.id}"
        [[route]]
        channel  = ["websocket.receive", "http.request"]
        path     = "/{room}"
        queue    = "slow"
        consumer = "push"
        [[route]]
        channel  = "websocket.receive"
        path     = "/named/{room}"
        queue    = "slow"
        consumer = "named"
    "#;
    let service = Service::start(table);
    let mut client = Client::connect(&service.ws("/den")).await;
    client.send_text("no head").await;
    assert_eq!(client.json().await, json!({"got": "no head", "room": "den"}));
    client.send_text(r#"{"uuid": 1, "offset_top": "far"}"#).await;
    let error = client.json().await;
    assert_eq!((&error["code"], &error["uuid"]), (&json!("bad_header"), &json!(1)));
    client.send_text(r#"{"uuid": true}"#).await;
    assert_eq!(client.json().await["code"], "bad_header");
    client.send_text(r#"{"type": "cancel", "uuid": 99}"#).await;
    client.send_text(r#"{"type": "viewport", "top": 0, "height": 10}"#).await;
    client.send_text(r#"{"uuid": 2, "offset_top": 30, "height": 40}"#).await;
    assert_eq!(client.json().await["got"], r#"{"uuid": 2, "offset_top": 30, "height": 40}"#);
    let answer = request("POST", &service.url("/attic?uuid=7"), &[], "a body");
    assert_eq!(answer.json(), json!({"got": "a body", "room": "attic"}));
    let mut named = Client::connect(&service.ws("/named/den")).await;
    named.send_text("{}").await;
    assert_eq!(named.json().await["code"], "bad_header", "the table wants an id");
    named.send_text(r#"{"id": "a"}"#).await;
    assert_eq!(named.json().await["room"], "den");
}

#[test]
fn a_response_has_the_status_the_headers_and_the_body_of_the_table() {
    let table = r#"
        [consumer.healthy]
        use = "respond"
        [consumer.moved]
        use     = "respond"
        status  = 308
        headers = { location = "/new/{rest}", set-cookie = ["a=1", "b=2"] }
        [consumer.home]
        use     = "respond"
        status  = 302
        headers = { location = "/{rest}" }
        [consumer.about]
        use     = "respond"
        json    = { room = "{room}", version = 2 }
        headers = { cache-control = "no-store", x-room = "{room}" }
        [[route]]
        channel  = "http.request"
        path     = "/health"
        consumer = "healthy"
        [[route]]
        channel  = "http.request"
        path     = "/old/{*rest}"
        consumer = "moved"
        [[route]]
        channel  = "http.request"
        path     = "/to/{*rest}"
        consumer = "home"
        [[route]]
        channel  = "http.request"
        path     = "/about/{room}"
        consumer = "about"
    "#;
    let service = Service::start(table);
    let healthy = get(&service.url("/health"));
    assert_eq!((healthy.status, healthy.text()), (200, ""));
    let moved = get(&service.url("/old/a%20b/c?x=1"));
    assert_eq!((moved.status, moved.header("location")), (308, "/new/a%20b/c"));
    let cookies: Vec<_> = moved.headers.get_all("set-cookie").iter().collect();
    assert_eq!(cookies, ["a=1", "b=2"]);
    // No client can choose another host, or another header.
    for (path, location) in [
        ("/to//evil.example/x", "/%2Fevil.example/x"),
        ("/to/%2F%2Fevil.example", "/%2F%2Fevil.example"),
        ("/to/%5Cevil.example", "/%5Cevil.example"),
        ("/to/a%0d%0aset-cookie:x=1", "/a%0D%0Aset-cookie%3Ax%3D1"),
    ] {
        let answer = get(&service.url(path));
        assert_eq!((answer.status, answer.header("location")), (302, location), "{path}");
        assert!(answer.headers.get("set-cookie").is_none());
    }
    let about = get(&service.url("/about/%3Cden%3E"));
    assert_eq!(about.json(), json!({"room": "<den>", "version": 2}));
    assert_eq!(about.header("x-room"), "%3Cden%3E");
    assert_eq!(about.header("content-type"), "application/json");
    assert_eq!(about.header("x-content-type-options"), "nosniff");
    assert_eq!(about.header("cache-control"), "no-store");
}
