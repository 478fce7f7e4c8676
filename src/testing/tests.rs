//! Tests of a client's connection from the handshake to the last event.

mod answers;
mod beside;
mod limits;
mod memory;
mod rate;
mod reload;
mod replace;
mod state;
mod tasks;
mod tokens;
mod waiting;

use std::io::{self, IoSlice};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::StatusCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_util::sync::CancellationToken;

use super::{Handshake, TestClient, start};
use crate::connection::{Connection, Receiving, TryWrite, run};
use crate::consumer::{Registry, SocketConsumer};
use crate::error::Error;
use crate::extract::{Options, Text};
use crate::layer::ChannelLayer;
use crate::message::{Message, Scope, TaskUuid};
use crate::queue::{Task, TaskQueue};
use crate::reply::{Batch, Payload, Reply, ReplyChannel};
use crate::routing::Router;
use crate::service::Service;

/// `receive` pushes to the queue, and `work` does its tasks.
const TASKS: &str = r#"
    [queue.tasks]
    consumer = "work"
    workers  = 1
    [[route]]
    channel  = "websocket.receive"
    path     = "/"
    queue    = "tasks"
    consumer = "receive"
"#;

/// A socket that is always full for direct writes.
#[derive(Debug)]
struct NoRoom;

impl TryWrite for NoRoom {
    fn try_write(&self, _: &[IoSlice<'_>]) -> io::Result<usize> {
        Err(io::ErrorKind::WouldBlock.into())
    }
}

/// The calls, in order.
#[derive(Clone, Default)]
struct Calls(Arc<Mutex<Vec<&'static str>>>);

impl Calls {
    fn note(&self, call: &'static str) {
        self.0.lock().unwrap().push(call);
    }

    fn taken(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

struct Noting(Calls);

impl SocketConsumer for Noting {
    async fn open(&mut self, _: &ReplyChannel) -> Result<(), Error> {
        self.0.note("open");
        Ok(())
    }

    async fn on_message(&mut self, _: &ReplyChannel, _: Payload) -> Result<(), Error> {
        self.0.note("message");
        Ok(())
    }

    async fn on_close(&mut self, _: u16) -> Result<(), Error> {
        self.0.note("close");
        Ok(())
    }
}

fn noting(calls: &Calls) -> Registry {
    let (socket, function) = (calls.clone(), calls.clone());
    Registry::new().socket("socket", move || Noting(socket.clone())).function(
        "function",
        move |message: Message| {
            let calls = function.clone();
            async move { calls.note(message.channel().name()) }
        },
    )
}

#[tokio::test]
async fn a_client_of_a_foreign_origin_causes_no_events() {
    let calls = Calls::default();
    for (consumer, here) in [
        ("socket", &["open", "close"][..]),
        ("function", &["websocket.connect", "websocket.disconnect"]),
    ] {
        let table = format!(
            "[[route]]\nchannel = \"websocket.*\"\npath = \"/\"\nconsumer = \"{consumer}\""
        );
        let service = start(&table, &noting(&calls)).await;
        let foreign = Handshake::new("/").foreign("http://evil.example").connect(&service).await;
        assert_eq!(foreign.unwrap_err(), StatusCode::FORBIDDEN, "{consumer}");
        service.stop().await;
        assert_eq!(calls.taken(), [""; 0], "{consumer}");

        let service = start(&table, &noting(&calls)).await;
        TestClient::connect(&service, "/").await.unwrap().disconnect(1000).await;
        assert_eq!(calls.taken(), here, "{consumer}");
    }
}

#[tokio::test]
async fn the_route_that_takes_the_connect_decides_about_its_token() {
    // The first route looks at heads, which a connect does not have.
    let table = r#"
        [auth.token]
        secret = "secret"
        [[route]]
        channel  = "websocket.*"
        path     = "/"
        when     = { type = "ping" }
        consumer = "function"
        [[route]]
        channel  = "websocket.*"
        path     = "/"
        auth     = "token"
        consumer = "function"
    "#;
    let calls = Calls::default();
    let service = start(table, &noting(&calls)).await;
    let mut client = TestClient::connect(&service, "/").await.unwrap();
    assert_eq!(client.receive().await.json()["error"], "enter correct token");
    assert_eq!(client.receive().await.close_code(), 3000);
    assert_eq!(calls.taken(), [""; 0]);
}

#[tokio::test]
async fn a_function_gets_the_values_of_each_of_its_routes() {
    async fn queue(queue: TaskQueue) -> String {
        queue.name().to_string()
    }
    async fn work() {}
    let table = r#"
        [queue.urgent]
        consumer = "work"
        [queue.patient]
        consumer = "work"
        [[route]]
        channel  = "websocket.receive"
        path     = "/"
        when     = { urgent = true }
        queue    = "urgent"
        consumer = "queue"
        [[route]]
        channel  = "websocket.receive"
        path     = "/"
        queue    = "patient"
        consumer = "queue"
    "#;
    let registry = Registry::new().function("queue", queue).function("work", work);
    let service = start(table, &registry).await;
    let mut client = TestClient::connect(&service, "/").await.unwrap();
    for (message, queue) in [("{}", "patient"), (r#"{"urgent": true}"#, "urgent")] {
        client.send(message).await;
        assert_eq!(client.receive().await.text(), queue, "{message}");
    }
}

#[tokio::test]
async fn a_status_alone_refuses_a_client() {
    let registry = Registry::new()
        .function("status", async || Reply::status(StatusCode::TOO_MANY_REQUESTS))
        .function("deny", async || Reply::deny(StatusCode::TOO_MANY_REQUESTS));
    for consumer in ["status", "deny"] {
        let table = format!(
            "[[route]]\nchannel = \"websocket.connect\"\npath = \"/\"\nconsumer = \"{consumer}\""
        );
        let service = start(&table, &registry).await;
        let refused = TestClient::connect(&service, "/").await;
        assert_eq!(refused.unwrap_err(), StatusCode::TOO_MANY_REQUESTS, "{consumer}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_may_take_longer_to_arrive_than_a_client_may_be_silent() {
    let registry = Registry::new().function("size", async |text: Text| text.0.len().to_string());
    let table = r#"
        [limits]
        idle = "3s"
        pace = "5B"
        [[route]]
        channel  = "websocket.receive"
        path     = "/"
        consumer = "size"
    "#;
    let service = start(table, &registry).await;
    let matched = service.matched("/");
    let drain = CancellationToken::new();
    let scope = Scope { origin_allowed: true, ..Scope::default() };
    let connection = Connection::open(&service, (matched, service.generation()), scope);
    let (mut client, stream) = tokio::io::duplex(64);
    let (socket, first) = (Arc::new(NoRoom), Batch::default());
    let receiving = Receiving::new(&service.memory().transit, None, connection.limits.get().pace);
    let served = run(stream, socket, connection, first, receiving, &drain);
    let reported = async {
        // One masked text frame of 100 bytes (RFC 6455, section 5.2), sent in pieces over ten
        // seconds.
        client.write_all(&[0x81, 0x80 | 0x64, 0, 0, 0, 0]).await.unwrap();
        for _ in 0..10 {
            tokio::time::sleep(Duration::from_secs(1)).await;
            client.write_all(&[b'x'; 10]).await.unwrap();
        }
        loop {
            let mut head = [0; 2];
            client.read_exact(&mut head).await.unwrap();
            let mut payload = vec![0; head[1].into()];
            client.read_exact(&mut payload).await.unwrap();
            if head[0] == 0x81 {
                return payload;
            }
        }
    };
    tokio::select! {
        () = served => panic!("the client is closed"),
        text = reported => assert_eq!(text, b"100"),
    }
}

#[tokio::test]
async fn a_worker_survives_values_that_panic_when_dropped() {
    struct Fragile;
    impl Drop for Fragile {
        fn drop(&mut self) {
            panic!("dropped");
        }
    }
    async fn work(message: Message) -> &'static str {
        if message.head().is_some() {
            let _fragile = Fragile;
            message.reply_channel.try_send("working");
            std::future::pending::<()>().await;
        }
        "worked"
    }
    async fn receive(message: Message, queue: TaskQueue) {
        let fragile = TaskUuid::new("fragile").unwrap();
        if !queue.cancel(&message.reply_channel, &fragile).await {
            let name = message.head().map_or("sturdy", |_| "fragile");
            let uuid = TaskUuid::new(name).unwrap();
            queue.push(Task::new(uuid, message)).await;
        }
    }
    let registry = Registry::new().function("work", work).function("receive", receive);
    let service = start(TASKS, &registry).await;
    let mut client = TestClient::connect(&service, "/").await.unwrap();
    client.send("{}").await;
    assert_eq!(client.receive().await.text(), "working");
    client.send("cancel").await;
    let answer = client.receive().await.json();
    assert_eq!((&answer["uuid"], &answer["code"]), (&"fragile".into(), &"cancelled".into()));
    client.send("another").await;
    assert_eq!(client.receive().await.text(), "worked");
}

#[tokio::test]
async fn a_queued_message_does_not_hold_the_head_that_was_read() {
    async fn work(message: Message) -> Result<Reply, Error> {
        let held = message.holds_head();
        Reply::json(&serde_json::json!({"held": held, "head": message.head()}))
    }
    async fn receive(message: Message, queue: TaskQueue) {
        let _ = message.head();
        assert!(message.holds_head());
        queue.push(Task::new(TaskUuid::random(), message)).await;
    }
    let registry = Registry::new().function("work", work).function("receive", receive);
    let service = start(TASKS, &registry).await;
    let mut client = TestClient::connect(&service, "/").await.unwrap();
    for (sent, reported) in [
        (r#"{"number":5}"#, r#"{"held": false, "head": {"number": 5}}"#),
        ("no head", r#"{"held": false, "head": null}"#),
    ] {
        client.send(sent).await;
        assert_eq!(client.receive().await.text(), reported);
    }
}

#[tokio::test(start_paused = true)]
async fn a_consumer_that_never_ends_is_given_up_some_time_after_its_client_has_left() {
    let calls = Calls::default();
    let (stuck, left) = (calls.clone(), calls.clone());
    let registry = Registry::new()
        .function("stuck", move |Text(_): Text| {
            stuck.note("stuck");
            std::future::pending::<()>()
        })
        .function("left", move || {
            left.note("left");
            async {}
        });
    let table = r#"
        [[route]]
        channel  = "websocket.receive"
        path     = "/"
        consumer = "stuck"

        [[route]]
        channel  = "websocket.disconnect"
        consumer = "left"
    "#;
    let service = start(table, &registry).await;
    let client = TestClient::connect(&service, "/").await.unwrap();
    client.send("one").await;
    let before = tokio::time::Instant::now();
    client.disconnect(1000).await;
    let closing = service.closing();
    assert!((closing..2 * closing).contains(&before.elapsed()), "{:?}", before.elapsed());
    assert_eq!(calls.taken(), ["stuck", "left"]);
}

/// Notes a word when it is made, and again when it is dropped.
struct Present(Calls);

impl Drop for Present {
    fn drop(&mut self) {
        self.0.note("ended");
    }
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Named {
    name: String,
}

async fn named(_: Options<Named>) {}

#[tokio::test]
async fn background_jobs_run_while_their_consumers_are_served() {
    let calls = Calls::default();
    let noted = calls.clone();
    let job = move |options: Options<Named>, _: ChannelLayer| {
        let calls = noted.clone();
        async move {
            calls.note(if options.name == "one" { "one" } else { "another" });
            let _present = Present(calls);
            std::future::pending::<()>().await;
        }
    };
    let registry = Registry::new().function("consumer", named).background("consumer", job);
    let route = |path, name| {
        format!("[[route]]\nchannel = 'http.request'\npath = '{path}'\nconsumer = '{name}'\n")
    };
    let table = [
        "[consumer.used]\nuse = 'consumer'\nname = 'one'\n".into(),
        "[consumer.unused]\nuse = 'consumer'\nname = 'other'\n".into(),
        route("/a", "used"),
        route("/b", "used"),
    ]
    .concat();
    let router = Router::parse(&table, &registry).unwrap();
    tokio::task::yield_now().await;
    assert!(calls.taken().is_empty(), "a table that is only read starts nothing");

    let service = Service::start(router).await.unwrap();
    tokio::task::yield_now().await;
    assert_eq!(calls.taken(), ["one"], "once, however many routes there are");
    service.stop().await;
    tokio::task::yield_now().await;
    assert_eq!(calls.taken(), ["ended"]);
}
