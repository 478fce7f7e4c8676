//! An event as data, as consumers outside of this process get it.

mod fields;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use bytestring::ByteString;
use http::Method;
use http::header::{COOKIE, HeaderMap, HeaderName, HeaderValue};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::task::TaskData;
use super::{Cancellation, Channel, Content, Message, Params, Source, TaskPlace, secrets};
use crate::error::{Error, code};
use crate::reply::{Payload, ReplyChannel};

/// The version of [`Event`]. It grows when the meaning of a field changes.
pub const EVENT_VERSION: u32 = 1;

/// An event as data: every field can be written as JSON. A field that does not apply is absent.
///
/// ```
/// use waterway::message::Event;
///
/// let text = r#"{"v":1,"channel":"task","client":"waterway.n!c","path":"/ocr","text":"hi",
///                "attempt":1,"task":{"uuid":"1","queue":"ocr","offset_top":0}}"#;
/// let event: Event = serde_json::from_str(text)?;
/// assert_eq!(event.text.as_deref(), Some("hi"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// [`EVENT_VERSION`].
    pub v: u32,
    /// Names the event in its answer. It is opaque.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Arc<str>>,
    /// Which event it is.
    pub channel: Channel,
    /// The name of the client's reply channel.
    pub client: Arc<str>,
    /// The path as it came, percent-encoded, beginning with `/`.
    pub path: Arc<str>,
    /// The parts of the path that the route's template names, in their order.
    #[serde(default = "no_params", with = "fields::params", skip_serializing_if = "is_empty")]
    #[schemars(with = "BTreeMap<String, String>")]
    pub params: Params,
    /// The query as it came, without the `?` and without a token.
    #[serde(default, skip_serializing_if = "is_empty_text")]
    pub query: Arc<str>,
    /// The client's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// The subprotocols that the client offers, without a token: `websocket.connect`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subprotocols: Vec<String>,
    /// The claims of the client's token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claims: Option<Arc<Map<String, Value>>>,
    /// The headers that the table lists for this consumer, by their names in small letters. The
    /// values of one name are joined, with `; ` for `cookie` and `, ` for others. A value with a
    /// token is left out.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// The first part of the URLs in answers, without a slash at the end.
    #[serde(default, skip_serializing_if = "is_empty_text")]
    pub public_url: Arc<str>,
    /// The method of an HTTP request, and of a task that one has pushed.
    #[serde(default, with = "fields::method", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub method: Option<Method>,
    /// The content, if the client sent a text.
    #[serde(default, with = "fields::text", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub text: Option<ByteString>,
    /// The content, if the client sent bytes or a body: in base64.
    #[serde(default, with = "fields::bytes", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub bytes: Option<Bytes>,
    /// How the connection was closed: `websocket.disconnect`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub close: Option<EventClose>,
    /// Which try of the task this is, from 1: `task`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// The place of the task: `task`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<TaskPlace>,
    /// The consumer's state for this connection, which the action `state` sets: of WebSockets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<Arc<Value>>,
    /// The path of a file with the content, in place of `text` or `bytes`: for programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<Arc<str>>,
}

/// How a connection was closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EventClose {
    /// The close code (RFC 6455, section 7.4; 1006 when no close frame came).
    pub code: u16,
    /// The reason that the peer gave.
    #[serde(default)]
    pub reason: String,
}

/// Tells a program that an event is no longer wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EventCancel {
    /// [`EVENT_VERSION`].
    pub v: u32,
    /// The `id` of the event.
    pub cancel: Arc<str>,
}

impl EventCancel {
    /// The event of this `id` is no longer wanted.
    #[must_use]
    pub fn new(id: impl Into<Arc<str>>) -> Self {
        Self { v: EVENT_VERSION, cancel: id.into() }
    }
}

impl Event {
    /// A message as data, with those of its headers that are listed here.
    #[must_use]
    pub fn new(message: &Message, headers: &[HeaderName]) -> Self {
        let mut event = Self {
            v: EVENT_VERSION,
            id: None,
            channel: message.channel(),
            client: Arc::clone(message.reply_channel.name()),
            path: Arc::from(message.path()),
            params: Arc::clone(&message.params),
            query: secrets::without_tokens(message.query(), message.tokens()),
            address: message.address(),
            subprotocols: Vec::new(),
            claims: message.claims().cloned().map(Arc::new),
            headers: joined(message.headers(), headers, message.tokens()),
            public_url: Arc::clone(message.public_url()),
            method: None,
            text: None,
            bytes: None,
            close: None,
            attempt: None,
            task: None,
            state: None,
            file: None,
        };
        match &message.source {
            Source::Connection(scope) if event.channel == Channel::Connect => {
                let offered = scope.subprotocols.iter();
                let is_name = |offered: &&String| !scope.tokens.contains(offered);
                event.subprotocols = offered.filter(is_name).cloned().collect();
            }
            Source::Connection(_) => {}
            Source::Task(task) => {
                event.attempt = Some(task.attempt);
                event.task = Some(task.place.clone());
            }
        }
        match &message.content {
            Content::Connect => {}
            Content::Receive(Payload::Text(text)) => event.text = Some(text.clone()),
            Content::Receive(Payload::Binary(bytes)) => event.bytes = Some(bytes.clone()),
            Content::Request { method, body } => {
                event.method = Some(method.clone());
                event.bytes = Some(body.clone());
            }
            Content::Disconnect(code) => {
                event.close = Some(EventClose { code: *code, reason: String::new() });
            }
        }
        event
    }

    /// The message of a task, with the channel to its client. It is what
    /// [`new`](Self::new) was given, but for headers that were not listed.
    ///
    /// # Errors
    /// `bad_message` for an event that is not a task, of another version, or with a header that
    /// HTTP does not allow.
    pub fn into_task(
        self,
        reply_channel: ReplyChannel,
        cancellation: Cancellation,
    ) -> Result<Message, Error> {
        let bad = |message: &'static str| Error::new(code::BAD_MESSAGE, message);
        if self.v != EVENT_VERSION {
            return Err(bad("the event has another version"));
        }
        let place = self.task.ok_or_else(|| bad("the event is not a task"))?;
        if self.file.is_some() {
            return Err(bad("the content of the event is in a file"));
        }
        let mut headers = HeaderMap::new();
        for (name, value) in self.headers {
            let name: HeaderName = name.parse().map_err(|_| bad("a header's name is wrong"))?;
            let value: HeaderValue = value.parse().map_err(|_| bad("a header's value is wrong"))?;
            headers.insert(name, value);
        }
        let content = match (self.method, self.text, self.bytes, self.close) {
            (Some(method), _, body, _) => {
                Content::Request { method, body: body.unwrap_or_default() }
            }
            (None, Some(text), ..) => Content::Receive(Payload::Text(text)),
            (None, None, Some(bytes), _) => Content::Receive(Payload::Binary(bytes)),
            (None, None, None, Some(close)) => Content::Disconnect(close.code),
            (None, None, None, None) => Content::Connect,
        };
        let task = TaskData {
            place,
            attempt: self.attempt.unwrap_or(1),
            path: self.path,
            query: self.query,
            address: self.address,
            claims: self.claims,
            headers,
            public_url: self.public_url,
            tokens: Arc::default(),
            // A client is one connection here: its other requests are not known in this process.
            connection: self.client,
        };
        let source = Source::Task(Arc::new(task));
        Ok(Message::of(reply_channel, source, self.params, content, cancellation))
    }
}

/// The listed headers, each value as text. Values that are not text, or have a token, are left out.
fn joined(
    headers: &HeaderMap,
    names: &[HeaderName],
    tokens: &[String],
) -> BTreeMap<String, String> {
    let mut joined = BTreeMap::new();
    for name in names {
        let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        let has_token = |value: &str| tokens.iter().any(|token| value.contains(&**token));
        let values: Vec<&str> = values.filter(|value| !has_token(value)).collect();
        if !values.is_empty() {
            // RFC 9113, section 8.2.3, and RFC 9110, section 5.3.
            let between = if name == COOKIE { "; " } else { ", " };
            joined.insert(name.as_str().to_owned(), values.join(between));
        }
    }
    joined
}

fn no_params() -> Params {
    Arc::from([])
}

fn is_empty(params: &Params) -> bool {
    params.is_empty()
}

fn is_empty_text(text: &Arc<str>) -> bool {
    text.is_empty()
}
