//! The outcome of the work on a picture.

use bytes::Bytes;
use imaging::Format;
use serde_json::{Map, Value};

/// The outcome of the work on a picture. Equal pictures of several clients may share it, so it does
/// not depend on a client.
#[derive(Debug, Clone, PartialEq)]
pub struct Worked {
    /// The fields that steps such as `info` made.
    pub fields: Map<String, Value>,
    /// The name of the stored result. `None` if the fields alone are the result.
    pub name: Option<String>,
    /// The result itself, if it is a picture and the client asked for it inline.
    pub picture: Option<Encoded>,
    /// Whether the file was cut short.
    pub truncated: bool,
}

impl Worked {
    /// The memory that it takes in addition to the value itself, in bytes.
    pub(super) fn bytes(&self) -> u64 {
        let fields: usize = self.fields.iter().map(|(name, value)| member(name, value)).sum();
        let name = self.name.as_ref().map_or(0, String::len);
        let picture = self.picture.as_ref().map_or(0, |picture| picture.bytes.len());
        (fields + name + picture) as u64
    }
}

/// The memory of a member of a JSON object: its name, its value and its hash.
fn member(name: &str, value: &Value) -> usize {
    name.len() + size_of::<(String, Value, u64)>() + within(value)
}

/// The memory of a JSON value in addition to the value itself.
fn within(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => text.len(),
        Value::Array(values) => values.iter().map(|value| size_of::<Value>() + within(value)).sum(),
        Value::Object(members) => members.iter().map(|(name, value)| member(name, value)).sum(),
    }
}

/// A picture as a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// Its format.
    pub format: Format,
    /// Its bytes.
    pub bytes: Bytes,
}
