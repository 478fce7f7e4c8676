//! Tasks with consumers of the test's own: what becomes of each way in which a task can end.

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::time::Instant;

use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpSocket};
use waterway::{
    Cancellation, Error, Head, Message, Path, Registry, Reply, Router, Task, TaskQueue, TaskUuid,
    server,
};

use crate::util::{Client, Frame, PATIENCE, PING, PONG, Raw, TEXT, masked};

const TABLE: &str = "\
[queue.work]
consumer = 'work'
workers  = 1
waiting  = 1

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

/// Pushes whatever comes; the task does what its message's field `do` says.
fn registry() -> Registry {
    Registry::new()
        .function("push", async |message: Message, Head(head), queue: TaskQueue| {
            let uuid = TaskUuid::new(head.get("uuid").cloned().unwrap_or_default())?;
            queue.push(Task::new(uuid, message));
            Ok::<_, Error>(())
        })
        .function("cancel", async |message: Message, Head(head), queue: TaskQueue| {
            let uuid = head["uuid"].as_str().unwrap_or_default();
            queue.cancel(&message.reply_channel, uuid).to_string()
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

/// A text that is as long as no other of those near it.
fn filled(number: u64) -> String {
    let length = usize::try_from(number * 7919 % 16_000).expect("it is below 16,000");
    format!("{number} {}", "x".repeat(length))
}

/// Serves the table until the test's runtime ends.
async fn serve() -> (SocketAddr, Router) {
    let router = Router::parse(TABLE, &registry()).unwrap_or_else(|e| panic!("{}", e.report()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(server::run(listener, router.clone(), std::future::pending()));
    (address, router)
}

/// Waits until so many tasks are queued and so many are running.
async fn depth(router: &Router, expected: (usize, usize)) {
    let begun = Instant::now();
    let queue = router.queues().next().expect("the table has one");
    while queue.depth() != expected {
        assert!(begun.elapsed() < PATIENCE, "{:?}, not {expected:?}", queue.depth());
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_end_of_a_task_is_one_answer() {
    let (address, router) = serve().await;
    let mut client = Client::connect(&format!("ws://{address}/page")).await;
    let failed = json!({"error": "the consumer failed", "code": "failed", "uuid": "u"});
    for (what, expected) in [
        ("text", Value::from("page")),
        ("json", json!({"page": "page"})),
        ("nothing", json!({"uuid": "u"})),
        ("fail", failed.clone()),
        ("tell", json!({"error": "as told", "code": "told", "n": 1, "uuid": "u"})),
        ("panic", failed),
        // The worker has outlived the panic.
        ("still here", Value::from("still here")),
    ] {
        client.send_text(json!({"uuid": "u", "do": what}).to_string()).await;
        let text = client.text().await;
        let answer = serde_json::from_str(&text).unwrap_or(Value::from(text));
        assert_eq!(answer, expected, "{what}");
    }
    depth(&router, (0, 0)).await;
}

/// The systems keep little of what a client has not read, and send it in small parts: so answers
/// are written in part, some by the worker and most by the connection's own task, which writes pongs
/// between them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_come_whole_and_in_order_to_clients_that_read_late() {
    const KEPT: u32 = 4 << 10;
    /// Each is full with another answer.
    const CLIENTS: u64 = 24;
    const TASKS: u64 = 60;
    let router = Router::parse(TABLE, &registry()).unwrap_or_else(|e| panic!("{}", e.report()));
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_send_buffer_size(KEPT).unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(64).unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(server::run(listener, router.clone(), std::future::pending()));
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
    depth(&router, (0, 0)).await;
    let read = tokio::task::spawn_blocking(move || {
        for (client, mut raw) in (0..CLIENTS).zip(raws) {
            let is_text = |frame: &&Frame| frame.opcode() == TEXT;
            let all = |frames: &[Frame]| frames.iter().filter(is_text).count() as u64 == TASKS;
            let frames = raw.read_until(all);
            let (texts, others): (Vec<_>, Vec<_>) = frames.iter().partition(is_text);
            assert!(others.iter().all(|frame| frame.opcode() == PONG), "{others:?}");
            for (number, text) in numbers(client).zip(texts) {
                assert!(text.payload == filled(number).as_bytes(), "{number}: {text:?}");
            }
        }
    });
    read.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_that_waits_is_left_when_it_is_cancelled() {
    let (address, router) = serve().await;
    let mut client = Client::connect(&format!("ws://{address}/page")).await;
    let say = |uuid: &str, what: &str| json!({"uuid": uuid, "do": what}).to_string();
    let cancel = |uuid: &str| json!({"uuid": uuid, "type": "cancel"}).to_string();
    client.send_text(say("running", "wait")).await;
    depth(&router, (0, 1)).await;
    client.send_text(say("queued", "text")).await;
    depth(&router, (1, 1)).await;
    for (uuid, known) in [("other", false), ("queued", true), ("queued", false)] {
        client.send_text(cancel(uuid)).await;
        if known {
            let answer = client.json().await;
            assert_eq!((&answer["code"], &answer["uuid"]), (&json!("cancelled"), &json!(uuid)));
        }
        assert_eq!(client.text().await, known.to_string(), "{uuid}");
    }
    client.send_text(cancel("running")).await;
    let mut told = [client.text().await, client.text().await];
    told.sort();
    assert_eq!(told[0], "true");
    assert!(told[1].contains("cancelled") && told[1].contains("running"), "{told:?}");
    depth(&router, (0, 0)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_no_longer_waits_for_a_response_has_no_task() {
    let (address, router) = serve().await;
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
    depth(&router, (0, 1)).await;
    let queued = send("text");
    depth(&router, (1, 1)).await;
    drop(queued);
    depth(&router, (0, 1)).await;
    drop(running);
    depth(&router, (0, 0)).await;
    let answer =
        tokio::task::spawn_blocking(move || Raw::request(address, post("text").as_bytes()));
    assert_eq!(answer.await.unwrap().status, "HTTP/1.1 200 OK");
}
