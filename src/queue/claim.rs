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

    /// The queue's name.
    pub(crate) fn queue(&self) -> &str {
        self.queue.name()
    }

    /// Names the task.
    pub(crate) fn id(&self) -> RunningId {
        self.id
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
        let unanswered = self.queue.finish(self.id, cost);
        match result {
            _ if !unanswered => {}
            Ok(reply) => task.answering().reply(reply),
            Err(error) => task.answering().error(error),
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.end(Err(Error::failed("its worker ended")), Duration::ZERO);
    }
}
