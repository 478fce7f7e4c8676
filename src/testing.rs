//! A client for tests that needs no socket: it drives a router as a connection does.
//!
//! ```
//! use waterway::testing::TestClient;
//! use waterway::{Path, Registry, Router, Text};
//!
//! async fn receive(Path(name): Path<String>, Text(text): Text) -> String {
//!     format!("{name}: {text}")
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let registry = Registry::new().function("parrot", receive);
//! let table = r#"
//!     [[route]]
//!     channel  = "websocket.receive"
//!     path     = "/parrot/{name}"
//!     consumer = "parrot"
//! "#;
//! let router = Router::parse(table, &registry).expect("the table is sound");
//!
//! let mut client = TestClient::connect(&router, "/parrot/polly").await.expect("taken");
//! client.send("hello").await;
//! assert_eq!(client.receive().await.text(), "polly: hello");
//! client.disconnect(1000).await;
//! # }
//! ```

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, StatusCode};

use crate::connection::{Connection, Decision, request};
use crate::message::Scope;
use crate::reply::{Close, Payload, Reply};
use crate::routing::{Router, Running};

/// How long a test waits for what should come.
const PATIENCE: Duration = Duration::from_secs(30);

/// A client without a socket.
///
/// Its methods wait for what the service does and panic when it does not do it within 30 s
/// of Tokio's clock, which tests can stop.
#[derive(Debug)]
pub struct TestClient {
    connection: Connection,
    waiting: VecDeque<Reply>,
}

/// What a client is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received {
    /// A text or bytes.
    Frame(Payload),
    /// The connection is closed.
    Close(Close),
}

/// How a client comes: path, query, headers.
#[derive(Debug, Clone, Default)]
pub struct Handshake {
    scope: Scope,
}

/// The workers of a router's queues, and the jobs beside its consumers, for as long as this is
/// kept.
#[derive(Debug)]
pub struct TestWorkers {
    _running: Running,
}

impl TestWorkers {
    /// Starts them.
    ///
    /// # Panics
    /// When the system starts no threads.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a test without threads cannot go on")]
    pub fn start(router: &Router) -> Self {
        Self { _running: router.start().expect("the system starts threads") }
    }
}

impl Handshake {
    /// To this path, with a query behind a `?` where there is one; from a page of this service.
    #[must_use]
    pub fn new(target: &str) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let scope = Scope {
            path: path.into(),
            query: query.into(),
            ip: Some([127, 0, 0, 1].into()),
            public_url: "http://testserver".into(),
            origin_allowed: true,
            ..Scope::default()
        };
        Self { scope }
    }

    /// From a page whose origin the deployment does not allow.
    #[must_use]
    pub fn foreign(mut self, origin: &str) -> Self {
        self.scope.origin_allowed = false;
        self.header("origin", origin)
    }

    /// Offers a subprotocol.
    #[must_use]
    pub fn subprotocol(mut self, name: &str) -> Self {
        self.scope.subprotocols.push(name.into());
        self
    }

    /// With a header.
    ///
    /// # Panics
    /// When it cannot be one.
    #[must_use]
    #[expect(clippy::expect_used, reason = "the test is wrong, and says where")]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let name: HeaderName = name.parse().expect("a header's name");
        let value = HeaderValue::from_str(value).expect("a header's value");
        self.scope.headers.append(name, value);
        self
    }

    /// Asks to be taken.
    ///
    /// # Errors
    /// The HTTP status with which the client is refused.
    ///
    /// # Panics
    /// When the consumer of `websocket.connect` does not decide.
    #[expect(clippy::expect_used, reason = "a test that waits in vain has failed")]
    pub async fn connect(self, router: &Router) -> Result<TestClient, StatusCode> {
        let way = router.way(&self.scope.path);
        if !way.has_socket() {
            return Err(StatusCode::NOT_FOUND);
        }
        let mut connection = Connection::open(router, way, self.scope);
        let decided = tokio::time::timeout(PATIENCE, connection.decision()).await;
        let Decision { accepted, at, replies } =
            decided.expect("the consumer decides in time").expect("the consumer decides");
        connection.replies.written(replies.bytes);
        if accepted {
            return Ok(TestClient { connection, waiting: replies.replies });
        }
        let status = replies.replies.get(at).and_then(|reply| reply.status);
        Err(status.unwrap_or(StatusCode::FORBIDDEN))
    }

    /// Sends an HTTP request with these headers and waits for its response.
    ///
    /// ```
    /// use waterway::http::Method;
    /// use waterway::testing::Handshake;
    /// use waterway::{Headers, Registry, Router};
    ///
    /// async fn agent(headers: Headers) -> String {
    ///     format!("{:?}", headers["user-agent"])
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let registry = Registry::new().function("agent", agent);
    /// let table = "[[route]]\nchannel = 'http.request'\npath = '/'\nconsumer = 'agent'";
    /// let router = Router::parse(table, &registry).expect("the table is sound");
    ///
    /// let request = Handshake::new("/").header("user-agent", "curl");
    /// let reply = request.request(&router, Method::GET, "").await;
    /// assert_eq!(reply.content.unwrap().as_text(), Some("\"curl\""));
    /// # }
    /// ```
    pub async fn request(self, router: &Router, method: Method, body: impl Into<Bytes>) -> Reply {
        let way = router.way(&self.scope.path);
        request(router, &way, self.scope, method, (body.into(), None), PATIENCE).await.0
    }
}

impl TestClient {
    /// Connects to a path, with a query behind a `?` where there is one.
    ///
    /// # Errors
    /// The HTTP status with which the client is refused.
    ///
    /// # Panics
    /// When the consumer of `websocket.connect` does not decide.
    pub async fn connect(router: &Router, target: &str) -> Result<Self, StatusCode> {
        Handshake::new(target).connect(router).await
    }

    /// Sends an HTTP request and waits for its response.
    pub async fn request(
        router: &Router,
        method: Method,
        target: &str,
        body: impl Into<Bytes>,
    ) -> Reply {
        Handshake::new(target).request(router, method, body).await
    }

    /// Sends a text or bytes.
    pub async fn send(&self, payload: impl Into<Payload>) {
        self.connection.inbox.deliver(payload.into(), None).await;
    }

    /// Waits for what the service sends.
    ///
    /// # Panics
    /// When nothing comes.
    #[expect(clippy::expect_used, reason = "a test that waits in vain has failed")]
    pub async fn receive(&mut self) -> Received {
        loop {
            while let Some(mut reply) = self.waiting.pop_front() {
                if let Some(payload) = reply.content.take() {
                    if reply.close.is_some() {
                        self.waiting.push_front(reply);
                    }
                    return Received::Frame(payload);
                }
                if let Some(close) = reply.close {
                    return Received::Close(close);
                }
            }
            let taken = tokio::time::timeout(PATIENCE, self.connection.replies.take()).await;
            let batch = taken.expect("something comes in time").expect("the service is there");
            self.connection.replies.written(batch.bytes);
            self.waiting = batch.replies;
        }
    }

    /// Leaves with this closing code, and waits until `websocket.disconnect` is handled.
    pub async fn disconnect(self, code: u16) {
        // A panic of a consumer is an answer, so the events always come to their end.
        let _ = self.connection.close(code).await;
    }
}

impl Received {
    /// The text.
    ///
    /// # Panics
    /// When it is something else.
    #[must_use]
    #[track_caller]
    pub fn text(&self) -> &str {
        match self {
            Self::Frame(Payload::Text(text)) => text,
            other => panic!("expected a text, received {other:?}"),
        }
    }

    /// The JSON.
    ///
    /// # Panics
    /// When it is something else.
    #[must_use]
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        match serde_json::from_str(self.text()) {
            Ok(value) => value,
            Err(error) => panic!("expected JSON, received {self:?}: {error}"),
        }
    }

    /// The bytes.
    ///
    /// # Panics
    /// When it is something else.
    #[must_use]
    #[track_caller]
    pub fn bytes(&self) -> &Bytes {
        match self {
            Self::Frame(Payload::Binary(bytes)) => bytes,
            other => panic!("expected bytes, received {other:?}"),
        }
    }

    /// The closing code.
    ///
    /// # Panics
    /// When it is something else.
    #[must_use]
    #[track_caller]
    pub fn close_code(&self) -> u16 {
        match self {
            Self::Close(close) => close.code,
            Self::Frame(payload) => panic!("expected a close, received {payload:?}"),
        }
    }
}

#[cfg(test)]
mod tests;
