//! The life of a connection and of the service: start, idle time, leaving, and the stop.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::{UnixListener, UnixStream};
use std::thread;
use std::time::Instant;

use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use crate::util::{
    CLOSE, Client, Gate, PATIENCE, PING, Page, Service, flat, get, picture_table, post,
};

const CHAT: &str = "[[route]]\nchannel = 'websocket.connect'\npath = '/chat/{room}'\n\
                    consumer = 'chat.join'\n\
                    [[route]]\nchannel = 'websocket.receive'\npath = '/chat/{room}'\n\
                    consumer = 'chat.say'\n\
                    [[route]]\nchannel = 'websocket.disconnect'\npath = '/chat/{room}'\n\
                    consumer = 'chat.leave'\n";

const ECHO: &str = "[[route]]\nchannel = 'websocket.*'\npath = '/echo'\nconsumer = 'echo'\n";

async fn chatter(service: &Service, name: &str) -> Client {
    Client::connect(&service.ws(&format!("/chat/den?name={name}"))).await
}

#[tokio::test]
async fn a_stop_finishes_running_tasks_and_answers_queued_ones() {
    let table = picture_table("", "") + ECHO;
    let server = "[server]\ndrain = '30s'\nlisten = ['127.0.0.1:0', 'unix:waterway.sock']\n\
                  [limits]\nclosing = '1s'\n";
    let service = Service::start(&(table + server));
    let socket = service.folder().join("waterway.sock");
    assert!(socket.exists());
    let mut page = Page::open(&service).await;
    page.send(json!({"uuid": 1, "rType": "slow", "progress": true}), &flat(400, 400)).await;
    while page.0.json().await["stage"] != "rotate" {}
    page.send_all(&[(2, 0), (3, 0)]).await;
    page.settle().await;
    let mut idle = Client::connect(&service.ws("/echo")).await;
    assert_eq!(idle.text().await, "connected!");

    // Connections that have sent nothing or half a head are cut off in the end.
    let half = ["", "GET / HT"].map(|begun| {
        let mut stream = TcpStream::connect(service.address()).unwrap();
        stream.write_all(begun.as_bytes()).unwrap();
        stream
    });
    let stopping = thread::spawn(move || service.stop_gracefully());
    for uuid in [2, 3] {
        let answer = page.answer().await;
        assert_eq!((&answer["uuid"], &answer["code"]), (&json!(uuid), &json!("refused")));
    }
    let answer = page.answer().await;
    assert!(answer["uuid"] == 1 && answer["url"].is_string(), "it was running: {answer}");
    assert_eq!(page.0.closed().await.0, 1012);
    assert_eq!(idle.closed().await.0, 1012);
    drop((page, idle));
    assert_eq!(stopping.join().unwrap().code(), Some(0));
    drop(half);
    assert!(!socket.exists(), "the socket's file is removed");
}

#[test]
fn running_requests_are_answered_before_the_service_ends() {
    let service = Service::start(&(picture_table("", "") + "[server]\ndrain = '30s'\n"));
    let url = service.url("/work?uuid=1&rType=slow");
    let posting = thread::spawn(move || post(&url, flat(400, 400)));
    // The original is stored as soon as a worker has the request.
    let begun = Instant::now();
    while service.media_names().is_empty() {
        assert!(begun.elapsed() < PATIENCE, "the request is not worked on");
        thread::yield_now();
    }
    assert_eq!(service.stop_gracefully().code(), Some(0));
    let answer = posting.join().unwrap();
    assert_eq!((answer.status, &answer.json()["uuid"]), (200, &json!("1")));
}

#[tokio::test]
async fn a_task_is_stopped_and_answered_at_the_end_of_the_drain() {
    let table = picture_table("", "") + "[server]\ndrain = '100ms'\n";
    let service = Service::start(&table);
    let mut page = Page::open(&service).await;
    page.send(Gate::header(), &Gate::picture()).await;
    while page.0.json().await["stage"] != "rotate" {}
    let stopping = thread::spawn(move || service.stop_gracefully());
    let answer = page.answer().await;
    assert_eq!((&answer["uuid"], &answer["code"]), (&json!("gate"), &json!("refused")));
    assert_eq!(page.0.closed().await.0, 1012);
    drop(page);
    assert_eq!(stopping.join().unwrap().code(), Some(0));
}

#[tokio::test]
async fn a_silent_client_is_pinged_and_then_closed() {
    let limits = "[limits]\nidle = '300ms'\nping = '40ms'\nclosing = '100ms'\n";
    let service = Service::start(&(limits.to_owned() + ECHO));
    let mut raw = service.raw("/echo");
    let came = raw.read_until(|frames| frames.last().is_some_and(|last| last.opcode() == CLOSE));
    let pings = came.iter().filter(|frame| frame.opcode() == PING).count();
    assert!(pings >= 2, "{came:?}");
    assert_eq!(came.last().unwrap().payload[..2], 1001_u16.to_be_bytes(), "{came:?}");
}

#[tokio::test]
async fn a_silent_clients_earlier_messages_take_no_memory() {
    const SENT: usize = 3 << 20;
    let service = Service::start(&picture_table("", ""));
    let mut pages = Vec::new();
    let mut after_the_first = 0;
    for _ in 0..24 {
        let mut page = Page::open(&service).await;
        // Two in a row: the second arrives while the first is being read.
        for uuid in 0..2 {
            page.send(json!({"uuid": uuid}), &vec![0xFF; SENT]).await;
        }
        for _ in 0..2 {
            assert_eq!(page.answer().await["code"], "bad_image");
        }
        pages.push(page);
        if after_the_first == 0 {
            after_the_first = service.memory("VmRSS");
        }
    }
    let grown = service.memory("VmRSS").saturating_sub(after_the_first);
    assert!(grown < 16 << 10, "{grown} KiB for {} silent clients", pages.len());
}

#[tokio::test]
async fn a_client_that_only_listens_is_pinged_and_stays_connected() {
    let service = Service::start(&("[limits]\nidle = '300ms'\nping = '100ms'\n".to_owned() + CHAT));
    let mut listener = chatter(&service, "listener").await;
    assert_eq!(listener.json().await["here"], 1);
    let mut speaker = chatter(&service, "speaker").await;
    for client in [&mut listener, &mut speaker] {
        assert_eq!(client.json().await["here"], 2);
    }
    // It gets messages more often than pings, for longer than it may be silent.
    let begun = Instant::now();
    while begun.elapsed().as_millis() < 900 {
        speaker.send_text("hello").await;
        for client in [&mut listener, &mut speaker] {
            assert_eq!(client.json().await["text"], "hello");
        }
    }
}

#[tokio::test]
async fn no_more_connections_are_open_than_the_table_says() {
    let service = Service::start(&(ECHO.to_owned() + "[server]\nconnections = 2\n"));
    let url = service.ws("/echo");
    let mut first = Client::connect(&url).await;
    let mut second = Client::connect(&url).await;
    assert_eq!(first.text().await, "connected!");
    assert_eq!(second.text().await, "connected!");
    let third = tokio::spawn(async move {
        let mut third = Client::connect(&url).await;
        third.text().await
    });
    for round in 0..100 {
        first.send_text(round.to_string()).await;
        assert_eq!(first.text().await, round.to_string());
    }
    assert!(!third.is_finished(), "the third waits");
    service.wait_for_log("further clients wait to be accepted");
    second.close(1000).await;
    assert_eq!(third.await.unwrap(), "connected!");
}

#[tokio::test]
async fn sockets_have_the_number_of_threads_that_the_table_gives() {
    let cores = thread::available_parallelism().unwrap().get();
    let beside_workers = "[queue.pages]\nconsumer = 'page'";
    for (more, threads) in [
        ("[server]\nthreads = 1", 1),
        ("[server]\nthreads = 3", 3),
        ("[server]\nthreads = 0", cores),
        (beside_workers, (cores / 2).max(1)),
    ] {
        let table = format!("{ECHO}\n{more}\n");
        let service = Service::start(&table);
        let mut client = Client::connect(&service.ws("/echo")).await;
        assert_eq!(client.text().await, "connected!");
        assert_eq!(service.threads("sockets"), threads);
    }
}

#[tokio::test]
async fn clients_of_a_room_are_told_who_joins_speaks_and_leaves() {
    let service = Service::start(CHAT);
    let mut anna = chatter(&service, "anna").await;
    assert_eq!(anna.json().await, json!({"joined": "anna", "here": 1}));
    let mut elsewhere = Client::connect(&service.ws("/chat/attic?name=eve")).await;
    assert_eq!(elsewhere.json().await, json!({"joined": "eve", "here": 1}));
    for (round, vanishes) in (0..20).map(|round| (round, round % 2 == 0)) {
        let mut ben = chatter(&service, "ben").await;
        for client in [&mut anna, &mut ben] {
            assert_eq!(client.json().await, json!({"joined": "ben", "here": 2}));
        }
        ben.send_text(format!("zwölf \"{round}\"")).await;
        for client in [&mut anna, &mut ben] {
            let said = json!({"from": "ben", "text": format!("zwölf \"{round}\"")});
            assert_eq!(client.json().await, said);
        }
        if vanishes {
            drop(ben);
        } else {
            ben.close(1000).await;
        }
        assert_eq!(anna.json().await, json!({"left": "ben", "here": 1}), "{round}");
    }
    elsewhere.send_text("alone").await;
    assert_eq!(elsewhere.json().await, json!({"from": "eve", "text": "alone"}));
    let long = format!("/chat/den?name={}", "n".repeat(65));
    let mut refused = Client::connect(&service.ws(&long)).await;
    assert_eq!(refused.json().await["code"], "bad_message");
    assert_eq!(refused.closed().await.0, 1008);
}

#[test]
fn a_unix_socket_serves_the_same_as_the_network() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("waterway.sock");
    // The file that a crashed service leaves behind.
    drop(UnixListener::bind(&path).unwrap());
    let listen = "[server]\nlisten = ['127.0.0.1:0', 'unix:waterway.sock']\n";
    let service = Service::start_in(folder, &(ECHO.to_owned() + listen), |_| {});
    service.wait_for_log("unix:waterway.sock");
    let mut stream = UnixStream::connect(&path).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let head = "GET /echo HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    let mut came = Vec::new();
    let expected = b"connected!";
    while !came.ends_with(expected) {
        let mut piece = [0; 1024];
        let length = stream.read(&mut piece).unwrap();
        assert!(length > 0, "{:?}", String::from_utf8_lossy(&came));
        came.extend(&piece[..length]);
    }
    assert!(came.starts_with(b"HTTP/1.1 101 "), "{:?}", String::from_utf8_lossy(&came));
    assert_eq!(get(&service.url("/none")).status, 404);
}

#[test]
fn a_unix_socket_of_another_service_is_not_removed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("waterway.sock");
    let table = format!("{ECHO}[server]\nlisten = ['127.0.0.1:0', 'unix:{}']\n", path.display());
    let first = Service::start(&table);
    fs::remove_file(&path).unwrap();
    let second = Service::start(&table);
    assert_eq!(first.stop_gracefully().code(), Some(0));
    assert!(UnixStream::connect(&path).is_ok(), "it reaches the second service");
    assert_eq!(second.stop_gracefully().code(), Some(0));
    assert!(!path.exists(), "the service that listens there removes it");
}

#[tokio::test]
async fn messages_before_a_close_are_handled_and_messages_after_it_are_not() {
    let service = Service::start(ECHO);
    let mut client = Client::connect(&service.ws("/echo")).await;
    assert_eq!(client.text().await, "connected!");
    client.send_text("one").await;
    client.send(Message::Ping(vec![7].into())).await;
    client.send_text("two").await;
    let mut came = Vec::new();
    while came.len() < 3 {
        came.push(client.message().await);
    }
    came.retain(|message| !matches!(message, Message::Pong(_)));
    assert_eq!(came, [Message::text("one"), Message::text("two")]);
    client.close(4321).await;
}
