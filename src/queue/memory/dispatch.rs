//! The workers' side of a queue in memory: the next piece of work, and the end of a task.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use super::{MemoryQueue, State, now};
use crate::memory::Need;
use crate::message::{Cancellation, Message, Reason};
use crate::queue::claim::{Claim, Next};
use crate::queue::cost::Cost;
use crate::queue::running::{Over, Parked, Ready};
use crate::schedule::RunningId;

impl MemoryQueue {
    /// `estimate` is called once for a task, or once by each of several workers at the same time.
    pub(super) fn next_work(
        &self,
        estimate: impl Fn(&Message) -> Need,
        dismissed: &AtomicBool,
    ) -> Option<Next> {
        let mut state = self.lock();
        loop {
            if dismissed.load(Ordering::Relaxed) {
                // It may have been woken in place of another worker.
                self.shared.work.notify_one();
                return None;
            }
            if let Some(Ready { id, over }) = state.running.next_ready() {
                // The other workers may have been waiting only for this one.
                if state.stopped {
                    self.shared.work.notify_all();
                }
                return Some(if over { Next::Drop(id) } else { Next::Resume(id) });
            }
            if state.stopped && !state.running.any_parked() {
                return None;
            }
            let begins = !state.stopped && state.running.len() < self.rules().begun_at_most();
            if !begins {
                state = self.wait(state);
                continue;
            }
            let expired = state.schedule.expire(now());
            if !expired.is_empty() {
                let stopped = state.stop_running(&expired.running, Reason::Expired);
                drop(state);
                self.tell(stopped);
                self.answer_expired(expired.queued);
                state = self.lock();
                continue;
            }
            let Some((id, task)) = state.schedule.peek() else {
                state = self.wait(state);
                continue;
            };
            let Some(need) = &task.need else {
                // Outside of the lock, because it reads the message.
                let message = task.message.clone();
                drop(state);
                let need = estimate(&message);
                drop(message);
                state = self.lock();
                if let Some(task) = state.schedule.queued_mut(id) {
                    task.need = Some(need);
                }
                continue;
            };
            let refused = need.check(&self.shared.memory.work).err();
            let granted = need.try_take(&self.shared.memory.work);
            if refused.is_none() && granted.is_none() {
                state = self.wait_for_memory(state);
                continue;
            }
            let Some(entry) = state.schedule.begin(id) else { continue };
            let mut task = entry.payload;
            task.message.move_task(entry.offset_top);
            let cancellation = Cancellation::default();
            task.message.cancellation = cancellation.clone();
            state.running.begin(id, cancellation, task.answering(&self.shared.outcomes));
            drop(state);
            let answer = task.answering(&self.shared.outcomes);
            let claim = Claim::new(self.clone().into(), id, task, granted, answer);
            match refused {
                None => return Some(Next::Begin(claim)),
                Some(error) => claim.finish(Err(error), Duration::ZERO),
            }
            state = self.lock();
        }
    }

    /// Waits until a task of this queue is done, but only for a moment, because the tasks of other
    /// queues may free memory too.
    fn wait_for_memory<'a>(&self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        const LOOK_EVERY: Duration = Duration::from_millis(20);
        state.idle += 1;
        state.starves = true;
        let waited = self.shared.work.wait_timeout(state, LOOK_EVERY);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.idle -= 1;
        state.starves = false;
        state
    }

    fn wait<'a>(&self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        state.idle += 1;
        let mut state = self.shared.work.wait(state).unwrap_or_else(PoisonError::into_inner);
        state.idle -= 1;
        state
    }

    pub(super) fn park_task(&self, id: RunningId, cost: Cost) {
        let mut state = self.lock();
        let Parked::Over(answer) = state.running.park(id, cost) else { return };
        state.schedule.finish(id, cost.charged());
        drop(state);
        if let Some((answer, reason)) = answer {
            answer.error(reason.error());
        }
    }

    /// Wakers call this, so code under the queue's lock must not wake a task.
    pub(super) fn wake_task(&self, id: RunningId) {
        let mut state = self.lock();
        let woken = state.running.wake(id) && state.idle > 0;
        drop(state);
        if woken {
            self.shared.work.notify_one();
        }
    }

    pub(super) fn finish_task(&self, id: RunningId, cost: Duration) -> bool {
        let mut state = self.lock();
        // A task that was told to stop may already be finished; the schedule then ignores this.
        state.schedule.finish(id, cost);
        // Other workers may wait for its memory, or until one more task may be begun.
        let full = state.starves || state.running.len() >= self.rules().begun_at_most();
        let unanswered = state.running.finish(id);
        let any_idle = state.idle > 0;
        drop(state);
        if full && any_idle {
            self.shared.work.notify_one();
        }
        unanswered
    }

    /// Gives running tasks their notice of cancellation, and answers those that no worker polls.
    /// The lock must be free.
    pub(super) fn tell(&self, stopped: Stopped) {
        for over in stopped.over {
            over.answer.error(over.reason.error());
            // A worker drops the task, because the consumer's destructors may take time.
            self.shared.work.notify_one();
        }
        for cancellation in stopped.running {
            cancellation.cancel(stopped.reason);
        }
    }
}

/// Running tasks that get their notice of cancellation once the lock is free.
#[must_use]
pub(super) struct Stopped {
    reason: Reason,
    running: Vec<Cancellation>,
    over: Vec<Over>,
}

impl State {
    /// Marks these tasks as cancelled, and finishes those that no worker polls.
    pub(super) fn stop_running(&mut self, ids: &[RunningId], reason: Reason) -> Stopped {
        let mut stopped = Stopped { reason, running: Vec::new(), over: Vec::new() };
        for asked in ids.iter().filter_map(|id| self.running.tell(*id, reason)) {
            stopped.running.push(asked.cancellation);
            if let Some(over) = asked.over {
                self.schedule.finish(over.id, over.cost);
                stopped.over.push(over);
            }
        }
        stopped
    }
}
