//! One case of the table: an event, the answer of its consumer, and the messages to the clients.

use std::net::SocketAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::protocol::Message;

use crate::util::{Client, request};

/// One case.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Case {
    pub(super) name: String,
    on: On,
    /// The subprotocols that the client offers.
    #[serde(default)]
    offers: Vec<String>,
    /// The consumer's answers to earlier messages of the client.
    #[serde(default)]
    first: Vec<Value>,
    /// Its answer to the event; `event` sends the event itself back.
    writes: Value,
    sees: Vec<Value>,
    /// The messages that a member of the group `r` gets.
    #[serde(default)]
    other_sees: Option<Vec<Value>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
enum On {
    #[serde(rename = "connect")]
    Connect,
    #[serde(rename = "receive")]
    Receive,
    #[serde(rename = "disconnect")]
    Disconnect,
    #[serde(rename = "request")]
    Request,
    #[serde(rename = "task")]
    Task,
    #[serde(rename = "task of a request")]
    TaskOfRequest,
}

/// The table.
pub(super) fn cases() -> Vec<Case> {
    serde_json::from_str(include_str!("cases.json")).expect("the table is JSON")
}

impl Case {
    pub(super) async fn run(self, address: SocketAddr) {
        let mut other = match &self.other_sees {
            Some(_) => Some(member(address).await),
            None => None,
        };
        match self.on {
            On::Connect => self.connect(address).await,
            On::Receive | On::Disconnect | On::Task => self.with_socket(address).await,
            On::Request | On::TaskOfRequest => self.request(address).await,
        }
        if let (Some(other), Some(sees)) = (&mut other, &self.other_sees) {
            see_all(other, sees).await;
        }
    }

    /// The content of the event: the answer that the consumer gives to it.
    fn order(&self) -> String {
        let many: Vec<Value> = (0..257).map(|n| json!({"send": {"json": n}})).collect();
        match self.writes.as_str() {
            None => self.writes.to_string(),
            Some("large state") => {
                json!({"actions": [{"send": {"text": "1"}}, {"state": "x".repeat(4095)}]})
                    .to_string()
            }
            Some("many actions") => json!({"actions": many}).to_string(),
            Some(word) => word.to_owned(),
        }
    }

    /// The order for the task of this case.
    fn pushed(&self) -> String {
        let push =
            json!({"queue": "work", "uuid": 1, "offset_top": 5, "height": 7, "text": self.order()});
        json!({"actions": [{"push": push}]}).to_string()
    }

    async fn connect(&self, address: SocketAddr) {
        let (order, offers) = (self.order(), self.offers.join(", "));
        let mut headers = vec![("x-do", &*order)];
        if !offers.is_empty() {
            headers.push(("sec-websocket-protocol", &offers));
        }
        let (first, rest) = self.sees.split_first().expect("a handshake is answered");
        match Client::try_connect(&url(address), &headers).await {
            Err(status) => assert_eq!(&json!({"denied": status}), first),
            Ok(mut client) => {
                assert_eq!(&json!({"accepted": client.subprotocol}), first);
                see_all(&mut client, rest).await;
            }
        }
    }

    async fn with_socket(&self, address: SocketAddr) {
        let mut client = Client::connect(&url(address)).await;
        for written in &self.first {
            client.send_text(written.to_string()).await;
        }
        match self.on {
            On::Disconnect => {
                let order = self.writes.clone();
                client.send_text(json!({"actions": [{"state": order}]}).to_string()).await;
                see_all(&mut client, &self.sees).await;
                client.close(4007).await;
            }
            On::Task => {
                client.send_text(self.pushed()).await;
                see_all(&mut client, &self.sees).await;
            }
            _ => {
                client.send_text(self.order()).await;
                see_all(&mut client, &self.sees).await;
            }
        }
    }

    async fn request(&self, address: SocketAddr) {
        let body = if self.on == On::Request { self.order() } else { self.pushed() };
        let url = format!("http://{address}/c/a?x=1");
        // The client of requests blocks its thread.
        let asked = tokio::task::spawn_blocking(move || request("POST", &url, &[], body));
        let answer = asked.await.unwrap();
        let [seen] = &*self.sees else { panic!("a request has one response") };
        let seen = seen.as_object().expect("an object");
        for (what, expected) in seen {
            match &**what {
                "status" => assert_eq!(&json!(answer.status), expected),
                "text" => assert_eq!(&json!(answer.text()), expected),
                "json" => assert_eq!(&answer.json(), expected),
                "headers" => {
                    for (name, value) in expected.as_object().expect("headers") {
                        let all = answer.headers.get_all(name).iter();
                        let all: Vec<_> = all.map(|value| value.to_str().unwrap()).collect();
                        assert_eq!(&json!(all.join(", ")), value, "{name}");
                    }
                }
                other => panic!("{other}"),
            }
        }
    }
}

fn url(address: SocketAddr) -> String {
    format!("ws://{address}/c/a?x=1")
}

/// Another client, which is a member of the group `r`.
async fn member(address: SocketAddr) -> Client {
    let mut client = Client::connect(&url(address)).await;
    client.send_text(r#"{"actions": [{"group_add": {"group": "r"}}]}"#).await;
    see_all(&mut client, &[]).await;
    client
}

/// Sees these and nothing else.
async fn see_all(client: &mut Client, sees: &[Value]) {
    let is_closed = sees.last().is_some_and(|seen| seen.get("close").is_some());
    for seen in sees {
        see(client, seen).await;
    }
    if !is_closed {
        client.send_text(r#"{"actions": [{"send": {"text": "nothing else"}}]}"#).await;
        see(client, &json!({"text": "nothing else"})).await;
    }
}

async fn see(client: &mut Client, expected: &Value) {
    if let Some(code) = expected.get("close") {
        let (closed, reason) = client.closed().await;
        assert_eq!(&json!(closed), code);
        assert!(
            expected.get("reason").is_none_or(|expected| *expected == json!(reason)),
            "{reason}"
        );
        return;
    }
    let message = client.message().await;
    let seen = match &message {
        Message::Text(text) if expected.get("json").is_some() => {
            json!({"json": serde_json::from_str::<Value>(text).unwrap_or_default()})
        }
        Message::Text(text) => json!({"text": text.as_str()}),
        Message::Binary(bytes) => json!({"bytes": STANDARD.encode(bytes)}),
        other => panic!("{expected} was expected, {other:?} came"),
    };
    assert_eq!(&seen, expected);
}
