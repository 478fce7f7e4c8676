//! Tests of the limits of open connections: after the table is replaced, each counts from the
//! connection's next event on.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{FutureExt, SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message as Frame;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_util::sync::CancellationToken;

use super::super::{PATIENCE, TestClient, start};
use super::NoRoom;
use crate::connection::{Connection, Receiving, run};
use crate::consumer::Registry;
use crate::extract::Text;
use crate::message::Scope;
use crate::reply::Batch;
use crate::routing::Router;
use crate::service::Service;

/// A service whose consumer answers a number with that number of letters, and another text with its
/// length.
struct Scene {
    registry: Registry,
    service: Service,
}

impl Scene {
    async fn start(limits: &str) -> Self {
        let registry = Registry::new().function("answer", async |Text(text): Text| {
            text.parse().map_or_else(|_| text.len().to_string(), |count| "x".repeat(count))
        });
        let service = start(&table(limits), &registry).await;
        Self { registry, service }
    }

    /// Replaces the table by one with other limits, and lets the open connections follow it.
    async fn replace(&self, limits: &str) {
        let router = Router::parse(&table(limits), &self.registry).unwrap();
        self.service.replace(router).await.unwrap();
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
    }

    async fn client(&self) -> TestClient {
        TestClient::connect(&self.service, "/").await.unwrap()
    }

    /// The service's end of a stream, as an open socket. The task ends with the socket.
    fn open(&self) -> (DuplexStream, JoinHandle<()>) {
        let matched = self.service.matched("/");
        let scope = Scope { path: "/".into(), origin_allowed: true, ..Scope::default() };
        let connection =
            Connection::open(&self.service, (matched, self.service.generation()), scope);
        let (client, stream) = tokio::io::duplex(1 << 20);
        let receiving = Receiving::new(&self.service.memory().transit, None, 1);
        let served = async move {
            let (socket, drain) = (Arc::new(NoRoom), CancellationToken::new());
            run(stream, socket, connection, Batch::default(), receiving, &drain).await;
        };
        (client, tokio::spawn(served))
    }

    async fn socket(&self) -> WebSocketStream<DuplexStream> {
        WebSocketStream::from_raw_socket(self.open().0, Role::Client, None).await
    }
}

fn table(limits: &str) -> String {
    format!(
        "[[route]]\nchannel = 'websocket.receive'\nconsumer = 'answer'\nlimits = {{ {limits} }}\n"
    )
}

/// The next text of the service, or the code and the reason with which it closes.
async fn next(socket: &mut WebSocketStream<DuplexStream>) -> Result<String, (u16, String)> {
    loop {
        let frame = timeout(PATIENCE, socket.next()).await.expect("it comes in time");
        match frame.expect("the socket is open").unwrap() {
            Frame::Text(text) => return Ok(text.to_string()),
            Frame::Close(close) => {
                let close = close.expect("it has a code");
                return Err((close.code.into(), close.reason.to_string()));
            }
            _ => {}
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_largest_message() {
    let scene = Scene::start("message = '1KiB'").await;
    let [mut growing, mut shrinking] = [scene.socket().await, scene.socket().await];
    for socket in [&mut growing, &mut shrinking] {
        socket.send("a".repeat(1000).into()).await.unwrap();
        assert_eq!(next(socket).await, Ok("1000".to_owned()));
    }
    scene.replace("message = '1MiB'").await;
    growing.send("a".repeat(1 << 20).into()).await.unwrap();
    assert_eq!(next(&mut growing).await, Ok("1048576".to_owned()));
    scene.replace("message = '10B'").await;
    shrinking.send("ten bytes!".into()).await.unwrap();
    assert_eq!(next(&mut shrinking).await, Ok("10".to_owned()));
    shrinking.send("eleven bytes".into()).await.unwrap();
    assert_eq!(next(&mut shrinking).await, Err((1009, "the message is too large".to_owned())));
}

#[tokio::test(start_paused = true)]
async fn the_rate_also_of_messages_that_wait() {
    let scene = Scene::start("rate = '2/h'").await;
    let mut client = scene.client().await;
    let begun = Instant::now();
    for text in ["a", "bb", "ccc", "dddd"] {
        client.send(text).await;
    }
    for answer in ["1", "2"] {
        assert_eq!(client.receive().await.text(), answer);
    }
    scene.replace("rate = '1/s'").await;
    for (answer, second) in [("3", 1), ("4", 2)] {
        assert_eq!(client.receive().await.text(), answer);
        let passed = begun.elapsed().as_secs_f64();
        assert!((f64::from(second) - 0.1..f64::from(second) + 0.1).contains(&passed), "{passed}");
    }
    scene.replace("rate = 'off'").await;
    for _ in 0..10 {
        client.send("a").await;
        assert_eq!(client.receive().await.text(), "1");
    }
    assert!(begun.elapsed() < Duration::from_secs(3));
}

#[tokio::test(start_paused = true)]
async fn a_reload_gives_no_client_more_than_its_rate() {
    let scene = Scene::start("rate = '2/h'").await;
    let mut client = scene.client().await;
    for text in ["a", "bb", "ccc", "dddd"] {
        client.send(text).await;
    }
    assert_eq!(client.receive().await.text(), "1");
    assert_eq!(client.receive().await.text(), "2");
    for limits in ["rate = '2/h', outbox = '1MiB'", "rate = '2/h'"] {
        scene.replace(limits).await;
        assert!(client.next(Duration::from_secs(60)).await.is_none(), "{limits}");
    }
    // The messages keep their order.
    sleep(Duration::from_secs(7200)).await;
    assert_eq!(client.receive().await.text(), "3");
    assert_eq!(client.receive().await.text(), "4");
}

#[tokio::test(start_paused = true)]
async fn what_happens_to_messages_over_the_rate() {
    let scene = Scene::start("rate = '1/h'").await;
    let mut client = scene.client().await;
    client.send("a").await;
    client.send("bb").await;
    assert_eq!(client.receive().await.text(), "1");
    scene.replace("rate = '1/h', rate_action = 'close'").await;
    // The client is not closed because of the message that waits already.
    assert!(client.next(Duration::from_secs(60)).await.is_none());
    client.send("ccc").await;
    assert_eq!(client.receive().await.json()["code"], "rate");
    assert_eq!(client.receive().await.close_code(), 1008);
}

#[tokio::test(start_paused = true)]
async fn the_rate_of_pings() {
    let scene = Scene::start("rate = 'off'").await;
    let mut socket = scene.socket().await;
    for _ in 0..100 {
        socket.send(Frame::Ping(Bytes::new())).await.unwrap();
    }
    socket.send("a".into()).await.unwrap();
    assert_eq!(next(&mut socket).await, Ok("1".to_owned()));
    scene.replace("rate = '10/s', rate_action = 'close'").await;
    for _ in 0..100 {
        socket.send(Frame::Ping(Bytes::new())).await.unwrap();
    }
    assert_eq!(next(&mut socket).await.unwrap_err().0, 1008);
}

/// When a silent client is closed, in seconds from now on.
async fn closed_after(client: &mut DuplexStream) -> u64 {
    let begun = Instant::now();
    let mut bytes = [0; 256];
    loop {
        let read = timeout(Duration::from_secs(3600), client.read(&mut bytes)).await;
        // The only frame here that begins with this byte is a close.
        if bytes[..read.unwrap().unwrap()].contains(&0x88) {
            return begun.elapsed().as_secs();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_time_that_a_client_may_be_silent() {
    let scene = Scene::start("idle = '60s'").await;
    let (mut client, _served) = scene.open();
    sleep(Duration::from_secs(10)).await;
    scene.replace("idle = '2h'").await;
    sleep(Duration::from_secs(90)).await;
    scene.replace("idle = '105s'").await;
    // It counts from the last sign of life.
    assert_eq!(closed_after(&mut client).await, 5);
    let (mut client, _served) = scene.open();
    sleep(Duration::from_secs(10)).await;
    scene.replace("idle = '5s'").await;
    assert_eq!(closed_after(&mut client).await, 0);
}

#[tokio::test(start_paused = true)]
async fn the_time_until_a_client_is_pinged() {
    let scene = Scene::start("ping = '1h', idle = '2h'").await;
    let mut socket = scene.socket().await;
    sleep(Duration::from_secs(1)).await;
    scene.replace("ping = '3s', idle = '2h'").await;
    let begun = Instant::now();
    for _ in 0..3 {
        let frame = socket.next().await.unwrap().unwrap();
        assert!(frame.is_ping(), "{frame:?}");
    }
    let took = begun.elapsed().as_secs();
    assert!((8..=9).contains(&took), "{took} s");
}

#[tokio::test(start_paused = true)]
async fn the_time_of_the_closing_handshake() {
    let scene = Scene::start("idle = '10s', closing = '5s'").await;
    let (_client, served) = scene.open();
    let (_other, served_longer) = scene.open();
    scene.replace("idle = '10s', closing = '1s'").await;
    let begun = Instant::now();
    // Neither answers the close.
    served.await.unwrap();
    served_longer.await.unwrap();
    let took = begun.elapsed().as_secs();
    assert!((11..14).contains(&took), "{took} s");
}

#[tokio::test(start_paused = true)]
async fn the_bytes_that_may_wait_for_their_consumer() {
    let rate = "rate = '1/h', inbox";
    let scene = Scene::start(&format!("{rate} = '1KiB'")).await;
    let client = scene.client().await;
    let message = "m".repeat(400);
    let fits =
        || timeout(Duration::from_secs(1), client.send(message.clone())).map(|sent| sent.is_ok());
    let mut count = 0;
    while fits().await {
        count += 1;
    }
    // One is answered, and one waits.
    assert_eq!(count, 2);
    scene.replace(&format!("{rate} = '10KiB'")).await;
    while fits().await {
        count += 1;
    }
    assert_eq!(count, 1 + (10 << 10) / (400 + 256));
    scene.replace(&format!("{rate} = '1KiB'")).await;
    assert!(!fits().await, "too much waits already");
}

#[tokio::test(start_paused = true)]
async fn the_bytes_that_may_wait_for_a_client_that_does_not_read() {
    let scene = Scene::start("outbox = '1KiB', slow = 'close'").await;
    let mut client = scene.client().await;
    client.send("2000").await;
    assert_eq!(client.receive().await.json()["bytes"], 2000);
    scene.replace("outbox = '10KiB', slow = 'drop_newest'").await;
    client.send("2000").await;
    assert_eq!(client.receive().await.text().len(), 2000);
    for _ in 0..10 {
        client.send("2000").await;
    }
    sleep(Duration::from_secs(1)).await;
    let mut received = 0;
    while client.next(Duration::from_secs(1)).await.is_some() {
        received += 1;
    }
    assert_eq!(received, 4, "the others are dropped, and the client is not closed");
    scene.replace("outbox = '10KiB', slow = 'close'").await;
    for _ in 0..10 {
        client.send("2000").await;
    }
    sleep(Duration::from_secs(1)).await;
    assert_eq!(client.receive().await.close_code(), 1013);
}

#[tokio::test(start_paused = true)]
async fn the_pace_of_a_message_that_is_half_received() {
    for (former, new, closed) in [("1B", "1KiB", true), ("1KiB", "1B", false)] {
        let scene =
            Scene::start(&format!("pace = '{former}', message = '1MiB', idle = '1h'")).await;
        let (mut client, _served) = scene.open();
        // Half a text of 1,000 bytes.
        client.write_all(&[0x81, 0xfe, 0x03, 0xe8, 0, 0, 0, 0]).await.unwrap();
        sleep(Duration::from_secs(1)).await;
        scene.replace(&format!("pace = '{new}', message = '1MiB', idle = '1h'")).await;
        let sent = async {
            for _ in 0..20 {
                sleep(Duration::from_secs(1)).await;
                client.write_all(b"some bytes").await.unwrap();
                let mut came = [0; 256];
                let read = timeout(Duration::from_millis(1), client.read(&mut came)).await;
                if let Ok(read) = read
                    && came[..read.unwrap()].contains(&0x88)
                {
                    return true;
                }
            }
            false
        };
        assert_eq!(sent.await, closed, "{former} to {new}");
    }
}
