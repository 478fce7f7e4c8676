//! The header before a picture: its uuid, its position on the page and the work to do.

use std::sync::Arc;

use serde_json::{Map, Value};
use waterway::{Error, code};

use crate::push::value::{key, number, pixels};

#[cfg(test)]
mod tests;

/// The longest uuid, in bytes: it is kept as long as its task.
pub const UUID_MAX: usize = 256;
/// The pipeline of a header that names none.
pub const DEFAULT_RESULT: &str = "rl";

/// A client's wishes for one picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Header {
    /// Names the picture in the reply, unchanged: a string or a number.
    pub uuid: Value,
    /// The picture's position on the page, px from the top.
    pub offset_top: i64,
    /// The factor for both sides: finite and above zero.
    pub zoom: f64,
    /// Which pipeline: a key of [`Pictures::results`](super::Pictures::results).
    pub result: Arc<str>,
    /// How the result is returned.
    pub response: Response,
    /// The picture's height on the page, px; not negative.
    pub height: i64,
    /// Whether the client wants progress messages.
    pub progress: bool,
}

/// How a result is returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Response {
    /// As an address from which it can be fetched.
    #[default]
    Url,
    /// In the answer itself.
    Inline,
}

impl Header {
    /// Reads the JSON object of a message's head. Unknown fields are ignored.
    ///
    /// # Errors
    /// `bad_header`, with the `uuid` where it is known.
    pub fn parse(head: &str) -> Result<Self, Error> {
        let fields: Map<String, Value> = serde_json::from_str(head).map_err(|error| {
            Error::new(code::BAD_HEADER, "the header is not a JSON object").because(error)
        })?;
        Self::from_object(&fields)
    }

    /// From an object that was read already: like [`parse`](Self::parse).
    ///
    /// # Errors
    /// `bad_header`, with the `uuid` where it is known.
    pub fn from_object(fields: &Map<String, Value>) -> Result<Self, Error> {
        let Some(uuid) = fields.get("uuid") else {
            return Err(Error::new(code::BAD_HEADER, "the header has no field \"uuid\""));
        };
        check_uuid(uuid)?;
        Self::from_fields(uuid, fields)
    }

    /// Reads the parameters of a query, `zoom=0.5&rType=rl`, decoded. Of equal names the last
    /// counts, as in JSON. If the query names no picture, `otherwise` names it.
    ///
    /// # Errors
    /// `bad_header`, with the `uuid` where it is known.
    pub fn from_query<N, V>(
        pairs: impl IntoIterator<Item = (N, V)>,
        otherwise: impl FnOnce() -> String,
    ) -> Result<Self, Error>
    where
        N: Into<String>,
        V: Into<String>,
    {
        let fields: Map<String, Value> = pairs
            .into_iter()
            .map(|(name, value)| (name.into(), Value::String(value.into())))
            .collect();
        let uuid = match fields.get("uuid") {
            Some(uuid) => uuid.clone(),
            None => Value::String(otherwise()),
        };
        check_uuid(&uuid)?;
        Self::from_fields(&uuid, &fields)
    }

    /// The key by which the picture is found: the uuid's text, so that `5` and `"5"` name the same
    /// picture.
    #[must_use]
    pub fn key(&self) -> String {
        key(&self.uuid).unwrap_or_default().into_owned()
    }

    fn from_fields(uuid: &Value, fields: &Map<String, Value>) -> Result<Self, Error> {
        let read = || {
            Ok(Self {
                uuid: uuid.clone(),
                offset_top: field(fields, "offset_top", "a number", pixels)?.unwrap_or(0),
                zoom: field(fields, "zoom", "a number above 0", factor)?.unwrap_or(1.0),
                result: field(fields, "rType", "a string", text)?
                    .unwrap_or_else(|| DEFAULT_RESULT.into()),
                response: fields.get("responseType").map_or(Response::Url, response),
                height: field(fields, "height", "a number from 0", height)?.unwrap_or(0),
                progress: field(fields, "progress", "true or false", flag)?.unwrap_or(false),
            })
        };
        read().map_err(|error: Error| error.with("uuid", uuid.clone()))
    }
}

/// Whether a picture may have this uuid.
pub(super) fn is_uuid(uuid: &Value) -> bool {
    key(uuid).is_some_and(|key| (1..=UUID_MAX).contains(&key.len()))
}

fn check_uuid(uuid: &Value) -> Result<(), Error> {
    if is_uuid(uuid) {
        return Ok(());
    }
    Err(refused("uuid", uuid, "a string of 1 to 256 bytes or a number"))
}

/// One field, if it is present, converted by `take`.
fn field<T>(
    fields: &Map<String, Value>,
    name: &str,
    takes: &str,
    take: impl FnOnce(&Value) -> Option<T>,
) -> Result<Option<T>, Error> {
    match fields.get(name) {
        None => Ok(None),
        Some(value) => take(value).map(Some).ok_or_else(|| refused(name, value, takes)),
    }
}

/// A long value is cut, so that an answer does not repeat a client's whole message.
fn refused(name: &str, value: &Value, takes: &str) -> Error {
    const SHOWN: usize = 64;
    let mut shown = value.to_string();
    if let Some((end, _)) = shown.char_indices().nth(SHOWN) {
        shown.truncate(end);
        shown.push('…');
    }
    Error::new(code::BAD_HEADER, format!("the header's {name:?} takes {takes}, and is {shown}"))
}

fn height(value: &Value) -> Option<i64> {
    pixels(value).filter(|&height| height >= 0)
}

fn factor(value: &Value) -> Option<f64> {
    number(value).filter(|&factor| factor > 0.0)
}

fn text(value: &Value) -> Option<Arc<str>> {
    value.as_str().map(Arc::from)
}

fn response(value: &Value) -> Response {
    if value == "url" { Response::Url } else { Response::Inline }
}

fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::Number(number) if number.as_u64() == Some(1) => Some(true),
        Value::Number(number) if number.as_u64() == Some(0) => Some(false),
        Value::String(text) => match text.as_str() {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        },
        _ => None,
    }
}
