//! A connection's events as its consumer gets them, over real sockets and with the test's own
//! consumers: each disconnect once and with its code, the order of events, and slow consumers.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::StatusCode;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use waterway::extract::CloseCode;
use waterway::{
    Cancellation, ChannelLayer, Error, Payload, Registry, Reply, ReplyChannel, SocketConsumer,
    Text, server, testing,
};

use crate::util::{CLOSE, Client, PATIENCE, Raw, TEXT, masked};

/// Serves this table with these consumers until the test's runtime ends.
async fn serve(registry: &Registry, table: &str) -> SocketAddr {
    let service = testing::start(table, registry).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = listener.local_addr().expect("it listens");
    tokio::spawn(server::run(listener, service, std::future::pending()));
    address
}

/// Consumers write down their events here.
type Notes = UnboundedSender<String>;

async fn next(notes: &mut UnboundedReceiver<String>) -> String {
    timeout(PATIENCE, notes.recv()).await.expect("a note in time").expect("somebody writes")
}

/// Does what each message says, and writes down its own end.
struct Obedient(Notes);

impl SocketConsumer for Obedient {
    async fn on_message(&mut self, socket: &ReplyChannel, message: Payload) -> Result<(), Error> {
        match message.as_text().unwrap_or_default() {
            "close" => socket.close(),
            "close 4000" => socket.send(Reply::close_with(4000, "")),
            "close twice" => socket.close().and(socket.send(Reply::close_with(4000, ""))),
            "panic" => panic!("as told"),
            "fail" => Err(Error::new("told", "as told")),
            _ => socket.send(message),
        }
    }

    async fn on_close(&mut self, code: u16) -> Result<(), Error> {
        let _ = self.0.send(format!("closed {code}"));
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_disconnect_is_delivered_once_with_its_code() {
    let (writer, mut notes) = unbounded_channel();
    let functions = writer.clone();
    let registry = Registry::new()
        .socket("obedient", move || Obedient(writer.clone()))
        .function("deny", async || Reply::deny(StatusCode::FORBIDDEN))
        .function("tell", async || Err::<(), _>(Error::new("told", "as told")))
        .function("fail", async || Err::<(), _>(Error::failed("as told")))
        .function("left", move |CloseCode(code): CloseCode| {
            let _ = functions.send(format!("closed {code}"));
            async {}
        });
    let limits = "limits = { message = '1KiB', rate = '3/h', rate_action = 'close', idle = '400ms', closing = '300ms' }";
    let table = format!(
        "[[route]]\nchannel = 'websocket.*'\npath = '/'\nconsumer = 'obedient'\n{limits}\n\
         [[route]]\nchannel = 'websocket.connect'\npath = '/deny'\nconsumer = 'deny'\n\
         [[route]]\nchannel = 'websocket.connect'\npath = '/fail'\nconsumer = 'fail'\n\
         [[route]]\nchannel = 'websocket.connect'\npath = '/tell'\nconsumer = 'tell'\n\
         [[route]]\nchannel = 'websocket.disconnect'\nconsumer = 'left'\n",
    );
    let address = serve(&registry, &table).await;
    let text = |words: &str| masked(TEXT, words.as_bytes());
    let large = masked(TEXT, &[b'x'; 2000]);
    for (behaviour, path, sends, code) in [
        ("the client closes", "/", masked(CLOSE, &[0x10, 0xe1]), 4321),
        ("the client closes without a code", "/", masked(CLOSE, b""), 1005),
        (
            "the client's last words, then a close",
            "/",
            [text("a"), masked(CLOSE, &[3, 232])].concat(),
            1000,
        ),
        ("the client vanishes", "/", vec![], 1006),
        (
            "the client vanishes within a frame",
            "/",
            masked(TEXT, &[b'x'; 900])[..500].to_vec(),
            1006,
        ),
        ("the consumer closes", "/", text("close"), 1000),
        ("the consumer closes with a code", "/", text("close 4000"), 4000),
        ("the consumer closes twice", "/", text("close twice"), 1000),
        ("the consumer panics", "/", text("panic"), 1011),
        ("a message that is too large", "/", large.clone(), 1009),
        ("messages that come too often", "/", text("a").repeat(4), 1008),
        ("not UTF-8", "/", masked(TEXT, b"\xff"), 1007),
        ("a frame that breaks the protocol", "/", masked(3, b""), 1002),
        ("the client is refused", "/deny", vec![], 1006),
        ("connecting ends with an error", "/tell", vec![], 1008),
        ("connecting fails", "/fail", vec![], 1011),
    ] {
        let vanishes = behaviour.contains("vanishes");
        let talk = move || {
            let mut raw = Raw::open(address, path, &[]);
            raw.send(&sends);
            if !vanishes {
                raw.read_until(|frames| frames.iter().any(|frame| frame.opcode() == CLOSE));
            }
        };
        tokio::task::spawn_blocking(talk).await.unwrap();
        assert_eq!(next(&mut notes).await, format!("closed {code}"), "{behaviour}");
    }
    // Nothing is left over: the next event is the disconnect of the last client.
    let last = Client::connect(&format!("ws://{address}/")).await;
    last.close(4999).await;
    assert_eq!(next(&mut notes).await, "closed 4999");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_are_delivered_in_order_and_one_at_a_time() {
    let busy = Arc::new(AtomicBool::new(false));
    let registry = Registry::new().function("slow", move |Text(text): Text| {
        let busy = Arc::clone(&busy);
        async move {
            assert!(!busy.swap(true, Ordering::SeqCst), "one at a time");
            let n: usize = text.parse().unwrap();
            for _ in 0..(n * 7919) % 13 {
                tokio::task::yield_now().await;
            }
            busy.store(false, Ordering::SeqCst);
            text.to_string()
        }
    });
    let route = "[[route]]\nchannel = 'websocket.receive'\npath = '/'\nconsumer = 'slow'\n";
    let mut client = Client::connect(&format!("ws://{}/", serve(&registry, route).await)).await;
    for n in 0..200 {
        client.send_text(n.to_string()).await;
    }
    for n in 0..200 {
        assert_eq!(client.text().await, n.to_string());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_consumer_delays_no_ping_and_learns_of_the_disconnect() {
    let (writer, mut notes) = unbounded_channel();
    let left = writer.clone();
    let registry = Registry::new()
        .function("wait", move |cancellation: Cancellation| {
            let notes = writer.clone();
            async move {
                let _ = notes.send("begun".into());
                cancellation.cancelled().await;
                let _ = notes.send("cancelled".into());
            }
        })
        .function("left", move || {
            let _ = left.send("left".into());
            async {}
        });
    let table = "[[route]]\nchannel = 'websocket.receive'\npath = '/'\nconsumer = 'wait'\n\
                 [[route]]\nchannel = 'websocket.disconnect'\npath = '/'\nconsumer = 'left'\n";
    let mut client = Client::connect(&format!("ws://{}/", serve(&registry, table).await)).await;
    client.send_text("wait").await;
    assert_eq!(next(&mut notes).await, "begun");
    client.send(Message::Ping(vec![1].into())).await;
    assert_eq!(client.message().await, Message::Pong(vec![1].into()));
    drop(client);
    assert_eq!(next(&mut notes).await, "cancelled");
    assert_eq!(next(&mut notes).await, "left");
}

#[tokio::test]
async fn a_handshake_that_is_not_decided_in_time_is_answered_with_503() {
    let (writer, mut notes) = unbounded_channel();
    let registry = Registry::new()
        .function("wait", async |cancellation: Cancellation| cancellation.cancelled().await)
        .function("left", move || {
            let _ = writer.send("left".into());
            async {}
        });
    let table = "[server]\nhandshake = '100ms'\n\
                 [[route]]\nchannel = 'websocket.connect'\npath = '/'\nconsumer = 'wait'\n\
                 [[route]]\nchannel = 'websocket.disconnect'\npath = '/'\nconsumer = 'left'\n";
    let url = format!("ws://{}/", serve(&registry, table).await);
    assert_eq!(Client::try_connect(&url, &[]).await.err(), Some(503));
    assert_eq!(next(&mut notes).await, "left");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_client_is_in_no_group_when_its_disconnect_is_delivered() {
    let (writer, mut notes) = unbounded_channel();
    let registry = Registry::new()
        .function("join", async |socket: ReplyChannel, layer: ChannelLayer| {
            layer.group("den").add(&socket).await
        })
        .function("left", move |layer: ChannelLayer| {
            let writer = writer.clone();
            async move {
                let members = layer.group("den").len().await?;
                let _ = writer.send(format!("{members} are here"));
                Ok::<_, Error>(())
            }
        });
    let table = "[[route]]\nchannel = 'websocket.connect'\npath = '/'\nconsumer = 'join'\n\
                 [[route]]\nchannel = 'websocket.disconnect'\npath = '/'\nconsumer = 'left'\n";
    let url = format!("ws://{}/", serve(&registry, table).await);
    for _ in 0..500 {
        Client::connect(&url).await.close(1000).await;
        assert_eq!(next(&mut notes).await, "0 are here");
    }
}
