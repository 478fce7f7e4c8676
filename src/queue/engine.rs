//! The interface between a task queue and its engine.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::claim::Next;
use super::cost::Cost;
use super::report::QueueNumbers;
use super::rules::Rules;
use super::task::Task;
use crate::memory::Need;
use crate::message::{Message, TaskUuid};
use crate::reply::ReplyChannel;
use crate::schedule::{RunningId, Viewport};

/// Stores a queue's tasks. [`TaskQueue`](super::TaskQueue) documents each operation.
///
/// Each engine is a variant of `Kind`, so that a call allocates no future.
pub(super) trait Engine: Clone + Send + Sync + 'static {
    fn name(&self) -> &Arc<str>;

    // For consumers.

    fn push(&self, task: Task) -> impl Future<Output = bool> + Send;

    fn cancel(&self, client: &str, uuid: &TaskUuid) -> impl Future<Output = bool> + Send;

    fn reprioritise(
        &self,
        client: &str,
        uuid: &TaskUuid,
        offset_top: i64,
    ) -> impl Future<Output = bool> + Send;

    fn set_viewport(
        &self,
        client: &ReplyChannel,
        viewport: Viewport,
    ) -> impl Future<Output = ()> + Send;

    fn depth(&self) -> (usize, usize);

    fn numbers(&self) -> impl Future<Output = QueueNumbers> + Send;

    /// It does not wait, because it is called while a connection is dropped.
    fn leave(&self, client: &str);

    // For workers, which are threads and may block.

    fn next(&self, estimate: impl Fn(&Message) -> Need, dismissed: &AtomicBool) -> Option<Next>;

    fn park(&self, id: RunningId, cost: Cost);

    fn wake(&self, id: RunningId);

    fn finish(&self, id: RunningId, cost: Duration) -> bool;

    // For the service.

    fn set_rules(&self, rules: Rules);

    fn wake_workers(&self);

    fn stop(&self);

    fn stop_running(&self);

    fn give_up_running(&self);

    fn watch_deadlines(&self) -> impl Future<Output = ()> + Send;

    fn report_outcomes(&self);
}
