//! The kinds of consumers. Each serves the same table, and does what the content of its event says.

use std::net::SocketAddr;

use serde_json::{Value, json};
use tokio::net::TcpListener;
use waterway::action::{OpenEvent, Outcome};
use waterway::http::HeaderName;
use waterway::message::{Channel, Event};
use waterway::server;
use waterway::{Actions, Error, Registry, Router, Service};

use crate::util::{Receiver, Service as Running, answered, root};

/// The table of every kind, with its `[consumer.obey]`.
fn table(consumer: &str) -> String {
    format!(
        r#"
        {consumer}
        [queue.work]
        consumer = "obey"
        workers  = 1

        [[route]]
        channel  = "websocket.*"
        path     = "/c/{{name}}"
        consumer = "obey"

        [[route]]
        channel  = "http.request"
        path     = "/c/{{name}}"
        consumer = "obey"
        "#
    )
}

/// A service with a compiled consumer that returns [`Actions`].
pub(super) async fn native() -> SocketAddr {
    serve(&table(""), &Registry::new().function("obey", obey)).await
}

/// A service whose consumer is a webhook.
pub(super) async fn webhook() -> SocketAddr {
    let receiver = Receiver::start(|posted, stream| {
        let event = serde_json::from_slice(&posted.body).unwrap();
        stream.write_all(&answered("200 OK", &answer(event).to_string())).is_ok()
    });
    let url = receiver.url();
    let webhook =
        format!("[consumer.obey]\nhttp = '{url}'\nhosts = '127.0.0.1'\nheaders = 'x-do'\n");
    serve(&table(&webhook), &waterway_consumers::general()).await
}

async fn serve(table: &str, registry: &Registry) -> SocketAddr {
    let router = Router::parse(table, registry).unwrap();
    let service = Service::start(router).await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(server::run(listener, service, std::future::pending()));
    address
}

/// The program `waterway`, with a program as its consumer.
pub(super) fn program() -> Running {
    let script = root().join("tests/conformance/obey.py");
    let script = script.display();
    Running::start(&table(&format!(
        "[consumer.obey]\nexec = ['python3', '-u', '{script}']\nheaders = ['x-do']"
    )))
}

/// Writes what the content of its event says. `obey.py` is the same in Python.
async fn obey(event: OpenEvent) -> Result<Actions, Error> {
    const ORDER: HeaderName = HeaderName::from_static("x-do");
    let answer = answer(event.event(&[ORDER])).to_string();
    match Outcome::read(answer.as_bytes())? {
        Outcome::Actions(actions) | Outcome::More(actions) => Ok(actions),
        Outcome::Error(error) => Err(error),
    }
}

fn answer(event: Event) -> Value {
    let of_bytes = event.bytes.as_ref().map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    let of_state = event.state.as_ref().filter(|_| event.channel == Channel::Disconnect);
    let order = of_bytes
        .or_else(|| event.text.as_ref().map(ToString::to_string))
        .or_else(|| event.headers.get("x-do").cloned())
        .or_else(|| of_state.map(ToString::to_string))
        .unwrap_or_else(|| r#"{"actions": []}"#.to_owned())
        .replace("$client", &event.client);
    if order != "event" && order != r#""event""# {
        return serde_json::from_str(&order).unwrap();
    }
    let channel = event.channel;
    let mut told = serde_json::to_value(event).unwrap();
    for varying in ["id", "client", "address", "public_url", "headers"] {
        told.as_object_mut().unwrap().remove(varying);
    }
    let action = match channel {
        Channel::Request => json!({"respond": {"json": told}}),
        Channel::Task => json!({"answer": {"json": told}}),
        Channel::Disconnect => json!({"group_send": {"group": "r", "json": told}}),
        _ => json!({"send": {"json": told}}),
    };
    json!({"actions": [action]})
}
