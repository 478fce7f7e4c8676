//! A task queue as consumers and workers use it, whatever its engine.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

#[cfg(feature = "redis")]
use futures_util::FutureExt;

use super::claim::Next;
use super::cost::Cost;
use super::engine::Engine;
use super::memory::MemoryQueue;
#[cfg(feature = "redis")]
use super::redis::{Clock, RedisQueue, Shard};
use super::report::QueueNumbers;
use super::rules::Rules;
use super::task::Task;
use crate::error::{Error, code};
use crate::extract::{FromMessage, Given, RouteCheck, lacks};
use crate::memory::{Memory, Need};
use crate::message::{Message, TaskUuid};
use crate::reply::ReplyChannel;
use crate::schedule::{RunningId, Viewport};

/// A named priority queue of tasks. Clones are the same queue.
///
/// Every task that is pushed gets exactly one terminal reply: the result of the queue's consumer,
/// or one of the errors `cancelled`, `expired`, `displaced`, `duplicate`, `refused`, `too_big`,
/// `failed`.
///
/// The engine in memory keeps the tasks in this process, and its methods complete at once.
#[derive(Clone)]
pub struct TaskQueue {
    engine: Kind,
}

/// The engine of a queue.
#[derive(Clone)]
enum Kind {
    Memory(MemoryQueue),
    #[cfg(feature = "redis")]
    Redis(RedisQueue),
}

/// Calls the engine of a queue.
macro_rules! engine {
    // The futures of Redis are large, and boxed, so that those of the memory stay small.
    ($self:ident, async $queue:ident => $call:expr) => {
        match &$self.engine {
            Kind::Memory($queue) => $call.await,
            #[cfg(feature = "redis")]
            Kind::Redis($queue) => $call.boxed().await,
        }
    };
    ($self:ident, $queue:ident => $call:expr) => {
        match &$self.engine {
            Kind::Memory($queue) => $call,
            #[cfg(feature = "redis")]
            Kind::Redis($queue) => $call,
        }
    };
}

impl TaskQueue {
    /// A queue in memory.
    pub(crate) fn new(name: impl Into<Arc<str>>, rules: Rules, memory: Memory) -> Self {
        MemoryQueue::new(name, rules, memory).into()
    }

    /// A queue in Redis. Call it within a Tokio runtime.
    #[cfg(feature = "redis")]
    pub(crate) fn in_redis(
        name: impl Into<Arc<str>>,
        rules: Rules,
        memory: Memory,
        shard: Shard,
    ) -> Self {
        RedisQueue::new(name, rules, memory, shard, Clock::default()).into()
    }

    /// The same, with a clock that a test sets.
    #[cfg(all(test, feature = "redis"))]
    pub(super) fn in_redis_at(
        name: &str,
        rules: Rules,
        memory: Memory,
        shard: Shard,
        clock: Clock,
    ) -> Self {
        RedisQueue::new(name, rules, memory, shard, clock).into()
    }

    /// Its name in `routing.toml`.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        engine!(self, queue => queue.name())
    }

    /// Pushes a task; `true` if it was queued. In either case the queue answers the task, so most
    /// consumers ignore the result.
    pub async fn push(&self, task: Task) -> bool {
        engine!(self, async queue => queue.push(task))
    }

    /// Cancels one task of a client, queued or running; `false` when none has this uuid.
    ///
    /// The task has its answer when this completes, even if a worker runs it and notices the
    /// cancellation only between two stages. The client may use the uuid again at once.
    pub async fn cancel(&self, client: &ReplyChannel, uuid: &TaskUuid) -> bool {
        self.cancel_of(client.name(), uuid).await
    }

    /// The same, for the client of this name.
    pub(crate) async fn cancel_of(&self, client: &str, uuid: &TaskUuid) -> bool {
        engine!(self, async queue => queue.cancel(client, uuid))
    }

    /// Sets the distance of a queued task from the top of the page, px; `false` when no queued task
    /// of the client has this uuid.
    pub async fn reprioritise(
        &self,
        client: &ReplyChannel,
        uuid: &TaskUuid,
        offset_top: i64,
    ) -> bool {
        engine!(self, async queue => queue.reprioritise(client.name(), uuid, offset_top))
    }

    /// Sets the part of the page that a client shows, px. From now on its tasks there run first.
    ///
    /// # Errors
    /// `bad_header` unless both numbers are finite and the height is not negative.
    pub async fn set_viewport(
        &self,
        client: &ReplyChannel,
        top: f64,
        height: f64,
    ) -> Result<(), Error> {
        let viewport = Viewport::new(top, height).ok_or_else(|| {
            let message = format!("top {top} and height {height} are not a viewport");
            Error::new(code::BAD_HEADER, message)
        })?;
        engine!(self, async queue => queue.set_viewport(client, viewport));
        Ok(())
    }

    /// The name of its engine.
    pub(crate) fn engine(&self) -> &'static str {
        match &self.engine {
            Kind::Memory(_) => "memory",
            #[cfg(feature = "redis")]
            Kind::Redis(_) => "redis",
        }
    }

    /// How many tasks are queued and how many are running, including running tasks that wait.
    #[must_use]
    pub fn depth(&self) -> (usize, usize) {
        engine!(self, queue => queue.depth())
    }

    /// Its numbers, for operators.
    pub(crate) async fn numbers(&self) -> QueueNumbers {
        engine!(self, async queue => queue.numbers())
    }

    /// A client has left.
    pub(crate) fn leave(&self, client: &str) {
        engine!(self, queue => queue.leave(client));
    }

    /// Waits for a worker's next piece of work. `None` once the worker is dismissed, or the queue
    /// is stopped and no task that was begun waits. Worker threads call it.
    ///
    /// Tasks that can go on come before new ones, and no task begins while `Rules` allows no more
    /// to be begun. The next task begins when its memory is free, and later tasks do not overtake
    /// it. `estimate` returns the memory that a task needs.
    pub(crate) fn next(
        &self,
        estimate: impl Fn(&Message) -> Need,
        dismissed: &AtomicBool,
    ) -> Option<Next> {
        engine!(self, queue => queue.next(estimate, dismissed))
    }

    /// A task waits, after it took this much CPU time. Its worker is free for another one, and any
    /// worker may go on with this one: it must be where they find it before this is called.
    pub(crate) fn park(&self, id: RunningId, cost: Cost) {
        engine!(self, queue => queue.park(id, cost));
    }

    /// A task that waits can go on. Wakers call this.
    pub(crate) fn wake(&self, id: RunningId) {
        engine!(self, queue => queue.wake(id));
    }

    /// A worker has finished a task, which took this much CPU time; `true` if the worker is to
    /// answer it.
    pub(super) fn finish(&self, id: RunningId, cost: Duration) -> bool {
        engine!(self, queue => queue.finish(id, cost))
    }

    /// Applies other rules from now on. Queued tasks keep their places, however many they are, and
    /// their deadlines; new tasks are refused until there is room for them.
    pub(crate) fn set_rules(&self, rules: Rules) {
        engine!(self, queue => queue.set_rules(rules));
    }

    /// Wakes all workers that wait, so that dismissed ones end.
    pub(crate) fn wake_workers(&self) {
        engine!(self, queue => queue.wake_workers());
    }

    /// Refuses new tasks and answers the queued ones. Running tasks go on.
    pub(crate) fn stop(&self) {
        engine!(self, queue => queue.stop());
    }

    /// Tells running tasks to stop at their next stage.
    pub(crate) fn stop_running(&self) {
        engine!(self, queue => queue.stop_running());
    }

    /// Answers the tasks that are still running, because the process ends.
    pub(crate) fn give_up_running(&self) {
        engine!(self, queue => queue.give_up_running());
    }

    /// Whether this process has answered all tasks that other processes may still run for it.
    pub(crate) fn has_answered_all(&self) -> bool {
        match &self.engine {
            Kind::Memory(_) => true,
            #[cfg(feature = "redis")]
            Kind::Redis(queue) => queue.has_answered_all(),
        }
    }

    /// Waits until the engine knows of all tasks that have ended in this process.
    pub(crate) async fn settled(&self) {
        match &self.engine {
            Kind::Memory(_) => {}
            #[cfg(feature = "redis")]
            Kind::Redis(queue) => queue.settled().boxed().await,
        }
    }

    /// Ends the tasks whose deadline has passed by a clock that a test has set.
    #[cfg(test)]
    pub(super) async fn expire_now(&self) {
        match &self.engine {
            Kind::Memory(_) => {}
            #[cfg(feature = "redis")]
            Kind::Redis(queue) => queue.expire_now().await,
        }
    }

    /// Answers each task that is not done when its deadline passes, and does whatever else the
    /// engine needs. Runs until it is dropped.
    pub(crate) async fn watch_deadlines(&self) {
        engine!(self, async queue => queue.watch_deadlines());
    }

    /// Logs at intervals how many tasks ended with errors. Runs until it is dropped.
    pub(crate) async fn report_outcomes(&self, every: Duration) {
        loop {
            tokio::time::sleep(every).await;
            self.report_outcomes_now();
        }
    }

    /// Logs how many tasks have ended with errors since the last report.
    pub(crate) fn report_outcomes_now(&self) {
        engine!(self, queue => queue.report_outcomes());
    }
}

impl From<MemoryQueue> for TaskQueue {
    fn from(queue: MemoryQueue) -> Self {
        Self { engine: Kind::Memory(queue) }
    }
}

#[cfg(feature = "redis")]
impl From<RedisQueue> for TaskQueue {
    fn from(queue: RedisQueue) -> Self {
        Self { engine: Kind::Redis(queue) }
    }
}

impl FromMessage for TaskQueue {
    fn check(route: &mut RouteCheck<'_>) {
        if route.lacks_queue() {
            let message = format!("{} pushes to a queue", route.consumer());
            route.report(message, "give the route one: queue = \"NAME\"");
        }
    }

    fn from_message(_: &Message, given: &Given) -> Result<Self, Error> {
        given.get::<Self>().cloned().ok_or_else(|| lacks("queue"))
    }
}

impl std::fmt::Debug for TaskQueue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("TaskQueue").field(self.name()).finish()
    }
}
