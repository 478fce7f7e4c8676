//! The task queue: the schedule behind its lock, and the answers to every task.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::sync::Notify;

use super::outcomes::Outcomes;
use super::rules::{OnDisconnect, Rules};
use super::running::Running;
use super::task::Task;
use crate::error::{Error, code};
use crate::extract::{Binding, FromMessage, lacks};
use crate::memory::Memory;
use crate::message::{Message, Reason};
use crate::reply::{Reply, ReplyChannel};
use crate::schedule::{Cancelled, Depth, Entry, Push, Schedule, Viewport};
use crate::setting::Mistake;

/// A named priority queue of tasks; clones are the same queue.
///
/// Every task that is pushed gets exactly one terminal reply: what its consumer returns, or one of
/// the errors `cancelled`, `expired`, `displaced`, `duplicate`, `refused`, `too_big`, `failed`.
#[derive(Clone)]
pub struct TaskQueue {
    pub(super) shared: Arc<Shared>,
}

pub(super) struct Shared {
    name: Arc<str>,
    pub(super) rules: Rules,
    pub(super) memory: Memory,
    // `std`'s mutex: nothing awaits under it, no task is copied, freed or woken under it, and
    // workers, which are threads, wait on the condition.
    state: Mutex<State>,
    pub(super) work: Condvar,
    deadlines: Notify,
    pub(super) outcomes: Arc<Outcomes>,
}

pub(super) struct State {
    pub(super) schedule: Schedule<Task>,
    pub(super) running: Running,
    /// How many workers wait for something to do: where none does, none is to be woken, which asks
    /// the system even so.
    pub(super) idle: usize,
    /// Whether the next task waits for memory.
    pub(super) starves: bool,
    pub(super) stopped: bool,
}

impl TaskQueue {
    pub(crate) fn new(name: impl Into<Arc<str>>, rules: Rules, memory: Memory) -> Self {
        let schedule = Schedule::new(rules.bounds);
        let running = Running::default();
        let state =
            Mutex::new(State { schedule, running, idle: 0, starves: false, stopped: false });
        let (work, deadlines) = (Condvar::new(), Notify::new());
        let (name, outcomes) = (name.into(), Arc::default());
        let shared = Shared { name, rules, memory, state, work, deadlines, outcomes };
        Self { shared: Arc::new(shared) }
    }

    /// Its name in `routing.toml`.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.shared.name
    }

    /// Puts a task aside. Whatever becomes of it, the queue answers it; `true` if it was queued.
    #[allow(clippy::must_use_candidate, reason = "most consumers leave the rest to the queue")]
    pub fn push(&self, task: Task) -> bool {
        let now = now();
        let mut entry = self.entry(task);
        if !entry.payload.message.is_held() {
            let Some(held) = self.shared.memory.transit.hold(entry.bytes) else {
                let wait = self.wait_until_room(&self.lock());
                let error = Error::new(code::REFUSED, "no memory is free for the task");
                entry
                    .payload
                    .answering(&self.shared.outcomes)
                    .error(error.with("retry_after_ms", wait));
                return false;
            };
            entry.payload.message.hold(Some(held));
        }
        let mut state = self.lock();
        // Asked under the lock: a client's leaving gives the notice first and then takes its tasks.
        let left = self.shared.rules.on_disconnect == OnDisconnect::Cancel
            && entry.payload.message.cancellation.is_cancelled();
        if left || state.stopped {
            drop(state);
            let reason = if left { Reason::Cancelled } else { Reason::Restart };
            entry.payload.answering(&self.shared.outcomes).error(reason.error());
            return false;
        }
        let expired = state.schedule.expire(now);
        let stopped = state.stop_running(&expired.running, Reason::Expired);
        let first = state.schedule.next_deadline().is_none();
        let announce = entry.payload.progress.then(|| entry.payload.message.reply_channel.clone());
        let (client, uuid) = (Arc::clone(&entry.client), entry.payload.uuid.clone());
        let pushed = state.schedule.push(entry, now);
        let queued = matches!(pushed, Push::Accepted { .. });
        let mut displaced_replies = Vec::new();
        // Sent before a worker can see the task, so that "queued" never comes after "working".
        if let (true, Some(channel)) = (queued, announce) {
            let position = state.schedule.position(&client, uuid.key());
            let frame = json!({"uuid": uuid.value(), "progress": "queued", "position": position});
            if let Ok(reply) = Reply::json(&frame) {
                channel.offer(reply, &mut displaced_replies);
            }
        }
        let wait = self.wait_until_room(&state);
        let any_idle = state.idle > 0;
        drop(state);
        drop(displaced_replies);
        self.tell(stopped);
        if any_idle {
            self.shared.work.notify_one();
        }
        // Deadlines are in the order of arrival, so only the first one changes what is waited for.
        if first {
            self.shared.deadlines.notify_one();
        }
        self.answer_expired(expired.queued);
        match pushed {
            Push::Accepted { displaced } => {
                let error = || Error::new(code::DISPLACED, "nearer pictures took its place");
                self.answer_all(displaced, || error().with("retry_after_ms", wait));
            }
            Push::Duplicate(entry) => {
                let error = Error::new(code::DUPLICATE, "queued or running already");
                entry.payload.answering(&self.shared.outcomes).error(error);
            }
            Push::TooLarge(entry) => {
                let most = self.shared.rules.bounds.largest().saturating_sub(TASK_OVERHEAD);
                let size = entry.payload.message.size();
                let message = format!("the message has {size} bytes, {most} are taken here");
                entry
                    .payload
                    .answering(&self.shared.outcomes)
                    .error(Error::new(code::TOO_BIG, message));
            }
            Push::Refused(entry) => {
                let error = Error::new(code::REFUSED, "the queue is full");
                entry
                    .payload
                    .answering(&self.shared.outcomes)
                    .error(error.with("retry_after_ms", wait));
            }
        }
        queued
    }

    /// Cancels one task of a client, queued or running; `false` when there is none of this uuid.
    ///
    /// It is answered before this returns, also when a worker has begun it and will only notice at
    /// its next stage. The client may use the uuid again at once.
    #[allow(clippy::must_use_candidate, reason = "a caller may cancel a task that is done")]
    pub fn cancel(&self, client: &ReplyChannel, uuid: &str) -> bool {
        let mut state = self.lock();
        match state.schedule.cancel(client.name(), uuid) {
            Cancelled::Queued(entry) => {
                drop(state);
                entry.payload.answering(&self.shared.outcomes).error(Reason::Cancelled.error());
                true
            }
            Cancelled::Running(id) => {
                let stopped = state.stop_running(&[id], Reason::Cancelled);
                let answer = state.running.take_answer(id);
                drop(state);
                self.tell(stopped);
                if let Some((answer, reason)) = answer {
                    answer.error(reason.error());
                }
                true
            }
            Cancelled::Unknown => false,
        }
    }

    /// Moves a queued task of a client on its page; `false` when none of this uuid is queued.
    #[allow(clippy::must_use_candidate, reason = "a caller may move a task that is done")]
    pub fn reprioritise(&self, client: &ReplyChannel, uuid: &str, offset_top: i64) -> bool {
        self.lock().schedule.reprioritise(client.name(), uuid, offset_top)
    }

    /// Tells what part of its page a client sees: its queued tasks are put in order anew.
    ///
    /// # Errors
    /// `bad_header` unless both are finite and the height is not negative.
    pub fn set_viewport(&self, client: &ReplyChannel, top: f64, height: f64) -> Result<(), Error> {
        let viewport = Viewport::new(top, height).ok_or_else(|| {
            Error::new(code::BAD_HEADER, format!("top {top} and height {height} are no viewport"))
        })?;
        // A client that has left would be remembered for ever.
        let mut state = self.lock();
        if client.is_open() {
            state.schedule.set_viewport(client.name(), viewport);
        }
        Ok(())
    }

    /// How many tasks are queued and how many are running, those that wait among them.
    #[must_use]
    pub fn depth(&self) -> (usize, usize) {
        let Depth { queued, running, .. } = self.lock().schedule.depth();
        (queued, running)
    }

    /// A client has left.
    pub(crate) fn leave(&self, client: &str) {
        let mut state = self.lock();
        if self.shared.rules.on_disconnect == OnDisconnect::Finish {
            state.schedule.leave(client);
            return;
        }
        let cancelled = state.schedule.cancel_client(client);
        let stopped = state.stop_running(&cancelled.running, Reason::Cancelled);
        drop(state);
        self.tell(stopped);
        self.answer_all(cancelled.queued, || Reason::Cancelled.error());
    }

    /// Answers tasks when their deadline has passed, not when their turn would have come.
    /// Runs until it is dropped.
    pub(crate) async fn watch_deadlines(&self) {
        loop {
            let changed = self.shared.deadlines.notified();
            let next = self.lock().schedule.next_deadline();
            match next {
                None => changed.await,
                Some(next) => tokio::select! {
                    () = changed => {}
                    () = tokio::time::sleep_until(next.into()) => self.expire(),
                },
            }
        }
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
        self.shared.outcomes.report(&self.shared.name);
    }

    fn expire(&self) {
        let mut state = self.lock();
        let expired = state.schedule.expire(now());
        let stopped = state.stop_running(&expired.running, Reason::Expired);
        drop(state);
        self.tell(stopped);
        self.answer_expired(expired.queued);
    }

    fn entry(&self, mut task: Task) -> Entry<Task> {
        task.message.forget_head();
        let message = &task.message;
        Entry {
            group: self.shared.rules.fair_by.group(&message.scope),
            flow: Arc::clone(&message.scope.connection),
            client: Arc::clone(message.reply_channel.name()),
            uuid: Arc::clone(task.uuid.key()),
            offset_top: task.offset_top,
            height: task.height,
            bytes: message.size().saturating_add(TASK_OVERHEAD),
            payload: task,
        }
    }

    /// When it may be worth trying again: when a tenth of what is queued will be done.
    fn wait_until_room(&self, state: &State) -> u64 {
        let queued = state.schedule.depth().queued;
        let tenth = u32::try_from(queued.div_ceil(10)).unwrap_or(u32::MAX);
        let work = state.schedule.average_cost().saturating_mul(tenth);
        let wait = work / u32::try_from(self.shared.rules.workers.max(1)).unwrap_or(u32::MAX);
        u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).clamp(SHORTEST_WAIT_MS, LONGEST_WAIT_MS)
    }

    pub(super) fn answer_expired(&self, entries: Vec<Entry<Task>>) {
        self.answer_all(entries, || Reason::Expired.error());
    }

    pub(super) fn answer_all(&self, entries: Vec<Entry<Task>>, error: impl Fn() -> Error) {
        if entries.is_empty() {
            return;
        }
        let sample = error();
        let code = sample.code();
        tracing::debug!(queue = %self.shared.name, tasks = entries.len(), code, "tasks ended unworked");
        for entry in entries {
            entry.payload.answering(&self.shared.outcomes).error(error());
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // A panic under it would be a fault of the schedule; its users must not hang for it.
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many bytes a task counts in addition to its message's content, so that `max_bytes` bounds
/// tiny messages too.
pub(crate) const TASK_OVERHEAD: usize = 512;
const SHORTEST_WAIT_MS: u64 = 100;
const LONGEST_WAIT_MS: u64 = 30_000;

/// Tokio's clock, which tests can stop.
pub(super) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

impl FromMessage for TaskQueue {
    fn bind(binding: &mut Binding, mistakes: &mut Vec<Mistake>) {
        if binding.lacks::<Self>() {
            let message = format!("{} puts messages on a queue", binding.consumer());
            mistakes.push(binding.mistake(message, "give the route one: queue = \"NAME\""));
        }
    }

    fn from_message(_: &Message, binding: &Binding) -> Result<Self, Error> {
        binding.get::<Self>().cloned().ok_or_else(|| lacks("queue"))
    }
}

impl std::fmt::Debug for TaskQueue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("TaskQueue").field(&self.shared.name).finish()
    }
}
