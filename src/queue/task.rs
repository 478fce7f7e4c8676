//! A task: a message that waits for a worker.

use std::fmt;
use std::sync::Arc;

use super::outcomes::Outcomes;
use crate::error::Error;
use crate::memory::Need;
use crate::message::{Message, TaskPlace, TaskUuid};
use crate::reply::{Reply, ReplyChannel};

/// A message that waits for a worker. Its client and its uuid identify it.
#[derive(Debug, Clone)]
pub struct Task {
    /// The client's name for it.
    pub uuid: TaskUuid,
    /// Its distance from the top of the page, px.
    pub offset_top: i64,
    /// Its height on the page, px: a task that reaches into the viewport is visible.
    pub height: i64,
    /// Whether the queue tells the client that the task is queued.
    pub progress: bool,
    /// The message.
    pub message: Message,
    /// The memory that a worker needs for it, once that has been estimated.
    pub(super) need: Option<Need>,
}

/// The client of a task, for the one answer. Answering uses it up.
#[derive(Debug)]
pub(super) struct Answering {
    uuid: TaskUuid,
    client: To,
    outcomes: Arc<Outcomes>,
}

/// Where the answer goes.
enum To {
    /// To a client of this process.
    Client(ReplyChannel),
    /// To the process of the client of this name.
    #[cfg(feature = "redis")]
    Elsewhere(Arc<str>, Arc<Elsewhere>),
}

/// Takes an answer for another process.
#[cfg(feature = "redis")]
pub(super) type Elsewhere = dyn Fn(Result<Reply, Error>) + Send + Sync;

/// How many bytes a task counts in addition to its message's content, so that `max_bytes` bounds
/// tiny messages too.
pub(crate) const TASK_OVERHEAD: usize = 512;

impl Task {
    /// A task at the top of the page.
    #[must_use]
    pub fn new(uuid: TaskUuid, message: Message) -> Self {
        Self { uuid, offset_top: 0, height: 0, progress: false, message, need: None }
    }

    /// Sets its distance from the top of the page and its height there, px.
    #[must_use]
    pub fn at(mut self, offset_top: i64, height: i64) -> Self {
        self.offset_top = offset_top;
        self.height = height;
        self
    }

    /// Sets whether the queue tells the client that the task is queued.
    #[must_use]
    pub fn with_progress(mut self, progress: bool) -> Self {
        self.progress = progress;
        self
    }

    /// Its place in the queue of this name.
    pub(super) fn place(&self, queue: &Arc<str>) -> TaskPlace {
        let (uuid, queue) = (self.uuid.clone(), Arc::clone(queue));
        TaskPlace { uuid, queue, offset_top: self.offset_top, height: self.height }
    }

    /// How many bytes it counts in the queue.
    pub(super) fn bytes(&self) -> usize {
        self.message.size().saturating_add(TASK_OVERHEAD)
    }

    /// The data that its one terminal reply needs. `outcomes` counts that reply.
    pub(super) fn answering(&self, outcomes: &Arc<Outcomes>) -> Answering {
        let client = To::Client(self.message.reply_channel.clone());
        Answering { uuid: self.uuid.clone(), client, outcomes: Arc::clone(outcomes) }
    }
}

impl Answering {
    /// The data for the reply to a task of another process.
    #[cfg(feature = "redis")]
    pub(super) fn elsewhere(task: &Task, to: Arc<Elsewhere>, outcomes: &Arc<Outcomes>) -> Self {
        let client = To::Elsewhere(Arc::clone(task.message.reply_channel.name()), to);
        Self { uuid: task.uuid.clone(), client, outcomes: Arc::clone(outcomes) }
    }

    /// The client's name.
    pub(super) fn client(&self) -> &str {
        match &self.client {
            To::Client(client) => client.name(),
            #[cfg(feature = "redis")]
            To::Elsewhere(name, _) => name,
        }
    }

    /// Sends the one terminal reply. A client that has left does not receive it.
    pub(super) fn reply(self, reply: Reply) {
        // A consumer that returns nothing has still done the task, and the client must be told.
        let reply = if reply.is_empty() { self.done() } else { reply };
        let answered = match &self.client {
            To::Client(client) => client.answer(reply),
            #[cfg(feature = "redis")]
            To::Elsewhere(_, send) => {
                send(Ok(reply));
                Ok(())
            }
        };
        match answered {
            Ok(()) => self.outcomes.count(None),
            Err(error) => self.error(error),
        }
    }

    /// Sends an error as the one terminal reply.
    pub(super) fn error(self, error: Error) {
        self.outcomes.count(Some(error.code()));
        let error = match error.field("uuid") {
            Some(_) => error,
            None => error.with("uuid", self.uuid.value()),
        };
        match &self.client {
            To::Client(client) => {
                client.try_send(Reply::error(&error));
            }
            #[cfg(feature = "redis")]
            To::Elsewhere(_, send) => send(Err(error)),
        }
    }

    fn done(&self) -> Reply {
        // A uuid always has a JSON text.
        Reply::json(&serde_json::json!({"uuid": self.uuid})).unwrap_or_default()
    }
}

impl fmt::Debug for To {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Client(client) => client.fmt(f),
            #[cfg(feature = "redis")]
            Self::Elsewhere(name, _) => f.debug_tuple("Elsewhere").field(name).finish(),
        }
    }
}
