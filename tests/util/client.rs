//! A WebSocket client for tests: each call waits for one kind of message, and panics if another
//! arrives.

use std::fmt::Debug;

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Message};
use tokio_tungstenite::tungstenite::{Error, Utf8Bytes};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

use super::PATIENCE;

/// A connected client.
pub(crate) struct Client {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// The subprotocol that the server chose.
    pub(crate) subprotocol: Option<String>,
}

impl Client {
    /// Connects.
    pub(crate) async fn connect(url: &str) -> Self {
        let refused = |status| panic!("{url} was refused: {status}");
        Self::try_connect(url, &[]).await.unwrap_or_else(refused)
    }

    /// Connects with further headers; returns the status if the server refuses.
    pub(crate) async fn try_connect(url: &str, headers: &[(&str, &str)]) -> Result<Self, u16> {
        let mut request = url.into_client_request().expect("a ws:// URL");
        for (name, value) in headers {
            let name: HeaderName = name.parse().expect("a header's name");
            request.headers_mut().append(name, HeaderValue::from_str(value).expect("a value"));
        }
        let connected = connect_async_with_config(request, None, true);
        match timeout(PATIENCE, connected).await.expect("an answer to the handshake") {
            Ok((socket, response)) => {
                let chosen = response.headers().get("sec-websocket-protocol");
                let chosen = chosen.map(|value| value.to_str().expect("ASCII").to_owned());
                Ok(Self { socket, subprotocol: chosen })
            }
            Err(Error::Http(response)) => Err(response.status().as_u16()),
            Err(error) => panic!("{url}: {error}"),
        }
    }

    /// Sends a text message.
    pub(crate) async fn send_text(&mut self, text: impl Into<Utf8Bytes>) {
        self.send(Message::Text(text.into())).await;
    }

    /// Sends a binary message.
    pub(crate) async fn send_binary(&mut self, bytes: Vec<u8>) {
        self.send(Message::Binary(bytes.into())).await;
    }

    /// Sends any message, such as a ping.
    pub(crate) async fn send(&mut self, message: Message) {
        let sent = timeout(PATIENCE, self.socket.send(message)).await;
        sent.expect("the server reads").expect("the connection is open");
    }

    /// Sends any message to a server that may have closed already.
    pub(crate) async fn try_send(&mut self, message: Message) {
        let _ = timeout(PATIENCE, self.socket.send(message)).await.expect("the server reads");
    }

    /// The next message other than a ping; pings are answered meanwhile.
    pub(crate) async fn message(&mut self) -> Message {
        let until = Instant::now() + PATIENCE;
        loop {
            let next = timeout_at(until, self.socket.next()).await.expect("a message in time");
            match next.expect("the connection is open").expect("the server keeps to RFC 6455") {
                Message::Ping(_) => {}
                message => return message,
            }
        }
    }

    /// The next message, which must be a text.
    pub(crate) async fn text(&mut self) -> String {
        match self.message().await {
            Message::Text(text) => text.as_str().to_owned(),
            other => unexpected("a text", &other),
        }
    }

    /// The next message, which must be a text with JSON.
    pub(crate) async fn json(&mut self) -> Value {
        let text = self.text().await;
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text:?}"))
    }

    /// The next message, which must be binary.
    pub(crate) async fn binary(&mut self) -> Vec<u8> {
        match self.message().await {
            Message::Binary(bytes) => bytes.to_vec(),
            other => unexpected("bytes", &other),
        }
    }

    /// The code and reason of the next message, which must be a close; it is answered. A close
    /// without a code has 1005 (RFC 6455, 7.1.5).
    pub(crate) async fn closed(&mut self) -> (u16, String) {
        let message = self.message().await;
        // tungstenite sends its answer with the next call; the server may have left.
        let _ = timeout(PATIENCE, self.socket.flush()).await.expect("the server reads");
        match message {
            Message::Close(Some(CloseFrame { code, reason })) => {
                (code.into(), reason.as_str().to_owned())
            }
            Message::Close(None) => (1005, String::new()),
            other => unexpected("a close", &other),
        }
    }

    /// Closes with this code and waits until the server has answered.
    pub(crate) async fn close(mut self, code: u16) {
        self.send(Message::Close(Some(CloseFrame { code: code.into(), reason: "".into() }))).await;
        while !matches!(self.message().await, Message::Close(_)) {}
    }
}

fn unexpected(wanted: &str, message: &impl Debug) -> ! {
    panic!("{wanted} was expected, {message:?} came")
}
