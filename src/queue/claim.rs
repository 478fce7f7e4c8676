//! A worker's next piece of work. A claimed task is answered once, whatever happens to the worker.

use std::time::Duration;

use super::task::{Answering, Task};
use super::task_queue::TaskQueue;
use crate::error::Error;
use crate::memory::Granted;
use crate::message::{Cancellation, Message};
use crate::reply::Reply;
use crate::schedule::RunningId;

/// A worker's next piece of work.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "most are claims, and each is used at once")]
pub(crate) enum Next {
    /// Begin this task.
    Begin(Claim),
    /// Go on with this task, which has waited.
    Resume(RunningId),
    /// Drop this task, which has waited and is answered already.
    Drop(RunningId),
}

/// A running task. Dropped unfinished, it is answered `failed`.
#[derive(Debug)]
pub(crate) struct Claim {
    queue: TaskQueue,
    id: RunningId,
    /// `None` once it has been taken.
    message: Option<Message>,
    cancellation: Cancellation,
    /// The memory that it may use until it is finished.
    granted: Option<Granted>,
    /// `None` once it is finished.
    answer: Option<Answering>,
}

impl Claim {
    pub(super) fn new(
        queue: TaskQueue,
        id: RunningId,
        task: Task,
        granted: Option<Granted>,
        answer: Answering,
    ) -> Self {
        let cancellation = task.message.cancellation.clone();
        let (message, answer) = (Some(task.message), Some(answer));
        Self { queue, id, message, cancellation, granted, answer }
    }

    /// The queue's name.
    pub(crate) fn queue(&self) -> &str {
        self.queue.name()
    }

    /// The task's id.
    pub(crate) fn id(&self) -> RunningId {
        self.id
    }

    /// The message, with the task's own notice of cancellation; `None` the second time.
    pub(crate) fn take_message(&mut self) -> Option<Message> {
        self.message.take()
    }

    /// The task's notice of cancellation.
    pub(crate) fn cancellation(&self) -> &Cancellation {
        &self.cancellation
    }

    /// The client's name.
    pub(crate) fn client(&self) -> &str {
        self.answer.as_ref().map(Answering::client).unwrap_or_default()
    }

    /// Gives the one answer. The task took this much CPU time.
    pub(crate) fn finish(mut self, result: Result<Reply, Error>, cost: Duration) {
        self.end(result, cost);
    }

    fn end(&mut self, result: Result<Reply, Error>, cost: Duration) {
        let Some(answer) = self.answer.take() else { return };
        // Free before another worker looks for it.
        self.granted = None;
        // Finished before it is answered, because the client may use the uuid again afterwards.
        let unanswered = self.queue.finish(self.id, cost);
        match result {
            _ if !unanswered => {}
            Ok(reply) => answer.reply(reply),
            Err(error) => answer.error(error),
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if self.answer.is_some() {
            self.end(Err(Error::failed("its worker ended")), Duration::ZERO);
        }
    }
}
