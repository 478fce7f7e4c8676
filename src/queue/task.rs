//! A task: a message put aside.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::outcomes::Outcomes;
use crate::error::{Error, code};
use crate::memory::Need;
use crate::message::Message;
use crate::reply::{Reply, ReplyChannel};

/// A message put aside to be worked on in its turn. Its identity is its client and its uuid.
#[derive(Debug, Clone)]
pub struct Task {
    /// What its client calls it.
    pub uuid: TaskUuid,
    /// Where on the page it stands, px from the top.
    pub offset_top: i64,
    /// How high it is there, px: a picture that reaches into the viewport is seen.
    pub height: i64,
    /// Whether its client wants to know that it is queued.
    pub progress: bool,
    /// The message.
    pub message: Message,
    /// How much memory it takes to work on it, once that has been estimated.
    pub(super) need: Option<Need>,
}

/// What a client calls a task: a text or a number, returned as it came.
///
/// The text `"5"` and the number `5` are the same name, because the keys of a JSON object, by
/// which offsets are changed, are always texts.
#[derive(Debug, Clone)]
pub struct TaskUuid {
    // Shared: a task is named where it waits, where it runs and where it is answered.
    value: Arc<Value>,
    key: Arc<str>,
}

/// How many bytes of a task's name are taken.
pub const UUID_LIMIT: usize = 256;

/// Who is to be told what became of a task. It is used up by telling.
#[derive(Debug)]
pub(super) struct Answering {
    uuid: TaskUuid,
    client: ReplyChannel,
    outcomes: Arc<Outcomes>,
}

impl TaskUuid {
    /// A name out of a message.
    ///
    /// # Errors
    /// `bad_header` when it is neither a text nor a number, or longer than [`UUID_LIMIT`].
    pub fn new(value: Value) -> Result<Self, Error> {
        let key: Arc<str> = match &value {
            Value::String(text) => Arc::from(text.as_str()),
            Value::Number(number) => Arc::from(number.to_string()),
            _ => return Err(Error::new(code::BAD_HEADER, "uuid takes a text or a number")),
        };
        if key.len() > UUID_LIMIT {
            let message = format!("uuid takes {UUID_LIMIT} bytes at most");
            return Err(Error::new(code::BAD_HEADER, message));
        }
        Ok(Self { value: Arc::new(value), key })
    }

    /// A new name, for a message that came without one.
    #[must_use]
    pub fn random() -> Self {
        let key = uuid::Uuid::new_v4().to_string();
        Self { value: Arc::new(Value::from(key.as_str())), key: key.into() }
    }

    /// As it came.
    #[must_use]
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// As a text.
    #[must_use]
    pub fn key(&self) -> &Arc<str> {
        &self.key
    }
}

impl PartialEq for TaskUuid {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for TaskUuid {}

impl Serialize for TaskUuid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for TaskUuid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Self::new(value).map_err(|error| serde::de::Error::custom(error.message()))
    }
}

impl Task {
    /// A task at the top of the page.
    #[must_use]
    pub fn new(uuid: TaskUuid, message: Message) -> Self {
        Self { uuid, offset_top: 0, height: 0, progress: false, message, need: None }
    }

    /// Sets where on the page it stands and how high it is there, px.
    #[must_use]
    pub fn at(mut self, offset_top: i64, height: i64) -> Self {
        self.offset_top = offset_top;
        self.height = height;
        self
    }

    /// Sets whether its client wants to know that it is queued.
    #[must_use]
    pub fn with_progress(mut self, progress: bool) -> Self {
        self.progress = progress;
        self
    }

    /// Gives its one terminal reply. `outcomes` counts it.
    pub(super) fn answering(&self, outcomes: &Arc<Outcomes>) -> Answering {
        let (uuid, client) = (self.uuid.clone(), self.message.reply_channel.clone());
        Answering { uuid, client, outcomes: Arc::clone(outcomes) }
    }
}

impl Answering {
    /// The client's name.
    pub(super) fn client(&self) -> &str {
        self.client.name()
    }

    /// The one terminal reply. A client that has left does not hear it.
    pub(super) fn reply(self, reply: Reply) {
        // A consumer that says nothing has still done the task, and its client is told.
        let reply = if reply.is_empty() { self.done() } else { reply };
        match self.client.answer(reply) {
            Ok(()) => self.outcomes.count(None),
            Err(error) => self.error(error),
        }
    }

    /// The one terminal reply, when it is an error.
    pub(super) fn error(self, error: Error) {
        self.outcomes.count(Some(error.code()));
        let error = match error.field("uuid") {
            Some(_) => error,
            None => error.with("uuid", self.uuid.value().clone()),
        };
        let _ = self.client.try_send(Reply::error(&error));
    }

    fn done(&self) -> Reply {
        // A name that came as JSON goes as JSON.
        Reply::json(&serde_json::json!({"uuid": self.uuid})).unwrap_or_default()
    }
}
