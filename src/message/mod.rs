//! A client's event on its way to a consumer.

mod cancellation;
mod event;
mod head;
mod scope;
mod secrets;
mod slots;
mod task;
mod task_uuid;

use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, LazyLock, OnceLock};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, Method};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use self::head::Head;
use self::task::TaskData;
use crate::memory::Held;
use crate::reply::{Payload, ReplyChannel};

pub use cancellation::{Cancellation, Reason};
pub use event::{EVENT_VERSION, Event, EventCancel, EventClose};
pub use head::HEAD_LIMIT;
pub(crate) use scope::network;
pub use scope::{Kept, Scope};
pub use task::TaskPlace;
pub use task_uuid::{TaskUuid, UUID_LIMIT};

/// The kind of an event, with the names of Django Channels.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub enum Channel {
    /// A client asks for a WebSocket.
    #[serde(rename = "websocket.connect")]
    Connect,
    /// A client sent a message over its WebSocket.
    #[serde(rename = "websocket.receive")]
    Receive,
    /// A client has left, whichever side closed the connection.
    #[serde(rename = "websocket.disconnect")]
    Disconnect,
    /// A client sent an HTTP request.
    #[serde(rename = "http.request")]
    Request,
    /// A worker has taken a message from a queue. Routes do not name it.
    #[serde(rename = "task")]
    Task,
}

impl Channel {
    /// The events that routes name, in the order of a connection's life.
    pub const ALL: [Self; 4] = [Self::Connect, Self::Receive, Self::Disconnect, Self::Request];

    /// Its name in `routing.toml`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Connect => "websocket.connect",
            Self::Receive => "websocket.receive",
            Self::Disconnect => "websocket.disconnect",
            Self::Request => "http.request",
            Self::Task => "task",
        }
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The content of an event.
#[derive(Debug, Clone)]
pub enum Content {
    /// A connect is without content.
    Connect,
    /// A text or bytes.
    Receive(Payload),
    /// The close code (RFC 6455, section 7.4), or 1006 without a close frame.
    Disconnect(u16),
    /// An HTTP request.
    Request {
        /// `GET`, `POST` and the like.
        method: Method,
        /// The whole body.
        body: Bytes,
    },
}

/// The values of the parameters in the route's path template, by name.
pub type Params = Arc<[(String, String)]>;

/// One event of one client. It carries the reply channel, which is all that a consumer needs to
/// answer. Clones share the content.
///
/// A queue's consumer gets the message in the form of a task: with the content, path, query, claims
/// and address of the message that was pushed, its place in the queue, and the headers that
/// `[queue.NAME]` lists; but without a [`Scope`].
#[derive(Clone)]
pub struct Message {
    /// The channel for answers to the client.
    pub reply_channel: ReplyChannel,
    /// The values of the parameters in the route's path template, by name.
    pub params: Params,
    /// The content of the event.
    pub content: Content,
    /// Tells whether the work on this message is still wanted.
    pub cancellation: Cancellation,
    source: Source,
    // Read at most once, and only if a route or a consumer asks for it.
    head: OnceLock<Option<Arc<Head>>>,
    /// The service's memory for its content, unless that is small. It is held while a clone exists.
    memory: Option<Arc<Held>>,
}

/// Where a message's data about its client comes from.
#[derive(Clone)]
enum Source {
    Connection(Arc<Scope>),
    Task(Arc<TaskData>),
}

impl Message {
    /// A message without path parameters; the router sets them.
    #[must_use]
    pub fn new(
        reply_channel: ReplyChannel,
        scope: Arc<Scope>,
        content: Content,
        cancellation: Cancellation,
    ) -> Self {
        // Until the router sets the parameters, all messages share this empty list.
        static NONE: LazyLock<Params> = LazyLock::new(|| Arc::from([]));
        let params = Arc::clone(&NONE);
        Self::of(reply_channel, Source::Connection(scope), params, content, cancellation)
    }

    fn of(
        reply_channel: ReplyChannel,
        source: Source,
        params: Params,
        content: Content,
        cancellation: Cancellation,
    ) -> Self {
        let (head, memory) = (OnceLock::new(), None);
        Self { reply_channel, params, content, cancellation, source, head, memory }
    }

    /// Holds the memory that its content takes.
    pub(crate) fn hold(&mut self, held: Option<Held>) {
        self.memory = held.map(Arc::new);
    }

    /// Whether the memory of its content is counted.
    pub(crate) fn is_held(&self) -> bool {
        self.memory.is_some()
    }

    /// The scope of its connection; `None` for a task.
    #[must_use]
    pub fn scope(&self) -> Option<&Arc<Scope>> {
        match &self.source {
            Source::Connection(scope) => Some(scope),
            Source::Task(_) => None,
        }
    }

    /// Its place in a queue; `None` unless it is a task.
    #[must_use]
    pub fn task(&self) -> Option<&TaskPlace> {
        match &self.source {
            Source::Connection(_) => None,
            Source::Task(task) => Some(&task.place),
        }
    }

    /// The path as received: percent-encoded, beginning with `/`.
    #[must_use]
    pub fn path(&self) -> &str {
        match &self.source {
            Source::Connection(scope) => &scope.path,
            Source::Task(task) => &task.path,
        }
    }

    /// The query as received, without the `?`.
    #[must_use]
    pub fn query(&self) -> &str {
        match &self.source {
            Source::Connection(scope) => &scope.query,
            Source::Task(task) => &task.query,
        }
    }

    /// The client's address; `None` over a unix socket without a trusted proxy.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        match &self.source {
            Source::Connection(scope) => scope.ip,
            Source::Task(task) => task.address,
        }
    }

    /// The claims of the client's token, where the route requires a token.
    #[must_use]
    pub fn claims(&self) -> Option<&Map<String, Value>> {
        match &self.source {
            Source::Connection(scope) => scope.claims.as_deref(),
            Source::Task(task) => task.claims.as_deref(),
        }
    }

    /// The headers of the request or the handshake. A task has those that `[queue.NAME] headers`
    /// lists, and `accept`.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        match &self.source {
            Source::Connection(scope) => &scope.headers,
            Source::Task(task) => &task.headers,
        }
    }

    /// A header as text, where it is one.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers().get(name)?.to_str().ok()
    }

    /// The beginning of URLs in replies, without a trailing slash.
    #[must_use]
    pub fn public_url(&self) -> &Arc<str> {
        match &self.source {
            Source::Connection(scope) => &scope.public_url,
            Source::Task(task) => &task.public_url,
        }
    }

    /// The tokens that the client showed.
    fn tokens(&self) -> &[String] {
        match &self.source {
            Source::Connection(scope) => &scope.tokens,
            Source::Task(task) => &task.tokens,
        }
    }

    /// The same message with another content.
    pub(crate) fn with_payload(&self, payload: Payload) -> Self {
        let mut message = self.clone();
        message.content = match &self.content {
            Content::Request { method, .. } => {
                Content::Request { method: method.clone(), body: payload.into_bytes() }
            }
            _ => Content::Receive(payload),
        };
        (message.head, message.memory) = (OnceLock::new(), None);
        message
    }

    /// The connection that the message came over.
    pub(crate) fn connection(&self) -> &Arc<str> {
        match &self.source {
            Source::Connection(scope) => &scope.connection,
            Source::Task(task) => &task.connection,
        }
    }

    /// Takes another scope of the same connection, such as one with other claims.
    pub(crate) fn set_scope(&mut self, scope: Arc<Scope>) {
        self.source = Source::Connection(scope);
    }

    /// Becomes a task with these headers. Afterwards it is data: it holds nothing of its connection
    /// but its reply channel.
    pub(crate) fn become_task(&mut self, place: TaskPlace, headers: &[HeaderName]) {
        // A head as an object may take many times the bytes that the queue counts for it.
        self.head.take();
        self.source = Source::Task(Arc::new(match &self.source {
            Source::Connection(scope) => TaskData::of_scope(scope, place, headers),
            Source::Task(task) => TaskData::of_task(task, place, headers),
        }));
    }

    /// Moves the task to this distance from the top of the page, px.
    pub(crate) fn move_task(&mut self, offset_top: i64) {
        if let Source::Task(task) = &mut self.source
            && task.place.offset_top != offset_top
        {
            Arc::make_mut(task).place.offset_top = offset_top;
        }
    }

    /// Which event it is.
    #[must_use]
    pub fn channel(&self) -> Channel {
        if self.task().is_some() {
            return Channel::Task;
        }
        match self.content {
            Content::Connect => Channel::Connect,
            Content::Receive(_) => Channel::Receive,
            Content::Disconnect(_) => Channel::Disconnect,
            Content::Request { .. } => Channel::Request,
        }
    }

    /// The JSON object at the beginning of the message. At most [`HEAD_LIMIT`] bytes are read, and
    /// not the body after it.
    #[must_use]
    pub fn head(&self) -> Option<&Map<String, Value>> {
        self.read_head().map(|head| &head.fields)
    }

    /// Where that object ends, in bytes from the beginning of the content.
    #[must_use]
    pub fn head_end(&self) -> Option<usize> {
        self.read_head().map(|head| head.end)
    }

    /// The size of its content in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        match &self.content {
            Content::Receive(payload) => payload.len(),
            Content::Request { body, .. } => body.len(),
            Content::Connect | Content::Disconnect(_) => 0,
        }
    }

    /// Prepares the message for a long wait, so that it keeps only the memory of its own bytes.
    /// Otherwise a small message keeps the read buffer that it shares with other messages.
    pub(crate) fn settle(&mut self) {
        self.head.take();
        if let Content::Receive(payload) = &mut self.content {
            payload.own();
        }
    }

    #[cfg(test)]
    pub(crate) fn holds_head(&self) -> bool {
        self.head.get().is_some()
    }

    fn read_head(&self) -> Option<&Head> {
        self.head
            .get_or_init(|| match &self.content {
                Content::Receive(payload) => head::read(payload.as_bytes()).map(Arc::new),
                Content::Request { body, .. } => head::read(body).map(Arc::new),
                Content::Connect | Content::Disconnect(_) => None,
            })
            .as_deref()
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("client", self.reply_channel.name())
            .field("channel", &self.channel())
            .field("path", &self.path())
            .field("content", &self.content)
            .finish_non_exhaustive()
    }
}
