//! Arguments taken from the content of a message.

use std::ops::Deref;
use std::sync::Arc;

use bytes::Bytes;
use bytestring::ByteString;
use http::{HeaderMap, Method};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{FromMessage, Given, RouteCheck};
use crate::error::{Error, code};
use crate::message::{Channel, Content, Message, Scope};
use crate::reply::Payload;

/// A text message, or a request's body that is UTF-8.
#[derive(Debug, Clone)]
pub struct Text(pub ByteString);

/// A message of bytes, or a request's body.
#[derive(Debug, Clone)]
pub struct Binary(pub Bytes);

/// A message that is JSON; as a consumer's result, a reply that is JSON.
#[derive(Debug, Clone)]
pub struct Json<T>(pub T);

/// The JSON object at the beginning of the message; the body after it is not read.
#[derive(Debug, Clone)]
pub struct Head(pub Map<String, Value>);

/// The headers of the handshake, or of the HTTP request. A task has those that `[queue.NAME] headers`
/// lists, and `accept`.
///
/// ```
/// use waterway::{Headers, Registry};
///
/// async fn language(headers: Headers) -> String {
///     let wanted = headers.get("accept-language").and_then(|value| value.to_str().ok());
///     wanted.unwrap_or("en").to_owned()
/// }
///
/// let registry = Registry::new().function("language", language);
/// ```
#[derive(Debug, Clone)]
pub struct Headers(HeadersOf);

#[derive(Debug, Clone)]
enum HeadersOf {
    Connection(Arc<Scope>),
    Task(HeaderMap),
}

/// The code with which a connection was closed, for `websocket.disconnect`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CloseCode(pub u16);

/// The events that have content.
const WITH_CONTENT: [Channel; 3] = [Channel::Receive, Channel::Request, Channel::Task];

impl FromMessage for Payload {
    fn check(route: &mut RouteCheck<'_>) {
        route.only_on(&WITH_CONTENT);
    }

    fn from_message(message: &Message, _: &Given) -> Result<Self, Error> {
        match &message.content {
            Content::Receive(payload) => Ok(payload.clone()),
            Content::Request { body, .. } => Ok(Self::Binary(body.clone())),
            Content::Connect | Content::Disconnect(_) => {
                Err(unfit(format!("{} has no content", message.channel())))
            }
        }
    }
}

impl FromMessage for Text {
    fn check(route: &mut RouteCheck<'_>) {
        Payload::check(route);
    }

    fn from_message(message: &Message, given: &Given) -> Result<Self, Error> {
        match (Payload::from_message(message, given)?, &message.content) {
            (Payload::Text(text), _) => Ok(Self(text)),
            (Payload::Binary(body), Content::Request { .. }) => ByteString::try_from(body)
                .map(Self)
                .map_err(|error| unfit("the body is not UTF-8").because(error)),
            (Payload::Binary(_), _) => Err(unfit("the consumer expects text, not bytes")),
        }
    }
}

impl FromMessage for Binary {
    fn check(route: &mut RouteCheck<'_>) {
        Payload::check(route);
    }

    fn from_message(message: &Message, given: &Given) -> Result<Self, Error> {
        match Payload::from_message(message, given)? {
            Payload::Binary(bytes) => Ok(Self(bytes)),
            Payload::Text(_) => Err(unfit("the consumer expects bytes, not text")),
        }
    }
}

impl<T: DeserializeOwned> FromMessage for Json<T> {
    fn check(route: &mut RouteCheck<'_>) {
        Payload::check(route);
    }

    fn from_message(message: &Message, given: &Given) -> Result<Self, Error> {
        let payload = Payload::from_message(message, given)?;
        // serde_json's message shows only the client's own data: the line, the column and the
        // mistake there.
        serde_json::from_slice(payload.as_bytes())
            .map(Self)
            .map_err(|error| unfit(format!("the JSON is not what the consumer expects: {error}")))
    }
}

impl<T: Serialize> Serialize for Json<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl FromMessage for Head {
    fn check(route: &mut RouteCheck<'_>) {
        Payload::check(route);
    }

    fn from_message(message: &Message, _: &Given) -> Result<Self, Error> {
        let head = message.head().cloned().map(Self);
        head.ok_or_else(|| {
            Error::new(code::BAD_HEADER, "the message does not begin with a JSON object")
        })
    }
}

impl FromMessage for Headers {
    fn from_message(message: &Message, _: &Given) -> Result<Self, Error> {
        Ok(Self(match message.scope() {
            Some(scope) => HeadersOf::Connection(Arc::clone(scope)),
            None => HeadersOf::Task(message.headers().clone()),
        }))
    }
}

impl Deref for Headers {
    type Target = HeaderMap;

    fn deref(&self) -> &HeaderMap {
        match &self.0 {
            HeadersOf::Connection(scope) => &scope.headers,
            HeadersOf::Task(headers) => headers,
        }
    }
}

/// The method of an HTTP request.
impl FromMessage for Method {
    fn check(route: &mut RouteCheck<'_>) {
        route.only_on(&[Channel::Request, Channel::Task]);
    }

    fn from_message(message: &Message, _: &Given) -> Result<Self, Error> {
        match &message.content {
            Content::Request { method, .. } => Ok(method.clone()),
            _ => Err(unfit("only http.request has a method")),
        }
    }
}

impl FromMessage for CloseCode {
    fn check(route: &mut RouteCheck<'_>) {
        route.only_on(&[Channel::Disconnect, Channel::Task]);
    }

    fn from_message(message: &Message, _: &Given) -> Result<Self, Error> {
        match message.content {
            Content::Disconnect(code) => Ok(Self(code)),
            _ => Err(unfit("only websocket.disconnect has a close code")),
        }
    }
}

fn unfit(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(code::BAD_MESSAGE, message)
}
