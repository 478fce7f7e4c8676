//! What a client meets, from the handshake to the last event.

mod answers;
mod beside;
mod memory;
mod rate;
mod tokens;
mod waiting;

use std::io::{self, IoSlice};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::StatusCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_util::sync::CancellationToken;

use super::{Handshake, TestClient, TestWorkers};
use crate::connection::{Connection, Receiving, Socket, TryWrite, run};
use crate::consumer::{Registry, SocketConsumer};
use crate::error::Error;
use crate::extract::{Options, Text};
use crate::layer::ChannelLayer;
use crate::message::{Message, Scope};
use crate::queue::{Task, TaskQueue, TaskUuid};
use crate::reply::{Batch, Payload, Reply, ReplyChannel};
use crate::routing::Router;

/// What `receive` puts on a queue, `work` is done on.
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

/// Nobody writes to it but the connection's task.
#[derive(Debug)]
struct NoRoom;

impl TryWrite for NoRoom {
    fn try_write(&self, _: &[IoSlice<'_>]) -> io::Result<usize> {
        Err(io::ErrorKind::WouldBlock.into())
    }
}

/// What was called, in order.
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
async fn a_client_of_a_foreign_origin_neither_comes_nor_leaves() {
    let calls = Calls::default();
    for (consumer, here) in [
        ("socket", &["open", "close"][..]),
        ("function", &["websocket.connect", "websocket.disconnect"]),
    ] {
        let table = format!(
            "[[route]]\nchannel = \"websocket.*\"\npath = \"/\"\nconsumer = \"{consumer}\""
        );
        let router = Router::parse(&table, &noting(&calls)).unwrap();
        let foreign = Handshake::new("/").foreign("http://evil.example").connect(&router).await;
        assert_eq!(foreign.unwrap_err(), StatusCode::FORBIDDEN, "{consumer}");
        router.finished().await;
        assert_eq!(calls.taken(), [""; 0], "{consumer}");

        TestClient::connect(&router, "/").await.unwrap().disconnect(1000).await;
        assert_eq!(calls.taken(), here, "{consumer}");
    }
}

#[tokio::test]
async fn a_token_is_asked_for_by_the_route_that_takes_the_connect() {
    // The first route looks at heads, and a connect has none.
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
    let router = Router::parse(table, &noting(&calls)).unwrap();
    let mut client = TestClient::connect(&router, "/").await.unwrap();
    assert_eq!(client.receive().await.json()["error"], "enter correct token");
    assert_eq!(client.receive().await.close_code(), 3000);
    assert_eq!(calls.taken(), [""; 0]);
}

#[tokio::test]
async fn a_function_has_what_each_of_its_routes_gives_it() {
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
    let router = Router::parse(table, &registry).unwrap();
    let mut client = TestClient::connect(&router, "/").await.unwrap();
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
        let router = Router::parse(&table, &registry).unwrap();
        let refused = TestClient::connect(&router, "/").await;
        assert_eq!(refused.unwrap_err(), StatusCode::TOO_MANY_REQUESTS, "{consumer}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_may_take_longer_to_come_than_a_client_may_be_silent() {
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
    let router = Router::parse(table, &registry).unwrap();
    let way = router.way("/");
    let (rules, drain) = (Socket::new(&way), CancellationToken::new());
    let scope = Scope { origin_allowed: true, ..Scope::default() };
    let connection = Connection::open(&router, way, scope);
    let (mut client, stream) = tokio::io::duplex(64);
    let (socket, first) = (Arc::new(NoRoom), Batch::default());
    let receiving = Receiving::new(&router.memory().transit, None, rules.pace);
    let served = run(stream, socket, connection, first, rules, receiving, &drain);
    let told = async {
        // One masked text frame of 100 bytes (RFC 6455, section 5.2), in pieces over ten seconds.
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
        text = told => assert_eq!(text, b"100"),
    }
}

#[tokio::test]
async fn a_worker_outlives_what_panics_as_it_is_dropped() {
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
        if !queue.cancel(&message.reply_channel, "fragile") {
            let name = message.head().map_or("sturdy", |_| "fragile");
            let uuid = TaskUuid::new(name.into()).unwrap();
            queue.push(Task::new(uuid, message));
        }
    }
    let registry = Registry::new().function("work", work).function("receive", receive);
    let router = Router::parse(TASKS, &registry).unwrap();
    let _workers = TestWorkers::start(&router);
    let mut client = TestClient::connect(&router, "/").await.unwrap();
    client.send("{}").await;
    assert_eq!(client.receive().await.text(), "working");
    client.send("cancel").await;
    let answer = client.receive().await.json();
    assert_eq!((&answer["uuid"], &answer["code"]), (&"fragile".into(), &"cancelled".into()));
    client.send("another").await;
    assert_eq!(client.receive().await.text(), "worked");
}

#[tokio::test]
async fn what_was_read_of_a_message_goes_with_its_task_and_its_head_does_not() {
    struct Read(u64);
    async fn work(message: Message) -> Result<Reply, Error> {
        let (held, number) = (message.holds_head(), message.extension::<Read>());
        let number = number.map(|read| read.0);
        assert!(message.extension::<&str>().is_none(), "it is of one type");
        Reply::json(&serde_json::json!({"held": held, "number": number, "head": message.head()}))
    }
    async fn receive(message: Message, queue: TaskQueue) {
        let number = message.head().and_then(|head| head.get("number")?.as_u64());
        queue.push(Task::new(
            TaskUuid::random(),
            match number {
                Some(number) => message.with_extension("gives way").with_extension(Read(number)),
                None => message,
            },
        ));
    }
    let registry = Registry::new().function("work", work).function("receive", receive);
    let router = Router::parse(TASKS, &registry).unwrap();
    let _workers = TestWorkers::start(&router);
    let mut client = TestClient::connect(&router, "/").await.unwrap();
    for (sent, told) in [
        (r#"{"number":5}"#, r#"{"held": false, "number": 5, "head": {"number": 5}}"#),
        (r#"{"name":"x"}"#, r#"{"held": false, "number": null, "head": {"name": "x"}}"#),
        ("no head", r#"{"held": false, "number": null, "head": null}"#),
    ] {
        client.send(sent).await;
        assert_eq!(client.receive().await.text(), told);
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
    let router = Router::parse(table, &registry).unwrap();
    let client = TestClient::connect(&router, "/").await.unwrap();
    client.send("one").await;
    let before = tokio::time::Instant::now();
    client.disconnect(1000).await;
    let closing = router.closing();
    assert!((closing..2 * closing).contains(&before.elapsed()), "{:?}", before.elapsed());
    assert_eq!(calls.taken(), ["stuck", "left"]);
}

/// Says what it notes, and says so when it is dropped.
struct Present(Calls);

impl Drop for Present {
    fn drop(&mut self) {
        self.0.note("ended");
    }
}

#[derive(serde::Deserialize)]
struct Named {
    name: String,
}

async fn named(_: Options<Named>) {}

#[tokio::test]
async fn jobs_run_beside_the_consumers_in_use_for_as_long_as_they_are_served() {
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

    let running = TestWorkers::start(&router);
    tokio::task::yield_now().await;
    assert_eq!(calls.taken(), ["one"], "once, however many routes there are");
    drop(running);
    tokio::task::yield_now().await;
    assert_eq!(calls.taken(), ["ended"]);
}
