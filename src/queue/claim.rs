//! A task that a worker has taken: it is answered once, whatever happens to the worker.

use std::time::Duration;

use super::task::Task;
use super::task_queue::TaskQueue;
use crate::error::Error;
use crate::message::Message;
use crate::reply::Reply;
use crate::schedule::RunningId;

/// A running task. Dropped unfinished, it is answered `failed`.
#[derive(Debug)]
pub(crate) struct Claim {
    queue: TaskQueue,
    id: RunningId,
    /// `None` once it is finished.
    task: Option<Task>,
}

impl Claim {
    pub(super) fn new(queue: TaskQueue, id: RunningId, task: Task) -> Self {
        Self { queue, id, task: Some(task) }
    }

    /// The message, with the task's own notice of cancellation in it.
    pub(crate) fn message(&self) -> Option<&Message> {
        self.task.as_ref().map(|task| &task.message)
    }

    /// The one answer, after so much CPU time.
    pub(crate) fn finish(mut self, result: Result<Reply, Error>, cost: Duration) {
        self.end(result, cost);
    }

    fn end(&mut self, result: Result<Reply, Error>, cost: Duration) {
        let Some(task) = self.task.take() else { return };
        // Finished before it is answered: a client may use the uuid again once it has the answer.
        self.queue.finish(self.id, cost);
        match result {
            // A consumer that says nothing has still done the task, and its client is told.
            Ok(reply) if reply.is_empty() => task.answer(done(&task)),
            Ok(reply) => task.answer(reply),
            Err(error) => task.answer_error(error),
        }
    }
}

fn done(task: &Task) -> Reply {
    // A name that came as JSON goes as JSON.
    Reply::json(&serde_json::json!({"uuid": task.uuid.value()})).unwrap_or_default()
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.end(Err(Error::failed("its worker ended")), Duration::ZERO);
    }
}
