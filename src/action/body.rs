//! The content of an action: a text, JSON or bytes.

use bytes::Bytes;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::base64;
use crate::error::Error;
use crate::reply::{Payload, Reply};

/// A text, JSON or bytes. As JSON it is an object of one key: `{"text": "hi"}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Body {
    /// A text.
    Text(String),
    /// A value, which is sent as text with the spacing of Python's `json.dumps`.
    Json(Value),
    /// Bytes, in base64.
    Bytes(
        #[serde(with = "base64")]
        #[schemars(with = "String")]
        Bytes,
    ),
}

impl Body {
    /// The one body that an action has, if it has one.
    ///
    /// # Errors
    /// If it has several.
    pub(super) fn one_of(
        text: Option<&String>,
        json: Option<&Value>,
        bytes: Option<&Bytes>,
    ) -> Result<Option<Self>, &'static str> {
        match (text, json, bytes) {
            (None, None, None) => Ok(None),
            (Some(text), None, None) => Ok(Some(Self::Text(text.clone()))),
            (None, Some(json), None) => Ok(Some(Self::Json(json.clone()))),
            (None, None, Some(bytes)) => Ok(Some(Self::Bytes(bytes.clone()))),
            _ => Err("give one of \"text\", \"json\" and \"bytes\", and not several"),
        }
    }

    /// The reply with this content; JSON has its type in an HTTP response.
    pub(super) fn into_reply(self) -> Result<Reply, Error> {
        match self {
            Self::Text(text) => Ok(Reply::text(text)),
            Self::Json(value) => Reply::json(&value),
            Self::Bytes(bytes) => Ok(Reply::bytes(bytes)),
        }
    }

    /// The content of a message.
    pub(super) fn into_payload(self) -> Payload {
        match self {
            Self::Text(text) => text.into(),
            Self::Json(value) => value.to_string().into(),
            Self::Bytes(bytes) => bytes.into(),
        }
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Body {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<Value> for Body {
    fn from(value: Value) -> Self {
        Self::Json(value)
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self::Bytes(bytes)
    }
}

/// Reads a field that is there: null is a value, and not an absent field.
pub(super) fn present<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}
