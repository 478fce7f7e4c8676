//! Tasks with the test's own consumers: the outcome of each way in which a task can end.

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpSocket};
use waterway::{
    Cancellation, Error, Head, Message, Path, Registry, Reply, Service, Task, TaskQueue, TaskUuid,
    server, testing,
};

use crate::util::{Client, Frame, PATIENCE, PING, PONG, Raw, TEXT, masked};

const TABLE: &str = "\
[queue.work]
consumer = 'work'
workers  = 1
waiting  = 1
# A busy machine would hardly ever run a nice worker.
nice     = 0

[[route]]
channel  = 'websocket.receive'
path     = '/{page}'
when     = { type = 'cancel' }
queue    = 'work'
consumer = 'cancel'

[[route]]
channel  = ['websocket.receive', 'http.request']
path     = '/{page}'
queue    = 'work'
consumer = 'push'
";

/// Pushes every message; the field `do` of the message says how its task ends.
fn registry() -> Registry {
    Registry::new()
        .function("push", async |message: Message, Head(head), queue: TaskQueue| {
            let uuid = TaskUuid::new(head.get("uuid").cloned().unwrap_or_default())?;
            queue.push(Task::new(uuid, message)).await;
            Ok::<_, Error>(())
        })
        .function("cancel", async |message: Message, Head(head), queue: TaskQueue| {
            let uuid = TaskUuid::new(head["uuid"].clone())?;
            Ok::<_, Error>(queue.cancel(&message.reply_channel, &uuid).await.to_string())
        })
        .function("work", async |Head(head), Path(page): Path<String>, notice: Cancellation| {
            match head["do"].as_str().unwrap_or_default() {
                "text" => Ok(Reply::text(page)),
                "json" => Reply::json(&json!({"page": page})),
                "nothing" => Ok(Reply::default()),
                "fail" => Err(Error::failed(std::io::Error::other("secret"))),
                "tell" => Err(Error::new("told", "as told").with("n", 1)),
                "panic" => panic!("secret"),
                "fill" => Ok(Reply::text(filled(head["uuid"].as_u64().unwrap_or_default()))),
                "wait" => {
                    notice.cancelled().await;
                    std::future::pending().await
                }
                other => Ok(Reply::text(other.to_owned())),
            }
        })
}

/// A text whose length differs from that of all texts with near numbers.
fn filled(number: u64) -> String {
    let length = usize::try_from(number * 7919 % 16_000).expect("it is below 16,000");
    format!("{number} {}", "x".repeat(length))
}

/// Serves the table until the test's runtime ends.
async fn serve() -> (SocketAddr, Service) {
    let service = testing::start(TABLE, &registry()).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(server::run(listener, service.clone(), std::future::pending()));
    (address, service)
}

/// Waits until the queue has these numbers of queued and of running tasks.
async fn depth(service: &Service, expected: (usize, usize)) {
    let begun = Instant::now();
    let queue = service.queue("work").expect("the table has it");
    while queue.depth() != expected {
        assert!(begun.elapsed() < PATIENCE, "{:?}, not {expected:?}", queue.depth());
        // A pause, because a thread that only asks would take a core from the workers.
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_task_has_one_answer_however_it_ends() {
    let (address, service) = serve().await;
    let mut client = Client::connect(&format!("ws://{address}/page")).await;
    let failed = json!({"error": "the consumer failed", "code": "failed", "uuid": "u"});
    for (what, expected) in [
        ("text", Value::from("page")),
        ("json", json!({"page": "page"})),
        ("nothing", json!({"uuid": "u"})),
        ("fail", failed.clone()),
        ("tell", json!({"error": "as told", "code": "told", "n": 1, "uuid": "u"})),
        ("panic", failed),
        // The worker survives the panic.
        ("still here", Value::from("still here")),
    ] {
        client.send_text(json!({"uuid": "u", "do": what}).to_string()).await;
        let text = client.text().await;
        let answer = serde_json::from_str(&text).unwrap_or(Value::from(text));
        assert_eq!(answer, expected, "{what}");
    }
    depth(&service, (0, 0)).await;
}

/// Both systems buffer little data that a client has not read, and send it in small parts. So
/// answers are written in parts, some by the worker and most by the connection's own task, which
/// writes pongs between them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_come_whole_and_in_order_to_clients_that_read_late() {
    const KEPT: u32 = 4 << 10;
    /// Each connection's buffer is full at a different answer.
    const CLIENTS: u64 = 24;
    const TASKS: u64 = 60;
    let service = testing::start(TABLE, &registry()).await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_send_buffer_size(KEPT).unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(64).unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(server::run(listener, service.clone(), std::future::pending()));
    let mut streams = Vec::new();
    for _ in 0..CLIENTS {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(KEPT).unwrap();
        let stream = socket.connect(address).await.unwrap().into_std().unwrap();
        stream.set_nonblocking(false).unwrap();
        streams.push(stream);
    }
    let numbers = |client: u64| client * TASKS..(client + 1) * TASKS;
    let send = move |(client, stream)| {
        let mut raw = Raw::open_over(stream, "/page");
        for number in numbers(client) {
            let message = json!({"uuid": number, "do": "fill"}).to_string();
            raw.send(&masked(TEXT, message.as_bytes()));
            raw.send(&masked(PING, number.to_string().as_bytes()));
        }
        raw
    };
    let send = move || (0..CLIENTS).zip(streams).map(send).collect::<Vec<_>>();
    let raws = tokio::task::spawn_blocking(send).await.unwrap();
    depth(&service, (0, 0)).await;
    let read = tokio::task::spawn_blocking(move || {
        for (client, mut raw) in (0..CLIENTS).zip(raws) {
            let is_text = |frame: &&Frame| frame.opcode() == TEXT;
            let all = |frames: &[Frame]| frames.iter().filter(is_text).count() as u64 == TASKS;
            let frames = raw.read_until(all);
            let (texts, others): (Vec<_>, Vec<_>) = frames.iter().partition(is_text);
            // A slow machine's service asks meanwhile whether the client is there.
            let control = |frame: &&Frame| [PING, PONG].contains(&frame.opcode());
            assert!(others.iter().all(control), "{others:?}");
            for (number, text) in numbers(client).zip(texts) {
                assert!(text.payload == filled(number).as_bytes(), "{number}: {text:?}");
            }
        }
    });
    read.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_waiting_task_ends_when_it_is_cancelled() {
    let (address, service) = serve().await;
    let mut client = Client::connect(&format!("ws://{address}/page")).await;
    let say = |uuid: &str, what: &str| json!({"uuid": uuid, "do": what}).to_string();
    let cancel = |uuid: &str| json!({"uuid": uuid, "type": "cancel"}).to_string();
    client.send_text(say("running", "wait")).await;
    depth(&service, (0, 1)).await;
    client.send_text(say("queued", "text")).await;
    depth(&service, (1, 1)).await;
    for (uuid, known) in [("other", false), ("queued", true), ("queued", false)] {
        client.send_text(cancel(uuid)).await;
        if known {
            let answer = client.json().await;
            assert_eq!((&answer["code"], &answer["uuid"]), (&json!("cancelled"), &json!(uuid)));
        }
        assert_eq!(client.text().await, known.to_string(), "{uuid}");
    }
    client.send_text(cancel("running")).await;
    let mut reported = [client.text().await, client.text().await];
    reported.sort();
    assert_eq!(reported[0], "true");
    assert!(reported[1].contains("cancelled") && reported[1].contains("running"), "{reported:?}");
    depth(&service, (0, 0)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dropping_a_request_cancels_its_task() {
    let (address, service) = serve().await;
    let post = |what: &str| {
        let body = json!({"uuid": 1, "do": what}).to_string();
        format!(
            "POST /page HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    let send = |what: &str| {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(post(what).as_bytes()).unwrap();
        stream
    };
    let running = send("wait");
    depth(&service, (0, 1)).await;
    let queued = send("text");
    depth(&service, (1, 1)).await;
    drop(queued);
    depth(&service, (0, 1)).await;
    drop(running);
    depth(&service, (0, 0)).await;
    let answer =
        tokio::task::spawn_blocking(move || Raw::request(address, post("text").as_bytes()));
    assert_eq!(answer.await.unwrap().status, "HTTP/1.1 200 OK");
}
