//! A client's event on its way to a consumer.

mod cancellation;
mod head;
mod scope;

use std::any::Any;
use std::fmt;
use std::sync::{Arc, LazyLock, OnceLock};

use bytes::Bytes;
use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use self::head::Head;
use crate::memory::Held;
use crate::reply::{Payload, ReplyChannel};

pub use cancellation::{Cancellation, Reason};
pub use head::HEAD_LIMIT;
pub use scope::Scope;
pub(crate) use scope::network;

/// What an event is: Django Channels' names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Channel {
    /// A client asks for a WebSocket.
    #[serde(rename = "websocket.connect")]
    Connect,
    /// A client sent a text or bytes.
    #[serde(rename = "websocket.receive")]
    Receive,
    /// A client has left, whoever closed and why.
    #[serde(rename = "websocket.disconnect")]
    Disconnect,
    /// A client sent an HTTP request.
    #[serde(rename = "http.request")]
    Request,
}

impl Channel {
    /// All of them, in the order of a connection's life.
    pub const ALL: [Self; 4] = [Self::Connect, Self::Receive, Self::Disconnect, Self::Request];

    /// Its name in `routing.toml`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Connect => "websocket.connect",
            Self::Receive => "websocket.receive",
            Self::Disconnect => "websocket.disconnect",
            Self::Request => "http.request",
        }
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What an event brings.
#[derive(Debug, Clone)]
pub enum Content {
    /// Nothing: the client connects.
    Connect,
    /// A text or bytes.
    Receive(Payload),
    /// The closing code (RFC 6455, section 7.4; 1006 when no close frame came).
    Disconnect(u16),
    /// An HTTP request; its headers, path and query are in the scope.
    Request {
        /// `GET`, `POST` and the like.
        method: Method,
        /// The body, whole.
        body: Bytes,
    },
}

/// The parts of the path that the route's template names.
pub type Params = Arc<[(String, String)]>;

/// One event of one client. The reply channel travels inside it, so a consumer needs nothing else
/// to answer. A clone shares its content.
#[derive(Clone)]
pub struct Message {
    /// Where the answers go.
    pub reply_channel: ReplyChannel,
    /// What stays true for the whole connection.
    pub scope: Arc<Scope>,
    /// The parts of the path that the route's template names.
    pub params: Params,
    /// What the event brings.
    pub content: Content,
    /// Set when nobody waits for this message's work any more.
    pub cancellation: Cancellation,
    // Read at most once where it is, and only where a route or a consumer asks for it.
    head: OnceLock<Option<Arc<Head>>>,
    extension: Option<Arc<dyn Any + Send + Sync>>,
    /// The memory of its content, unless that is small; taken as long as a clone exists.
    memory: Option<Arc<Held>>,
}

impl Message {
    /// A message; its path parameters are set by the router.
    #[must_use]
    pub fn new(
        reply_channel: ReplyChannel,
        scope: Arc<Scope>,
        content: Content,
        cancellation: Cancellation,
    ) -> Self {
        // The router sets them; until then every message shares the same none.
        static NONE: LazyLock<Params> = LazyLock::new(|| Arc::from([]));
        let params = Arc::clone(&NONE);
        let (head, extension) = (OnceLock::new(), None);
        let memory = None;
        Self { reply_channel, scope, params, content, cancellation, head, extension, memory }
    }

    /// Keeps the memory that its content takes.
    pub(crate) fn hold(&mut self, held: Option<Held>) {
        self.memory = held.map(Arc::new);
    }

    /// Whether the memory of its content is counted.
    pub(crate) fn is_held(&self) -> bool {
        self.memory.is_some()
    }

    /// Puts something beside the message, in the place of what was there. What a consumer has read
    /// out of a message before it put it on a queue, the worker finds there, and need not read it
    /// again. The queue's bounds do not count it: it should be small.
    ///
    /// ```
    /// # use waterway::{Message, Payload};
    /// struct Header { name: String }
    ///
    /// # fn aside(message: Message) {
    /// let message = message.with_extension(Header { name: "alps".into() });
    /// assert_eq!(message.extension::<Header>().unwrap().name, "alps");
    /// # }
    /// ```
    #[must_use]
    pub fn with_extension<T: Any + Send + Sync>(mut self, extension: T) -> Self {
        self.extension = Some(Arc::new(extension));
        self
    }

    /// What was put beside the message, if it is of this type.
    #[must_use]
    pub fn extension<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        self.extension.clone()?.downcast().ok()
    }

    /// What the event is.
    #[must_use]
    pub fn channel(&self) -> Channel {
        match self.content {
            Content::Connect => Channel::Connect,
            Content::Receive(_) => Channel::Receive,
            Content::Disconnect(_) => Channel::Disconnect,
            Content::Request { .. } => Channel::Request,
        }
    }

    /// The JSON object that the message begins with, of which at most [`HEAD_LIMIT`] bytes are
    /// read; the body behind it is not looked at.
    #[must_use]
    pub fn head(&self) -> Option<&Map<String, Value>> {
        self.read_head().map(|head| &head.fields)
    }

    /// Where that object ends, in bytes from the content's beginning.
    #[must_use]
    pub fn head_end(&self) -> Option<usize> {
        self.read_head().map(|head| head.end)
    }

    /// How many bytes of content it holds.
    #[must_use]
    pub fn size(&self) -> usize {
        match &self.content {
            Content::Receive(payload) => payload.len(),
            Content::Request { body, .. } => body.len(),
            Content::Connect | Content::Disconnect(_) => 0,
        }
    }

    /// Prepares it for a long wait: afterwards it holds only the memory of its own bytes. A small
    /// message otherwise shares its read buffer with the messages before and after it.
    pub(crate) fn settle(&mut self) {
        self.forget_head();
        if let Content::Receive(payload) = &mut self.content {
            payload.own();
        }
    }

    /// Who asks for the head from now on has it read again. As an object it may take many times the
    /// bytes that it came in, which are all that a queue counts.
    pub(crate) fn forget_head(&mut self) {
        self.head.take();
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
            .field("path", &self.scope.path)
            .field("content", &self.content)
            .finish_non_exhaustive()
    }
}
