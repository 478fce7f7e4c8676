//! The answers of consumers, and the channel that carries them to a client.

mod channel;
mod direct;
mod json;
mod limits;
mod outbox;
mod payload;

use std::fmt;
use std::fs::File;
use std::ops::Range;
use std::sync::{Arc, LazyLock};

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::Serialize;
use serde_json::Value;

use crate::error::{Error, code};

pub use channel::{Envelope, ReplyChannel};
pub(crate) use direct::{Direct, Tried};
pub use json::to_json;
pub use limits::{OutboxLimits, Sent, Slow};
pub(crate) use outbox::{Batch, Cut, Replies};
pub use payload::Payload;

/// One answer: the fields of a reply message in Channels 1 (`accept`, `text`, `bytes`, `close`),
/// and further ones for an HTTP response (`status`, `headers`, a file as its body).
///
/// | reply | while connecting | while open |
/// |---|---|---|
/// | accept | 101 | ignored |
/// | deny, or close with nothing to send | HTTP 403 (or the status given) | close 1000 (or the code) |
/// | a status, and text or bytes | HTTP with that status and body | the frame |
/// | text or bytes | 101, then the frame | the frame |
/// | text or bytes, and close | 101, the frame, then the close | the frame, then the close |
/// | empty text or bytes | an empty frame like any other | the same |
///
/// For an `http.request` the first reply with a status or a content is the response.
#[derive(Debug, Clone, Default)]
pub struct Reply {
    /// Whether to accept the connection.
    pub accept: bool,
    /// The content to send.
    pub content: Option<Payload>,
    /// The content's type in an HTTP response, unless a header sets another; by default plain text
    /// for text, and `application/octet-stream` for bytes.
    pub content_type: Option<&'static str>,
    /// Closes the connection after everything before has been sent.
    pub close: Option<Close>,
    /// The status of an HTTP response, or of a refused handshake.
    pub status: Option<StatusCode>,
    http: Option<Box<Http>>,
}

/// The parts that only an HTTP response or the answer to a handshake has. They are boxed, because
/// replies are moved often and few have them.
#[derive(Debug, Clone, Default)]
struct Http {
    headers: HeaderMap,
    /// The subprotocol with which to accept the connection (RFC 6455, section 1.9).
    subprotocol: Option<String>,
    file: Option<FilePart>,
    /// Why a header could not be set.
    invalid: Option<String>,
}

/// A close code and its reason (RFC 6455, section 7.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Close {
    /// 1000 to 4999; a code that a close frame must not contain (such as 1005) is sent as 1011.
    pub code: u16,
    /// The reason; at most its first 123 bytes are sent.
    pub reason: String,
}

/// A part of an open file. It is read in pieces as the client takes them, never as a whole.
#[derive(Debug, Clone)]
pub struct FilePart {
    /// The file.
    pub file: Arc<File>,
    /// The range of its bytes.
    pub range: Range<u64>,
}

/// The close codes that the framework uses.
pub mod close {
    /// The connection is done.
    pub const DONE: u16 = 1000;
    /// The peer broke the protocol.
    pub const PROTOCOL: u16 = 1002;
    /// The connection ended without a close frame; reported to `websocket.disconnect`, never sent.
    pub const ABNORMAL: u16 = 1006;
    /// A text is not UTF-8.
    pub const NOT_UTF8: u16 = 1007;
    /// The client broke a rule of the deployment, such as its rate or its origins.
    pub const POLICY: u16 = 1008;
    /// The message is larger than its route allows.
    pub const TOO_BIG: u16 = 1009;
    /// The consumer failed.
    pub const FAILED: u16 = 1011;
    /// The service restarts.
    pub const RESTART: u16 = 1012;
    /// The client should try again later; also for a client that does not read its replies.
    pub const TRY_AGAIN: u16 = 1013;
    /// The client is not authorised (IANA's registry: "Unauthorized").
    pub const UNAUTHORISED: u16 = 3000;
}

impl Reply {
    /// Accepts the connection.
    #[must_use]
    pub fn accept() -> Self {
        Self { accept: true, ..Self::default() }
    }

    /// Refuses the connection with this HTTP status; closes it if it is already open.
    #[must_use]
    pub fn deny(status: StatusCode) -> Self {
        Self { status: Some(status), ..Self::close() }
    }

    /// Sends a text.
    #[must_use]
    pub fn text(text: impl Into<bytestring::ByteString>) -> Self {
        Payload::Text(text.into()).into()
    }

    /// Sends bytes.
    #[must_use]
    pub fn bytes(bytes: impl Into<bytes::Bytes>) -> Self {
        Payload::Binary(bytes.into()).into()
    }

    /// Sends a value as JSON, with the spacing of Python's `json.dumps`.
    ///
    /// # Errors
    /// If the value cannot be written as JSON, such as a map whose keys are not texts.
    pub fn json(value: &impl Serialize) -> Result<Self, Error> {
        Ok(Self { content_type: Some("application/json"), ..Self::text(to_json(value)?) })
    }

    /// Sends an error to the client; as an HTTP response it has the status that fits its code.
    #[must_use]
    pub fn error(error: &Error) -> Self {
        let value: Value = error.to_json();
        // Serialising a `Value` cannot fail.
        let mut reply = Self::json(&value).unwrap_or_default();
        reply.status = Some(status_of(error.code()));
        if let Some(wait) = error.field("retry_after_ms").and_then(Value::as_u64) {
            let seconds = HeaderValue::from(wait.div_ceil(1000));
            reply = reply.with_header(http::header::RETRY_AFTER, seconds);
        }
        reply
    }

    /// Closes the connection with 1000.
    #[must_use]
    pub fn close() -> Self {
        Self::close_with(close::DONE, "")
    }

    /// Closes the connection with a code and a reason.
    #[must_use]
    pub fn close_with(code: u16, reason: impl Into<String>) -> Self {
        Self { close: Some(Close { code, reason: reason.into() }), ..Self::default() }
    }

    /// An HTTP response without a body. It refuses a connection as [`deny`](Self::deny) does, and
    /// an open connection ignores it.
    #[must_use]
    pub fn status(status: StatusCode) -> Self {
        Self { status: Some(status), ..Self::default() }
    }

    /// Closes the connection after this reply.
    #[must_use]
    pub fn and_close(mut self, code: u16, reason: impl Into<String>) -> Self {
        self.close = Some(Close { code, reason: reason.into() });
        self
    }

    /// Sets the status.
    #[must_use]
    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.status = Some(status);
        self
    }

    /// Sets a header, replacing others of the same name.
    ///
    /// A name or a value that HTTP does not allow makes the reply an error: the consumer that
    /// returns it has failed, and [`ReplyChannel::send`] returns the error.
    ///
    /// ```
    /// use waterway::Reply;
    ///
    /// let reply = Reply::text("hello").with_header("x-room", "attic");
    /// assert_eq!(reply.headers()["x-room"], "attic");
    /// ```
    #[must_use]
    pub fn with_header<N, V>(mut self, name: N, value: V) -> Self
    where
        N: TryInto<HeaderName, Error: fmt::Display>,
        V: TryInto<HeaderValue, Error: fmt::Display>,
    {
        let http = self.http.get_or_insert_default();
        match (name.try_into(), value.try_into()) {
            (Ok(name), Ok(value)) => {
                http.headers.insert(name, value);
            }
            (Err(error), _) => http.invalid = Some(format!("a header's name: {error}")),
            (Ok(name), Err(error)) => http.invalid = Some(format!("the header {name}: {error}")),
        }
        self
    }

    /// The reply.
    ///
    /// # Errors
    /// `failed`, if a header was set that HTTP does not allow.
    pub(crate) fn checked(self) -> Result<Self, Error> {
        match self.http.as_ref().and_then(|http| http.invalid.as_ref()) {
            None => Ok(self),
            Some(why) => Err(Error::failed(why.clone())),
        }
    }

    /// Sends a part of a file as the body of an HTTP response, in place of the content.
    #[must_use]
    pub fn with_file(mut self, part: FilePart) -> Self {
        self.http.get_or_insert_default().file = Some(part);
        self
    }

    /// Sets the subprotocol with which the connection is accepted.
    #[must_use]
    pub fn with_subprotocol(mut self, subprotocol: Option<String>) -> Self {
        if self.subprotocol() != subprotocol.as_deref() {
            self.http.get_or_insert_default().subprotocol = subprotocol;
        }
        self
    }

    /// The headers of an HTTP response, or of the answer to a handshake.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        static NONE: LazyLock<HeaderMap> = LazyLock::new(HeaderMap::new);
        self.http.as_ref().map_or(&NONE, |http| &http.headers)
    }

    /// The headers, for changing them.
    pub fn headers_mut(&mut self) -> &mut HeaderMap {
        &mut self.http.get_or_insert_default().headers
    }

    /// The subprotocol with which the connection is accepted (RFC 6455, section 1.9).
    #[must_use]
    pub fn subprotocol(&self) -> Option<&str> {
        self.http.as_ref()?.subprotocol.as_deref()
    }

    /// The part of a file that is the body of an HTTP response.
    #[must_use]
    pub fn file(&self) -> Option<&FilePart> {
        self.http.as_ref()?.file.as_ref()
    }

    /// Whether it is without any effect.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.accept
            && self.content.is_none()
            && self.close.is_none()
            && self.status.is_none()
            && self.file().is_none()
    }

    /// Whether it decides a handshake, and how: `true` accepts the connection.
    pub(crate) fn decides(&self) -> Option<bool> {
        // A consumer that answers a handshake with a status refuses the client.
        if self.accept || self.content.is_some() && self.status.is_none() {
            Some(true)
        } else {
            (self.close.is_some() || self.status.is_some()).then_some(false)
        }
    }
}

impl From<Payload> for Reply {
    fn from(payload: Payload) -> Self {
        Self { content: Some(payload), ..Self::default() }
    }
}

// All result types of consumers can also be sent.
macro_rules! content {
    ($($type:ty),* $(,)?) => {$(
        impl From<$type> for Reply {
            fn from(content: $type) -> Self {
                Payload::from(content).into()
            }
        }
    )*};
}

content!(String, &'static str, bytestring::ByteString, Vec<u8>, bytes::Bytes);

/// The HTTP status that fits an error code.
fn status_of(error: &str) -> StatusCode {
    match error {
        code::AUTH => StatusCode::UNAUTHORIZED,
        code::FORBIDDEN => StatusCode::FORBIDDEN,
        code::NOT_FOUND => StatusCode::NOT_FOUND,
        code::DUPLICATE => StatusCode::CONFLICT,
        code::TOO_BIG => StatusCode::PAYLOAD_TOO_LARGE,
        code::RATE => StatusCode::TOO_MANY_REQUESTS,
        code::STORAGE => StatusCode::INSUFFICIENT_STORAGE,
        code::REFUSED | code::DISPLACED | code::CANCELLED | code::EXPIRED => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        code::FAILED | code::GONE => StatusCode::INTERNAL_SERVER_ERROR,
        // All other codes of consumers are about the client's message.
        _ => StatusCode::BAD_REQUEST,
    }
}
