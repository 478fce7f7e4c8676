//! `require`, and routes with several consumers: which clients pass, and which consumers are called.

use serde_json::json;
use waterway::auth::{Algorithm, sign};

use crate::util::{Client, Service, get, request};

const SECRET: &str = "a secret of at least thirty-two bytes";

fn token(claims: &serde_json::Value) -> String {
    sign(Algorithm::HS256, SECRET, claims.as_object().unwrap()).unwrap()
}

const GATES: &str = r#"
[auth.site]
secret = "a secret of at least thirty-two bytes"
[consumer.staff]
use    = "require"
claims = { role = ["editor", "admin"] }
[consumer.own]
use    = "require"
path   = { user = "{claims.sub}" }
status = 404
[consumer.typed]
use    = "require"
head   = { type = ["say", "shout"] }
[consumer.versioned]
use    = "require"
query  = { v = 2 }
[consumer.greet]
use  = "reply"
json = { welcome = "{claims.sub:-all}" }
[consumer.enter]
use   = "group.join"
group = "room.{room}"
as    = "{claims.sub}"
[consumer.say]
use   = "group.send"
group = "room.{room}"
as    = "{claims.sub}"
[consumer.leave]
use   = "group.leave"
group = "room.{room}"
as    = "{claims.sub}"
[consumer.ok]
use  = "respond"
text = "in"
[[route]]
channel  = "websocket.connect"
path     = "/rooms/{room}"
auth     = "site"
consumer = ["staff", "greet", "enter"]
[[route]]
channel  = "websocket.receive"
path     = "/rooms/{room}"
consumer = ["typed", "say"]
[[route]]
channel  = "websocket.disconnect"
path     = "/rooms/{room}"
consumer = "leave"
[[route]]
channel  = "http.request"
path     = "/users/{user}"
auth     = "site"
consumer = ["own", "ok"]
[[route]]
channel  = "http.request"
path     = "/versioned"
consumer = ["versioned", "ok"]
[[route]]
channel  = "websocket.connect"
path     = "/gate/{user}"
auth     = "site"
consumer = "own"
[[route]]
channel  = "websocket.receive"
path     = "/gate/{user}"
consumer = "close"
"#;

#[tokio::test]
async fn a_client_passes_only_if_its_claims_fit() {
    let service = Service::start(GATES);
    let connect = async |claims: serde_json::Value| {
        let url = service.ws(&format!("/rooms/den?token={}", token(&claims)));
        Client::try_connect(&url, &[]).await
    };
    for claims in [
        json!({"sub": "eve"}),
        json!({"sub": "eve", "role": "reader"}),
        json!({"sub": "eve", "role": null}),
        json!({"sub": "eve", "role": ["reader"]}),
        json!({"sub": "eve", "role": {"editor": true}}),
        json!({"sub": "eve", "role": "Editor"}),
    ] {
        assert_eq!(connect(claims.clone()).await.err(), Some(403), "{claims}");
    }
    let mut anna = connect(json!({"sub": "anna", "role": "editor"})).await.unwrap();
    assert_eq!(anna.json().await, json!({"welcome": "anna"}));
    assert_eq!(anna.json().await, json!({"joined": "anna", "here": 1}), "no refused client came");
    let mut ben = connect(json!({"sub": "ben", "role": ["reader", "admin"]})).await.unwrap();
    assert_eq!(ben.json().await, json!({"welcome": "ben"}));
    for client in [&mut anna, &mut ben] {
        assert_eq!(client.json().await, json!({"joined": "ben", "here": 2}));
    }
    ben.send_text(r#"{"type": "whisper"}"#).await;
    let error = ben.json().await;
    assert_eq!(error["code"], "forbidden");
    ben.send_text("no head").await;
    assert_eq!(ben.json().await["code"], "forbidden");
    ben.send_text(r#"{"type": "say"}"#).await;
    for client in [&mut anna, &mut ben] {
        assert_eq!(client.json().await, json!({"from": "ben", "text": r#"{"type": "say"}"#}));
    }
    // A refused client leaves too, and no member is told.
    assert_eq!(connect(json!({"sub": "eve"})).await.err(), Some(403));
    ben.close(1000).await;
    assert_eq!(anna.json().await, json!({"left": "ben", "here": 1}), "and no refused client left");
}

#[tokio::test]
async fn a_path_and_a_query_can_be_required() {
    let service = Service::start(GATES);
    let bearer = format!("Bearer {}", token(&json!({"sub": "anna b"})));
    let ask =
        |path: &str| request("GET", &service.url(path), &[("authorization", &bearer)], Vec::new());
    let own = ask("/users/anna%20b");
    assert_eq!((own.status, own.text()), (200, "in"));
    let other = ask("/users/ben");
    assert_eq!((other.status, &other.json()["code"]), (404, &json!("forbidden")));
    assert!(!other.text().contains("claims"), "a client learns no rule: {}", other.text());
    let without = token(&json!({"name": "anna"}));
    let headers = [("authorization", format!("Bearer {without}"))];
    let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
    assert_eq!(request("GET", &service.url("/users/anna"), &headers, Vec::new()).status, 404);
    for (query, status) in
        [("?v=2", 200), ("?v=02", 403), ("?v=", 403), ("", 403), ("?v=1&v=2", 403)]
    {
        assert_eq!(get(&service.url(&format!("/versioned{query}"))).status, status, "{query}");
    }
    let url =
        |user: &str| service.ws(&format!("/gate/{user}?token={}", token(&json!({"sub": "7"}))));
    assert_eq!(Client::try_connect(&url("8"), &[]).await.err(), Some(404));
    let mut client = Client::try_connect(&url("7"), &[]).await.unwrap();
    client.send_text("over").await;
    assert_eq!(client.closed().await.0, 1000);
}
