//! The workers' side of a queue: what to do next, and what became of it.

use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use super::claim::Claim;
use super::running::{Over, Ready, Rested};
use super::task_queue::{State, TaskQueue, now};
use crate::memory::Need;
use crate::message::{Cancellation, Message, Reason};
use crate::schedule::RunningId;

/// What a worker is to do next.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "most are claims, and each is used at once")]
pub(crate) enum Next {
    /// Begin this task.
    Begin(Claim),
    /// Go on with this one, which waited.
    Resume(RunningId),
    /// Drop this one, which waited: it is answered already.
    Drop(RunningId),
}

impl TaskQueue {
    /// Waits for something to do; `None` once the queue is stopped and nothing waits that was
    /// begun. Called by worker threads.
    ///
    /// What can go on comes before what is new, and nothing new is begun while as many tasks as
    /// may be have been. The next task begins when there is memory for it, and none that is behind
    /// it begins before. `estimate` says how much memory a task needs; it is asked once for a task,
    /// or once by each of several workers at the same time.
    pub(crate) fn next(&self, estimate: impl Fn(&Message) -> Need) -> Option<Next> {
        let mut state = self.lock();
        loop {
            if let Some(Ready { id, over }) = state.running.next_ready() {
                // It may be the last one that the others stay for.
                if state.stopped {
                    self.shared.work.notify_all();
                }
                return Some(if over { Next::Drop(id) } else { Next::Resume(id) });
            }
            if state.stopped && !state.running.any_rests() {
                return None;
            }
            let begins = !state.stopped && state.running.len() < self.shared.rules.begun_at_most();
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
                // Not under the lock: it looks into the message.
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
            let cancellation = Cancellation::default();
            task.message.cancellation = cancellation.clone();
            state.running.begin(id, cancellation, task.answering(&self.shared.outcomes));
            drop(state);
            let claim = Claim::new(self.clone(), id, task, granted);
            match refused {
                None => return Some(Next::Begin(claim)),
                Some(error) => claim.finish(Err(error), Duration::ZERO),
            }
            state = self.lock();
        }
    }

    /// Waits until a task of this queue is done, but only for a moment: other queues share the
    /// memory, and may free some too.
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

    /// A task waits for something, after so much CPU time: its worker is free for another. What it
    /// is must be where any worker finds it, because one may be told to go on with it from now on.
    pub(crate) fn rest(&self, id: RunningId, cost: Duration) {
        let mut state = self.lock();
        let Rested::Over(answer) = state.running.rest(id, cost) else { return };
        state.schedule.finish(id, cost);
        drop(state);
        if let Some((answer, reason)) = answer {
            answer.error(reason.error());
        }
    }

    /// What a task waited for has come.
    ///
    /// Wakers call this, so nothing that is done under the queue's lock may wake a task.
    pub(crate) fn wake(&self, id: RunningId) {
        let mut state = self.lock();
        let woken = state.running.wake(id) && state.idle > 0;
        drop(state);
        if woken {
            self.shared.work.notify_one();
        }
    }

    /// A worker is done with a task, after so much CPU time; `true` if it is to be answered.
    pub(super) fn finish(&self, id: RunningId, cost: Duration) -> bool {
        let mut state = self.lock();
        // One that is over has been finished when it was answered, and is not known any more.
        state.schedule.finish(id, cost);
        // Others may wait for the memory that it had, or for its place among those that are begun.
        let full = state.starves || state.running.len() >= self.shared.rules.begun_at_most();
        let unanswered = state.running.finish(id);
        let any_idle = state.idle > 0;
        drop(state);
        if full && any_idle {
            self.shared.work.notify_one();
        }
        unanswered
    }

    /// Takes no more tasks and answers the queued ones; running ones go on.
    pub(crate) fn stop(&self) {
        let mut state = self.lock();
        state.stopped = true;
        let queued = state.schedule.drain();
        drop(state);
        self.shared.work.notify_all();
        self.answer_all(queued, || Reason::Restart.error());
    }

    /// Tells running tasks to stop at their next stage.
    pub(crate) fn stop_running(&self) {
        let mut state = self.lock();
        let running = state.running.ids();
        let stopped = state.stop_running(&running, Reason::Restart);
        drop(state);
        self.tell(stopped);
    }

    /// Answers the tasks that are still running: nobody waits for them any longer.
    pub(crate) fn give_up_running(&self) {
        let answers = self.lock().running.give_up();
        for answer in answers {
            answer.error(Reason::Restart.error());
        }
    }

    /// Tells running tasks, now that the lock is released, that nobody waits for them, and answers
    /// those that no worker is at.
    pub(super) fn tell(&self, stopped: Stopped) {
        for over in stopped.over {
            over.answer.error(over.reason.error());
            // Only a worker drops a task: what that does is the consumer's, and may take time.
            self.shared.work.notify_one();
        }
        for cancellation in stopped.running {
            cancellation.cancel(stopped.reason);
        }
    }
}

/// Running tasks to be told, once the lock is released, that nobody waits for them.
#[must_use]
pub(super) struct Stopped {
    reason: Reason,
    running: Vec<Cancellation>,
    over: Vec<Over>,
}

impl State {
    /// Nobody waits for these any more; those that no worker is at are finished.
    pub(super) fn stop_running(&mut self, ids: &[RunningId], reason: Reason) -> Stopped {
        let mut stopped = Stopped { reason, running: Vec::new(), over: Vec::new() };
        for told in ids.iter().filter_map(|id| self.running.tell(*id, reason)) {
            stopped.running.push(told.cancellation);
            if let Some(over) = told.over {
                self.schedule.finish(over.id, over.cost);
                stopped.over.push(over);
            }
        }
        stopped
    }
}
