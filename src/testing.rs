//! A test client without a socket: it drives a service as a connection does.
//!
//! ```
//! use waterway::testing::{self, TestClient};
//! use waterway::{Path, Registry, Text};
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
//! let service = testing::start(table, &registry).await;
//! let mut client = TestClient::connect(&service, "/parrot/polly").await.expect("accepted");
//! client.send("hello").await;
//! assert_eq!(client.receive().await.text(), "polly: hello");
//! client.disconnect(1000).await;
//! # }
//! ```

#[cfg(feature = "cli")]
mod run;

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, StatusCode};

use crate::connection::{Connection, Decision, request};
use crate::consumer::Registry;
use crate::message::Scope;
use crate::reply::{Close, Payload, Reply};
use crate::routing::Router;
use crate::service::Service;

#[cfg(feature = "cli")]
pub(crate) use run::{ShownToken, run};

/// How long a test waits for an expected event.
const PATIENCE: Duration = Duration::from_secs(30);

/// Starts a service with this table, which gets no environment variables.
///
/// # Panics
/// If the table has mistakes, or the service does not start.
pub async fn start(table: &str, registry: &Registry) -> Service {
    let router = Router::parse(table, registry).unwrap_or_else(|loaded| panic!("{loaded}"));
    Service::start(router).await.unwrap_or_else(|error| panic!("{error}"))
}

/// A client without a socket.
///
/// Its methods wait for the service, and panic if the service does not respond within 30 s of
/// Tokio's clock, which tests can pause.
#[derive(Debug)]
pub struct TestClient {
    connection: Connection,
    waiting: VecDeque<Reply>,
}

/// A message or a close that a client receives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received {
    /// A text or bytes.
    Frame(Payload),
    /// The connection is closed.
    Close(Close),
}

/// A client's handshake or request: path, query, headers.
#[derive(Debug, Clone, Default)]
pub struct Handshake {
    scope: Scope,
}

impl Handshake {
    /// A handshake for this path, optionally with a query after a `?`, from a page of this service.
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

    /// From a page whose origin the table does not allow.
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

    /// Adds a header.
    ///
    /// # Panics
    /// If the name or the value is not valid.
    #[must_use]
    #[expect(clippy::expect_used, reason = "the test is wrong, and says where")]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let name: HeaderName = name.parse().expect("a header's name");
        let value = HeaderValue::from_str(value).expect("a header's value");
        self.scope.headers.append(name, value);
        self
    }

    /// Connects.
    ///
    /// # Errors
    /// The HTTP status with which the client is refused.
    ///
    /// # Panics
    /// If the consumer of `websocket.connect` does not decide.
    #[expect(clippy::expect_used, reason = "a test that waits in vain has failed")]
    pub async fn connect(self, service: &Service) -> Result<TestClient, StatusCode> {
        self.attempt(service).await.expect("the consumer decides in time")
    }

    /// Connects; `None` if the consumer of `websocket.connect` does not decide in time.
    async fn attempt(self, service: &Service) -> Option<Result<TestClient, StatusCode>> {
        let table = service.table();
        let matched = table.matched(&self.scope.path);
        if !matched.has_socket() {
            return Some(Err(StatusCode::NOT_FOUND));
        }
        let mut connection = Connection::open(service, (matched, table.generation()), self.scope);
        let decided = tokio::time::timeout(PATIENCE, connection.decision()).await;
        let Decision { accepted, at, replies } = decided.ok()??;
        connection.replies.written(replies.bytes);
        if accepted {
            return Some(Ok(TestClient { connection, waiting: replies.replies }));
        }
        let status = replies.replies.get(at).and_then(|reply| reply.status);
        Some(Err(status.unwrap_or(StatusCode::FORBIDDEN)))
    }

    /// Sends an HTTP request with these headers and waits for its response.
    ///
    /// ```
    /// use waterway::http::Method;
    /// use waterway::testing::{self, Handshake};
    /// use waterway::{Headers, Registry};
    ///
    /// async fn agent(headers: Headers) -> String {
    ///     format!("{:?}", headers["user-agent"])
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let registry = Registry::new().function("agent", agent);
    /// let table = "[[route]]\nchannel = 'http.request'\npath = '/'\nconsumer = 'agent'";
    /// let service = testing::start(table, &registry).await;
    ///
    /// let request = Handshake::new("/").header("user-agent", "curl");
    /// let reply = request.request(&service, Method::GET, "").await;
    /// assert_eq!(reply.content.unwrap().as_text(), Some("\"curl\""));
    /// # }
    /// ```
    pub async fn request(self, service: &Service, method: Method, body: impl Into<Bytes>) -> Reply {
        let matched = service.matched(&self.scope.path);
        request(service, &matched, self.scope, method, (body.into(), None), PATIENCE).await.0
    }
}

impl TestClient {
    /// Connects to a path, optionally with a query after a `?`.
    ///
    /// # Errors
    /// The HTTP status with which the client is refused.
    ///
    /// # Panics
    /// If the consumer of `websocket.connect` does not decide.
    pub async fn connect(service: &Service, target: &str) -> Result<Self, StatusCode> {
        Handshake::new(target).connect(service).await
    }

    /// Sends an HTTP request and waits for its response.
    pub async fn request(
        service: &Service,
        method: Method,
        target: &str,
        body: impl Into<Bytes>,
    ) -> Reply {
        Handshake::new(target).request(service, method, body).await
    }

    /// Sends a text or bytes.
    pub async fn send(&self, payload: impl Into<Payload>) {
        self.connection.inbox.deliver(payload.into(), None).await;
    }

    /// Waits for the next message from the service.
    ///
    /// # Panics
    /// If none arrives.
    #[expect(clippy::expect_used, reason = "a test that waits in vain has failed")]
    pub async fn receive(&mut self) -> Received {
        self.next(PATIENCE).await.expect("something comes in time")
    }

    /// The next message from the service; `None` if none arrives in this time.
    async fn next(&mut self, patience: Duration) -> Option<Received> {
        loop {
            while let Some(mut reply) = self.waiting.pop_front() {
                if let Some(payload) = reply.content.take() {
                    if reply.close.is_some() {
                        self.waiting.push_front(reply);
                    }
                    return Some(Received::Frame(payload));
                }
                if let Some(close) = reply.close {
                    return Some(Received::Close(close));
                }
            }
            let taken = tokio::time::timeout(patience, self.connection.replies.take()).await;
            let batch = taken.ok()??;
            self.connection.replies.written(batch.bytes);
            self.waiting = batch.replies;
        }
    }

    /// Leaves with this close code, and waits until `websocket.disconnect` is handled.
    pub async fn disconnect(self, code: u16) {
        // A panic of a consumer becomes an error, so the events always end.
        let _ = self.connection.close(code).await;
    }
}

impl Received {
    /// The text.
    ///
    /// # Panics
    /// If it is not a text.
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
    /// If it is not JSON.
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
    /// If it is not bytes.
    #[must_use]
    #[track_caller]
    pub fn bytes(&self) -> &Bytes {
        match self {
            Self::Frame(Payload::Binary(bytes)) => bytes,
            other => panic!("expected bytes, received {other:?}"),
        }
    }

    /// The close code.
    ///
    /// # Panics
    /// If it is not a close.
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
