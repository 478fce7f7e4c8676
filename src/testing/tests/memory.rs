//! The service's memory: a task waits for its memory in its turn, and half a message has a pace.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_util::sync::CancellationToken;

use super::super::{TestClient, TestWorkers};
use super::NoRoom;
use crate::connection::{Connection, Receiving, Socket, run};
use crate::consumer::Registry;
use crate::error::Error;
use crate::extract::{Options, Text};
use crate::memory::{Budget, Need};
use crate::message::{Content, Message, Scope};
use crate::queue::{Task, TaskQueue, TaskUuid};
use crate::reply::Batch;
use crate::routing::Router;

/// Of a consumer's own options there are none here.
#[derive(serde::Deserialize)]
struct NoOptions {}

/// What tasks are under way, and what was.
#[derive(Default)]
struct Seen {
    begun: Vec<String>,
    mib: usize,
    mib_most: usize,
}

/// The task `NAME SIZE` needs so many MiB.
fn size(text: &str) -> usize {
    text.split_once(' ').map_or(0, |(_, size)| size.parse().unwrap())
}

async fn put_aside(message: Message, Text(text): Text, queue: TaskQueue) -> Result<(), Error> {
    queue.push(Task::new(TaskUuid::new(text.to_string().into())?, message));
    Ok(())
}

/// A service that has 16 MiB for tasks, and answers each with its text.
fn service(own: Option<Budget>) -> (Router, Arc<Mutex<Seen>>) {
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
                // Other workers begin what they may.
                for _ in 0..100 {
                    tokio::task::yield_now().await;
                }
                seen.lock().unwrap().mib -= size(&text);
                text
            }
        }
    };
    let need = move |message: &Message, _: &NoOptions| {
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
    (Router::parse(table, &registry.estimate("work", need)).unwrap(), seen)
}

async fn answers(router: &Router, texts: &[String]) -> Vec<String> {
    let mut client = TestClient::connect(router, "/").await.unwrap();
    for text in texts {
        client.send(text.clone()).await;
    }
    // All are queued before the first begins, so that their order is known.
    let workers = TestWorkers::start(router);
    let mut answers = Vec::new();
    for _ in texts {
        answers.push(client.receive().await.text().to_owned());
    }
    drop(workers);
    answers
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_begin_in_their_turn_and_only_when_their_memory_is_free() {
    let texts: Vec<String> =
        (0..60).map(|at| format!("{at} {}", [10, 9, 1, 16, 0][at % 5])).collect();
    for (own, most) in [(None, 16), (Some(Budget::new(20 << 20)), 16)] {
        let (router, seen) = service(own);
        let mut came = answers(&router, &texts).await;
        let seen = seen.lock().unwrap();
        assert!((10..=most).contains(&seen.mib_most), "{} MiB were in use", seen.mib_most);
        let mut begun = seen.begun.clone();
        begun.sort();
        came.sort();
        assert_eq!(begun, came, "each is begun once, and answered");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_can_never_have_its_memory_is_told_so() {
    for (own, too_much) in [(None, "a 17"), (Some(Budget::new(5 << 20)), "a 6")] {
        let (router, _) = service(own);
        let came = answers(&router, &[too_much.to_owned(), "b 1".to_owned()]).await;
        assert!(came.iter().any(|answer| answer == "b 1"));
        assert!(came.iter().any(|answer| answer.contains("too_big")), "{came:?}");
    }
}

/// What a client is closed with when it sends this, and then so many bytes each second.
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
    let router = Router::parse(table, &registry).unwrap();
    let way = router.way("/");
    let (rules, drain) = (Socket::new(&way), CancellationToken::new());
    let scope = Scope { origin_allowed: true, ..Scope::default() };
    let connection = Connection::open(&router, way, scope);
    let (mut client, stream) = tokio::io::duplex(64 << 10);
    let receiving = Receiving::new(&router.memory().transit, None, rules.pace);
    let served =
        run(stream, Arc::new(NoRoom), connection, Batch::default(), rules, receiving, &drain);
    let sent = async {
        client.write_all(begin).await.unwrap();
        for _ in 0..25 {
            tokio::time::sleep(Duration::from_secs(1)).await;
            client.write_all(&vec![b'x'; per_second]).await.unwrap();
            let mut came = [0; 256];
            let read = tokio::time::timeout(Duration::from_millis(1), client.read(&mut came));
            // Pongs may be before the close, the only frame here that begins so.
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
    // Masked texts (RFC 6455, section 5.2): 60,000 bytes in one frame, in parts, and half a head.
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
