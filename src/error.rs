//! What can go wrong in a consumer, and how much of it a client is told.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;

use serde_json::{Map, Value};

/// The codes that the framework itself answers with; a consumer may use its own beside them.
///
/// Every error reaches its client as `{"error": <message>, "code": <code>, …}`.
pub mod code {
    /// The token is missing, wrong or expired.
    pub const AUTH: &str = "auth";
    /// The message's head is not what its consumer takes.
    pub const BAD_HEADER: &str = "bad_header";
    /// The message as a whole is not what its consumer takes.
    pub const BAD_MESSAGE: &str = "bad_message";
    /// The task was cancelled: by its client, or by its client's leaving.
    pub const CANCELLED: &str = "cancelled";
    /// The task's place was given to one that is nearer to what its reader sees.
    pub const DISPLACED: &str = "displaced";
    /// A task of this client with this uuid is queued or running already.
    pub const DUPLICATE: &str = "duplicate";
    /// The task was not done before its deadline.
    pub const EXPIRED: &str = "expired";
    /// The consumer failed; the log says why.
    pub const FAILED: &str = "failed";
    /// The client has left; there is nobody to answer.
    pub const GONE: &str = "gone";
    /// There is nothing at this place.
    pub const NOT_FOUND: &str = "not_found";
    /// The client sends more often than its route allows.
    pub const RATE: &str = "rate";
    /// There is no room, or the service restarts; try again after `retry_after_ms`.
    pub const REFUSED: &str = "refused";
    /// The disk did not take the file.
    pub const STORAGE: &str = "storage";
    /// The message is larger than its route allows or its queue can ever hold. Trying again does
    /// not help.
    pub const TOO_BIG: &str = "too_big";
}

/// What a consumer returns when it cannot do its work.
///
/// The code, the message and the fields go to the client; the source goes to the log alone.
/// Any [`std::error::Error`] becomes one by `?`, and tells the client no more than
/// `{"error": "the consumer failed", "code": "failed"}`.
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
    // Boxed, because an error is moved through every consumer's result.
    fields: Option<Box<Map<String, Value>>>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error with a code that a program can act on and a message that a person can read.
    pub fn new(code: impl Into<Cow<'static, str>>, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code: code.into(), message: message.into(), fields: None, source: None }
    }

    /// The client has left; nothing can be sent to it any more.
    #[must_use]
    pub fn gone() -> Self {
        Self::new(code::GONE, "the client has left")
    }

    /// The consumer failed: the client is told that, the log is told why.
    pub fn failed(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::new(code::FAILED, "the consumer failed").because(source)
    }

    /// The cause, for the log alone.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// One more field of the answer, such as `uuid` or `retry_after_ms`.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.fields.get_or_insert_default().insert(name.to_owned(), value.into());
        self
    }

    /// What a program can act on.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.code
    }

    /// What a person can read.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// A field set by [`with`](Self::with).
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Value> {
        self.fields.as_ref()?.get(name)
    }

    /// The cause, for the log alone.
    #[must_use]
    pub fn source(&self) -> Option<&(dyn StdError + Send + Sync + 'static)> {
        self.source.as_deref()
    }

    /// What the client is told.
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

/// The whole of it, causes included: for the log, never for a client.
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

// Not an `std::error::Error` itself, or this conversion would overlap with `From<T> for T`.
impl<E: StdError + Send + Sync + 'static> From<E> for Error {
    fn from(error: E) -> Self {
        Self::failed(error)
    }
}
