//! A webhook as the consumer of a queue: retries, cancel, deadline, progress and answer.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use serde_json::{Value, json};

use crate::util::{Client, Receiver, Service, answered};

/// A table whose queue is done by a webhook.
fn table(receiver: &Receiver, queue: &str, options: &str) -> String {
    format!(
        r#"
        [consumer.hook]
        http  = "{}"
        hosts = ["127.0.0.1"]
        {options}

        [queue.work]
        consumer = "hook"
        workers  = 1
        {queue}

        [[route]]
        channel  = "websocket.receive"
        path     = "/"
        queue    = "work"
        consumer = "push"
        "#,
        receiver.url()
    )
}

async fn open(service: &Service) -> Client {
    Client::connect(&service.ws("/")).await
}

async fn push(client: &mut Client, uuid: u32) {
    client.send_text(json!({"uuid": uuid, "offset_top": 0}).to_string()).await;
}

fn done(answer: &Value) -> Vec<u8> {
    answered(
        "200 OK",
        &json!({"actions": [{"progress": {"stage": "read"}}, {"answer": {"json": answer}}]})
            .to_string(),
    )
}

#[tokio::test]
async fn a_task_is_sent_again_until_it_is_answered() {
    let tried = AtomicUsize::new(0);
    let receiver = Receiver::start(move |posted, stream| {
        let answer = match tried.fetch_add(1, Ordering::SeqCst) {
            0 => answered("503 Later", ""),
            1 => b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{".to_vec(),
            _ => done(&json!({"uuid": posted.event()["task"]["uuid"], "n": 1})),
        };
        stream.write_all(&answer).is_ok() && answer.len() > 60
    });
    let service =
        Service::start(&table(&receiver, "", "retry = { first = '1ms', longest = '10ms' }"));
    let mut client = open(&service).await;
    push(&mut client, 7).await;
    assert_eq!(client.json().await, json!({"uuid": 7, "progress": "working", "stage": "read"}));
    assert_eq!(client.json().await, json!({"uuid": 7, "n": 1}));
    let requests = receiver.requests();
    let attempts: Vec<_> =
        requests.iter().map(|posted| posted.event()["attempt"].clone()).collect();
    assert_eq!(attempts, [1, 2, 3]);
    assert!(
        requests
            .iter()
            .all(|posted| posted.headers["webhook-id"] == requests[0].headers["webhook-id"])
    );
    let log = service.log();
    assert_eq!(log.matches("a task is sent again").count(), 2, "{log}");
}

#[tokio::test]
async fn a_task_fails_after_its_attempts_and_at_once_where_another_would_not_help() {
    for (status, attempts) in [
        ("503 Later", 3),
        ("500 Oh No", 3),
        ("429 Slowly", 3),
        ("404 Not Found", 1),
        ("302 Found", 1),
    ] {
        let receiver = Receiver::answering(answered(status, ""));
        let options = "breaker = { failures = 1000 }\nretry = { attempts = 3, first = '1ms', longest = '1ms' }";
        let service = Service::start(&table(&receiver, "", options));
        let mut client = open(&service).await;
        push(&mut client, 1).await;
        let answer = client.json().await;
        assert_eq!((&answer["code"], &answer["uuid"]), (&json!("failed"), &json!(1)), "{status}");
        assert_eq!(receiver.requests().len(), attempts, "{status}");
    }
}

#[tokio::test]
async fn retries_end_at_the_tasks_deadline() {
    let receiver = Receiver::answering(answered("503 Later", ""));
    let options = "retry = { attempts = 20, first = '100ms', longest = '100ms' }";
    let service = Service::start(&table(&receiver, "deadline = '500ms'", options));
    let mut client = open(&service).await;
    push(&mut client, 1).await;
    assert_eq!(client.json().await["code"], "expired");
    assert!(receiver.requests().len() < 20);
}

#[tokio::test]
async fn a_cancel_and_a_client_that_leaves_drop_the_request() {
    let (begun, has_begun) = mpsc::channel();
    let (ended, has_ended) = mpsc::channel();
    let senders = Mutex::new((begun, ended));
    let receiver = Receiver::start(move |_, stream| {
        let (begun, ended) = senders.lock().unwrap().clone();
        begun.send(()).unwrap();
        // Nothing comes before the other side closes.
        let read = stream.read(&mut [0]);
        ended.send(matches!(read, Ok(0) | Err(_))).unwrap();
        false
    });
    let service = Service::start(&table(&receiver, "", ""));
    let mut client = open(&service).await;
    push(&mut client, 1).await;
    has_begun.recv_timeout(crate::util::PATIENCE).unwrap();
    client.send_text(json!({"type": "cancel", "uuid": 1}).to_string()).await;
    assert_eq!(client.json().await["code"], "cancelled");
    assert!(has_ended.recv_timeout(crate::util::PATIENCE).unwrap());
    push(&mut client, 2).await;
    has_begun.recv_timeout(crate::util::PATIENCE).unwrap();
    client.close(1000).await;
    assert!(has_ended.recv_timeout(crate::util::PATIENCE).unwrap());
}

#[tokio::test]
async fn one_worker_has_many_tasks_at_the_webhook() {
    let barrier = std::sync::Barrier::new(8);
    let receiver = Receiver::start(move |posted, stream| {
        // Only eight tasks together pass it.
        barrier.wait();
        stream.write_all(&done(&json!({"uuid": posted.event()["task"]["uuid"]}))).is_ok()
    });
    let service = Service::start(&table(&receiver, "", ""));
    let mut client = open(&service).await;
    for uuid in 0..8 {
        push(&mut client, uuid).await;
    }
    let mut ends = Vec::new();
    while ends.len() < 8 {
        let answer = client.json().await;
        ends.extend(answer.get("progress").is_none().then(|| answer["uuid"].as_u64().unwrap()));
    }
    ends.sort_unstable();
    assert_eq!(ends, [0, 1, 2, 3, 4, 5, 6, 7]);
}
