//! Errors of consumers: the part for the client, and the cause for the log.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;

use serde_json::{Map, Value};

/// The error codes of the framework; a consumer may also use codes of its own.
///
/// Every error reaches its client as `{"error": <message>, "code": <code>, …}`.
pub mod code {
    /// The token is missing, wrong or expired.
    pub const AUTH: &str = "auth";
    /// The message's head does not have the form that its consumer expects.
    pub const BAD_HEADER: &str = "bad_header";
    /// The message as a whole does not have the form that its consumer expects.
    pub const BAD_MESSAGE: &str = "bad_message";
    /// The task was cancelled, either by its client or because the client left.
    pub const CANCELLED: &str = "cancelled";
    /// The queue was full, and another task took this task's place.
    pub const DISPLACED: &str = "displaced";
    /// A task of this client with the same uuid is already queued or running.
    pub const DUPLICATE: &str = "duplicate";
    /// The task was not done before its deadline.
    pub const EXPIRED: &str = "expired";
    /// The consumer failed; the log has the cause.
    pub const FAILED: &str = "failed";
    /// The client may not do this.
    pub const FORBIDDEN: &str = "forbidden";
    /// The client has left, so it cannot be answered.
    pub const GONE: &str = "gone";
    /// Nothing exists at this path.
    pub const NOT_FOUND: &str = "not_found";
    /// The client sends more messages than its route's rate allows.
    pub const RATE: &str = "rate";
    /// The service is full or restarts; the client may try again after `retry_after_ms`.
    pub const REFUSED: &str = "refused";
    /// The file could not be stored.
    pub const STORAGE: &str = "storage";
    /// The message is larger than its route allows or than its queue can ever hold. Trying again
    /// does not help.
    pub const TOO_BIG: &str = "too_big";
}

/// The error that a consumer returns when it cannot do its work.
///
/// The client gets the code, the message and the fields; only the log gets the source. `?` turns
/// any [`std::error::Error`] into one; the client then gets only `{"error": "the consumer failed",
/// "code": "failed"}`.
///
/// ```
/// use waterway::Error;
///
/// let error = Error::new("no_such_room", "there is no room \"attic\"").with("room", "attic");
/// assert_eq!(
///     error.to_json().to_string(),
///     r#"{"error":"there is no room \"attic\"","code":"no_such_room","room":"attic"}"#,
/// );
/// ```
#[derive(Debug)]
pub struct Error {
    code: Cow<'static, str>,
    message: Cow<'static, str>,
    // Boxed to keep `Result`s small, because every consumer returns one.
    fields: Option<Box<Map<String, Value>>>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error with a code for programs and a message for people.
    pub fn new(code: impl Into<Cow<'static, str>>, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code: code.into(), message: message.into(), fields: None, source: None }
    }

    /// The client has left; nothing can be sent to it any more.
    #[must_use]
    pub fn gone() -> Self {
        Self::new(code::GONE, "the client has left")
    }

    /// The consumer failed: the client learns only that, the log also gets the cause.
    pub fn failed(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::new(code::FAILED, "the consumer failed").because(source)
    }

    /// Sets the cause, which only the log shows.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Adds a field to the answer, such as `uuid` or `retry_after_ms`.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.fields.get_or_insert_default().insert(name.to_owned(), value.into());
        self
    }

    /// The code, for programs.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.code
    }

    /// The message, for people.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// A field set by [`with`](Self::with).
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Value> {
        self.fields.as_ref()?.get(name)
    }

    /// The cause, which only the log shows.
    #[must_use]
    pub fn source(&self) -> Option<&(dyn StdError + Send + Sync + 'static)> {
        self.source.as_deref()
    }

    /// The JSON that the client gets.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut object = Map::new();
        object.insert("error".into(), Value::from(self.message.as_ref()));
        object.insert("code".into(), Value::from(self.code.as_ref()));
        if let Some(fields) = &self.fields {
            object.extend(fields.iter().map(|(name, value)| (name.clone(), value.clone())));
        }
        Value::Object(object)
    }
}

/// The whole error with its causes: for the log, never for a client.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.code)?;
        let mut cause = self.source.as_deref().map(|source| source as &dyn StdError);
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

// `Error` is not a `std::error::Error`, because this conversion would then overlap with `From<T>
// for T`.
impl<E: StdError + Send + Sync + 'static> From<E> for Error {
    fn from(error: E) -> Self {
        Self::failed(error)
    }
}
