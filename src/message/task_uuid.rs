//! A client's name for one of its tasks.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Number, Value};

use crate::error::{Error, code};

/// A client's name for one of its tasks: a text or a number. It is sent back unchanged.
///
/// The text `"5"` and the number `5` name the same task, because the keys of a JSON object, such as
/// those of a `reprioritise` message, are always texts.
///
/// ```
/// use waterway::TaskUuid;
///
/// let number = TaskUuid::new(5)?;
/// assert_eq!(number, TaskUuid::new("5")?);
/// assert_eq!(number.value(), 5);
/// assert!(TaskUuid::new(true).is_err());
/// # Ok::<(), waterway::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct TaskUuid {
    // Shared between the queue's entry, the running task and its answer.
    key: Arc<str>,
    is_number: bool,
}

/// The longest uuid of a task, bytes.
pub const UUID_LIMIT: usize = 256;

impl TaskUuid {
    /// The uuid that a message gives.
    ///
    /// # Errors
    /// `bad_header` when the value is neither a text nor a number, or longer than [`UUID_LIMIT`].
    pub fn new(value: impl Into<Value>) -> Result<Self, Error> {
        let (key, is_number) = match value.into() {
            Value::String(text) => (text, false),
            Value::Number(number) => (number.to_string(), true),
            _ => return Err(Error::new(code::BAD_HEADER, "uuid takes a text or a number")),
        };
        if key.len() > UUID_LIMIT {
            let message = format!("uuid takes {UUID_LIMIT} bytes at most");
            return Err(Error::new(code::BAD_HEADER, message));
        }
        Ok(Self { key: key.into(), is_number })
    }

    /// A new uuid, for a message without one.
    #[must_use]
    pub fn random() -> Self {
        Self { key: uuid::Uuid::new_v4().to_string().into(), is_number: false }
    }

    /// The uuid as received: a text or a number.
    #[must_use]
    pub fn value(&self) -> Value {
        match self.number() {
            Some(number) => Value::Number(number),
            None => Value::from(&*self.key),
        }
    }

    /// The uuid as a text, by which tasks are found.
    #[must_use]
    pub fn key(&self) -> &Arc<str> {
        &self.key
    }

    fn number(&self) -> Option<Number> {
        // The text of a number can always be parsed.
        if self.is_number { self.key.parse().ok() } else { None }
    }
}

impl JsonSchema for TaskUuid {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "TaskUuid".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A client's name for one of its tasks: a text of at most 256 bytes, or a number.",
            "type": ["string", "number"],
        })
    }
}

impl PartialEq for TaskUuid {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for TaskUuid {}

impl Hash for TaskUuid {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key.hash(state);
    }
}

impl fmt::Display for TaskUuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.key)
    }
}

impl Serialize for TaskUuid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.number() {
            Some(number) => number.serialize(serializer),
            None => serializer.serialize_str(&self.key),
        }
    }
}

impl<'de> Deserialize<'de> for TaskUuid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Self::new(value).map_err(|error| serde::de::Error::custom(error.message()))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{TaskUuid, UUID_LIMIT};

    #[test]
    fn a_uuid_is_sent_back_as_it_came_and_found_by_its_text() {
        for (value, key) in [
            (json!("a"), "a"),
            (json!(""), ""),
            (json!("5"), "5"),
            (json!(5), "5"),
            (json!(-7), "-7"),
            (json!(u64::MAX), "18446744073709551615"),
            (json!(0.5), "0.5"),
            (json!(-0.0), "-0.0"),
            (json!(1e300), "1e+300"),
        ] {
            let uuid = TaskUuid::new(value.clone()).unwrap();
            assert_eq!((&**uuid.key(), uuid.value()), (key, value.clone()));
            let text = serde_json::to_string(&uuid).unwrap();
            assert_eq!(text, value.to_string());
            let read: TaskUuid = serde_json::from_str(&text).unwrap();
            assert_eq!((read.value(), read), (value, uuid));
        }
    }

    #[test]
    fn other_values_and_long_texts_are_refused() {
        assert!(TaskUuid::new("x".repeat(UUID_LIMIT)).is_ok());
        for value in
            [Value::Null, json!(true), json!([1]), json!({}), json!("x".repeat(UUID_LIMIT + 1))]
        {
            assert_eq!(TaskUuid::new(value).unwrap_err().code(), "bad_header");
        }
    }
}
