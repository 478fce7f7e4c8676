//! Arguments taken from what a message brings.

use std::ops::Deref;
use std::sync::Arc;

use bytes::Bytes;
use bytestring::ByteString;
use http::{HeaderMap, Method};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{Binding, FromMessage};
use crate::error::{Error, code};
use crate::message::{Channel, Content, Message, Scope};
use crate::reply::Payload;
use crate::setting::Mistake;

/// A text message, or a request's body that is UTF-8.
#[derive(Debug, Clone)]
pub struct Text(pub ByteString);

/// A message of bytes, or a request's body.
#[derive(Debug, Clone)]
pub struct Binary(pub Bytes);

/// A message that is JSON; as a consumer's result, a reply that is.
#[derive(Debug, Clone)]
pub struct Json<T>(pub T);

/// The JSON object that the message begins with; the body behind it is not read.
#[derive(Debug, Clone)]
pub struct Head(pub Map<String, Value>);

/// The headers of the handshake, or of the HTTP request.
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
pub struct Headers(Arc<Scope>);

/// The code with which a connection was closed, for `websocket.disconnect`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CloseCode(pub u16);

/// The events that bring content.
const WITH_CONTENT: [Channel; 2] = [Channel::Receive, Channel::Request];

impl FromMessage for Payload {
    fn bind(binding: &mut Binding, mistakes: &mut Vec<Mistake>) {
        binding.only_on(&WITH_CONTENT, mistakes);
    }

    fn from_message(message: &Message, _: &Binding) -> Result<Self, Error> {
        match &message.content {
            Content::Receive(payload) => Ok(payload.clone()),
            Content::Request { body, .. } => Ok(Self::Binary(body.clone())),
            Content::Connect | Content::Disconnect(_) => {
                Err(unfit(format!("{} brings no content", message.channel())))
            }
        }
    }
}

impl FromMessage for Text {
    fn bind(binding: &mut Binding, mistakes: &mut Vec<Mistake>) {
        Payload::bind(binding, mistakes);
    }

    fn from_message(message: &Message, binding: &Binding) -> Result<Self, Error> {
        match (Payload::from_message(message, binding)?, &message.content) {
            (Payload::Text(text), _) => Ok(Self(text)),
            (Payload::Binary(body), Content::Request { .. }) => ByteString::try_from(body)
                .map(Self)
                .map_err(|error| unfit("the body is not UTF-8").because(error)),
            (Payload::Binary(_), _) => Err(unfit("this takes text, not bytes")),
        }
    }
}

impl FromMessage for Binary {
    fn bind(binding: &mut Binding, mistakes: &mut Vec<Mistake>) {
        Payload::bind(binding, mistakes);
    }

    fn from_message(message: &Message, binding: &Binding) -> Result<Self, Error> {
        match Payload::from_message(message, binding)? {
            Payload::Binary(bytes) => Ok(Self(bytes)),
            Payload::Text(_) => Err(unfit("this takes bytes, not text")),
        }
    }
}

impl<T: DeserializeOwned> FromMessage for Json<T> {
    fn bind(binding: &mut Binding, mistakes: &mut Vec<Mistake>) {
        Payload::bind(binding, mistakes);
    }

    fn from_message(message: &Message, binding: &Binding) -> Result<Self, Error> {
        let payload = Payload::from_message(message, binding)?;
        // serde_json's message names the line, the column and what it takes there: the client's own.
        serde_json::from_slice(payload.as_bytes())
            .map(Self)
            .map_err(|error| unfit(format!("not the JSON that this takes: {error}")))
    }
}

impl<T: Serialize> Serialize for Json<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl FromMessage for Head {
    fn bind(binding: &mut Binding, mistakes: &mut Vec<Mistake>) {
        Payload::bind(binding, mistakes);
    }

    fn from_message(message: &Message, _: &Binding) -> Result<Self, Error> {
        let head = message.head().cloned().map(Self);
        head.ok_or_else(|| {
            Error::new(code::BAD_HEADER, "the message does not begin with a JSON object")
        })
    }
}

impl FromMessage for Headers {
    fn from_message(message: &Message, _: &Binding) -> Result<Self, Error> {
        Ok(Self(Arc::clone(&message.scope)))
    }
}

impl Deref for Headers {
    type Target = HeaderMap;

    fn deref(&self) -> &HeaderMap {
        &self.0.headers
    }
}

/// The method of an HTTP request.
impl FromMessage for Method {
    fn bind(binding: &mut Binding, mistakes: &mut Vec<Mistake>) {
        binding.only_on(&[Channel::Request], mistakes);
    }

    fn from_message(message: &Message, _: &Binding) -> Result<Self, Error> {
        match &message.content {
            Content::Request { method, .. } => Ok(method.clone()),
            _ => Err(unfit("only http.request has a method")),
        }
    }
}

impl FromMessage for CloseCode {
    fn bind(binding: &mut Binding, mistakes: &mut Vec<Mistake>) {
        binding.only_on(&[Channel::Disconnect], mistakes);
    }

    fn from_message(message: &Message, _: &Binding) -> Result<Self, Error> {
        match message.content {
            Content::Disconnect(code) => Ok(Self(code)),
            _ => Err(unfit("only websocket.disconnect brings a closing code")),
        }
    }
}

fn unfit(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(code::BAD_MESSAGE, message)
}
