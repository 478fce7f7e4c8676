//! Tests of the service's memory: tasks wait for it in turn, and half-received messages have a
//! pace.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_util::sync::CancellationToken;

use super::super::{TestClient, start};
use super::NoRoom;
use crate::connection::{Connection, Receiving, run};
use crate::consumer::Registry;
use crate::error::Error;
use crate::extract::{Options, Text};
use crate::memory::{Budget, Need};
use crate::message::{Content, Message, Scope, TaskUuid};
use crate::queue::{Task, TaskQueue};
use crate::reply::Batch;
use crate::routing::Router;
use crate::service::Service;

/// The consumer does not have options of its own.
#[derive(serde::Deserialize, schemars::JsonSchema)]
struct NoOptions {}

/// The running tasks, and those that ran.
#[derive(Default)]
struct Seen {
    begun: Vec<String>,
    mib: usize,
    mib_most: usize,
}

/// The need of the task `NAME SIZE` in MiB.
fn size(text: &str) -> usize {
    text.split_once(' ').map_or(0, |(_, size)| size.parse().unwrap())
}

async fn put_aside(message: Message, Text(text): Text, queue: TaskQueue) -> Result<(), Error> {
    queue.push(Task::new(TaskUuid::new(text.to_string())?, message)).await;
    Ok(())
}

/// A service that has 16 MiB for tasks, and answers each with its text. Its workers have not begun.
async fn service(own: Option<Budget>) -> (Service, Arc<Mutex<Seen>>) {
    let seen = Arc::<Mutex<Seen>>::default();
    let work = {
        let seen = Arc::clone(&seen);
        move |Text(text): Text, _: Options<NoOptions>| {
            let seen = Arc::clone(&seen);
            async move {
                {
                    let mut seen = seen.lock().unwrap();
                    seen.begun.push(text.to_string());
                    seen.mib += size(&text);
                    seen.mib_most = seen.mib_most.max(seen.mib);
                }
                // Lets other workers begin their tasks.
                for _ in 0..100 {
                    tokio::task::yield_now().await;
                }
                seen.lock().unwrap().mib -= size(&text);
                text
            }
        }
    };
    let need = move |message: &Message, _: &Options<NoOptions>| {
        let Content::Receive(payload) = &message.content else { return Need::new(0) };
        let need = Need::new(size(payload.as_text().unwrap()) << 20);
        own.iter().fold(need, Need::within)
    };
    let registry = Registry::new().function("put_aside", put_aside).function("work", work);
    let table = r#"
        [server]
        memory = "32MiB"
        [queue.slow]
        consumer = "work"
        workers  = 4
        [[route]]
        channel  = "websocket.receive"
        queue    = "slow"
        consumer = "put_aside"
    "#;
    let router = Router::parse(table, &registry.estimate("work", need)).unwrap();
    (Service::begin(&router).await.unwrap(), seen)
}

async fn answers(service: &Service, texts: &[String]) -> Vec<String> {
    let mut client = TestClient::connect(service, "/").await.unwrap();
    for text in texts {
        client.send(text.clone()).await;
    }
    // All tasks are queued before the first begins, so that their order is known.
    service.start_work().unwrap();
    let mut answers = Vec::new();
    for _ in texts {
        answers.push(client.receive().await.text().to_owned());
    }
    service.stop_work().await;
    answers
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_begin_in_their_turn_and_only_when_their_memory_is_free() {
    let texts: Vec<String> =
        (0..60).map(|at| format!("{at} {}", [10, 9, 1, 16, 0][at % 5])).collect();
    for (own, most) in [(None, 16), (Some(Budget::new(20 << 20)), 16)] {
        let (service, seen) = service(own).await;
        let mut came = answers(&service, &texts).await;
        let seen = seen.lock().unwrap();
        assert!((10..=most).contains(&seen.mib_most), "{} MiB were in use", seen.mib_most);
        let mut begun = seen.begun.clone();
        begun.sort();
        came.sort();
        assert_eq!(begun, came, "each is begun once, and answered");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_can_never_get_its_memory_is_answered_too_big() {
    for (own, too_much) in [(None, "a 17"), (Some(Budget::new(5 << 20)), "a 6")] {
        let (service, _) = service(own).await;
        let came = answers(&service, &[too_much.to_owned(), "b 1".to_owned()]).await;
        assert!(came.iter().any(|answer| answer == "b 1"));
        assert!(came.iter().any(|answer| answer.contains("too_big")), "{came:?}");
    }
}

/// The close code for a client that sends `begin`, and then `per_second` bytes each second.
async fn close_of(begin: &[u8], per_second: usize) -> Option<u16> {
    let registry = Registry::new().function("size", async |text: Text| text.0.len().to_string());
    let table = r#"
        [limits]
        pace = "1KiB"
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
    let (mut client, stream) = tokio::io::duplex(64 << 10);
    let receiving = Receiving::new(&service.memory().transit, None, connection.limits.get().pace);
    let served = run(stream, Arc::new(NoRoom), connection, Batch::default(), receiving, &drain);
    let sent = async {
        client.write_all(begin).await.unwrap();
        for _ in 0..25 {
            tokio::time::sleep(Duration::from_secs(1)).await;
            client.write_all(&vec![b'x'; per_second]).await.unwrap();
            let mut came = [0; 256];
            let read = tokio::time::timeout(Duration::from_millis(1), client.read(&mut came));
            // Pongs may precede the close, which is the only frame here that begins with this byte.
            if let Ok(read) = read.await
                && let Some(at) = came[..read.unwrap()].iter().position(|byte| *byte == 0x88)
            {
                return Some(u16::from_be_bytes([came[at + 2], came[at + 3]]));
            }
        }
        None
    };
    tokio::select! {
        code = sent => code,
        () = served => panic!("the client was not told"),
    }
}

#[tokio::test(start_paused = true)]
async fn half_a_message_that_arrives_too_slowly_is_closed_with_1008() {
    // Masked texts (RFC 6455, section 5.2): 60,000 bytes in one frame, a message in parts, and half
    // a head.
    let whole = [0x81, 0xfe, 0xea, 0x60, 0, 0, 0, 0];
    let part = [0x01, 0x81, 0, 0, 0, 0, b'x'];
    let ping = [0x89, 0x80, 0, 0, 0, 0];
    for (what, begin, per_second, close) in [
        ("a frame that stalls", &whole[..], 0, Some(1008)),
        ("a frame that is slow", &whole, 1000, Some(1008)),
        ("a frame that is fast enough", &whole, 1300, None),
        ("a message in parts that stalls", &part, 0, Some(1008)),
        ("half a head", &whole[..3], 0, Some(1008)),
        ("nothing at all", &[], 0, None),
        ("whole pings", &ping, 0, None),
    ] {
        assert_eq!(close_of(begin, per_second).await, close, "{what}");
    }
}
