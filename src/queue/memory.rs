//! The queue of one process: the schedule behind its lock, and one answer for every task.

mod dispatch;

use std::future::ready;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::{ArcSwap, Guard};
use serde_json::json;
use tokio::sync::Notify;

use super::claim::Next;
use super::cost::Cost;
use super::engine::Engine;
use super::outcomes::Outcomes;
use super::report::QueueNumbers;
use super::rules::{OnDisconnect, Rules};
use super::running::Running;
use super::task::{TASK_OVERHEAD, Task};
use crate::error::{Error, code};
use crate::memory::{Memory, Need};
use crate::message::{Message, Reason, TaskUuid};
use crate::reply::{Reply, ReplyChannel};
use crate::schedule::{Cancelled, Depth, Entry, Expired, Push, RunningId, Schedule, Viewport};

/// A queue in memory. Clones are the same queue.
#[derive(Clone)]
pub(super) struct MemoryQueue {
    shared: Arc<SharedQueue>,
}

struct SharedQueue {
    name: Arc<str>,
    rules: ArcSwap<Rules>,
    memory: Memory,
    // `std`'s mutex: nothing awaits under it, no task is copied, freed or woken under it, and
    // workers, which are threads, wait on the condition.
    state: Mutex<State>,
    work: Condvar,
    deadlines: Notify,
    outcomes: Arc<Outcomes>,
}

struct State {
    schedule: Schedule<Task>,
    running: Running,
    /// How many workers wait for work. While none waits, none is woken, because waking is a system
    /// call in any case.
    idle: usize,
    /// Whether the next task waits for memory.
    starves: bool,
    stopped: bool,
}

// The futures are ready at once.
impl Engine for MemoryQueue {
    fn name(&self) -> &Arc<str> {
        &self.shared.name
    }

    fn push(&self, task: Task) -> impl Future<Output = bool> + Send {
        ready(self.push_or_answer(task))
    }

    fn cancel(&self, client: &str, uuid: &TaskUuid) -> impl Future<Output = bool> + Send {
        ready(self.cancel_task(client, uuid))
    }

    fn reprioritise(
        &self,
        client: &str,
        uuid: &TaskUuid,
        offset_top: i64,
    ) -> impl Future<Output = bool> + Send {
        ready(self.lock().schedule.reprioritise(client, uuid.key(), offset_top))
    }

    fn set_viewport(
        &self,
        client: &ReplyChannel,
        viewport: Viewport,
    ) -> impl Future<Output = ()> + Send {
        let mut state = self.lock();
        // The schedule would never forget the viewport of a client that has left already.
        if client.is_open() {
            state.schedule.set_viewport(client.name(), viewport);
        }
        ready(())
    }

    fn depth(&self) -> (usize, usize) {
        let Depth { queued, running, .. } = self.lock().schedule.depth();
        (queued, running)
    }

    fn numbers(&self) -> impl Future<Output = QueueNumbers> + Send {
        let state = self.lock();
        let Depth { queued, running, bytes } = state.schedule.depth();
        let clients = Some(state.schedule.clients());
        let bytes = Some(bytes as u64);
        ready(QueueNumbers { queued, running, bytes, clients, ..QueueNumbers::default() })
    }

    fn leave(&self, client: &str) {
        let mut state = self.lock();
        if self.rules().on_disconnect == OnDisconnect::Finish {
            state.schedule.leave(client);
            return;
        }
        let cancelled = state.schedule.cancel_client(client);
        let stopped = state.stop_running(&cancelled.running, Reason::Cancelled);
        drop(state);
        self.tell(stopped);
        self.answer_all(cancelled.queued, || Reason::Cancelled.error());
    }

    fn next(&self, estimate: impl Fn(&Message) -> Need, dismissed: &AtomicBool) -> Option<Next> {
        self.next_work(estimate, dismissed)
    }

    fn park(&self, id: RunningId, cost: Cost) {
        self.park_task(id, cost);
    }

    fn wake(&self, id: RunningId) {
        self.wake_task(id);
    }

    fn finish(&self, id: RunningId, cost: Duration) -> bool {
        self.finish_task(id, cost)
    }

    fn set_rules(&self, rules: Rules) {
        let mut state = self.lock();
        state.schedule.set_bounds(rules.bounds);
        self.shared.rules.store(Arc::new(rules));
        drop(state);
        // More tasks may be begun at once now.
        self.shared.work.notify_all();
    }

    fn wake_workers(&self) {
        // Under the lock no worker is between asking whether it is dismissed and its wait.
        drop(self.lock());
        self.shared.work.notify_all();
    }

    fn stop(&self) {
        let mut state = self.lock();
        state.stopped = true;
        let queued = state.schedule.drain();
        drop(state);
        self.shared.work.notify_all();
        self.answer_all(queued, || Reason::Restart.error());
    }

    fn stop_running(&self) {
        let mut state = self.lock();
        let running = state.running.ids();
        let stopped = state.stop_running(&running, Reason::Restart);
        drop(state);
        self.tell(stopped);
    }

    fn give_up_running(&self) {
        let answers = self.lock().running.give_up();
        for answer in answers {
            answer.error(Reason::Restart.error());
        }
    }

    async fn watch_deadlines(&self) {
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

    fn report_outcomes(&self) {
        self.shared.outcomes.report(&self.shared.name);
    }
}

impl MemoryQueue {
    pub(super) fn new(name: impl Into<Arc<str>>, rules: Rules, memory: Memory) -> Self {
        let schedule = Schedule::new(rules.bounds);
        let running = Running::default();
        let state =
            Mutex::new(State { schedule, running, idle: 0, starves: false, stopped: false });
        let (work, deadlines) = (Condvar::new(), Notify::new());
        let (name, outcomes) = (name.into(), Arc::default());
        let rules = ArcSwap::from_pointee(rules);
        let shared = SharedQueue { name, rules, memory, state, work, deadlines, outcomes };
        Self { shared: Arc::new(shared) }
    }

    fn push_or_answer(&self, mut task: Task) -> bool {
        let now = now();
        if !task.message.is_held() {
            let Some(held) = self.shared.memory.transit.hold(task.bytes()) else {
                let wait = self.wait_until_room(&self.lock());
                let error = Error::new(code::REFUSED, "no memory is free for the task");
                self.answer(&task, error.with("retry_after_ms", wait));
                return false;
            };
            task.message.hold(Some(held));
        }
        let entry = self.entry(task);
        let mut state = self.lock();
        // Checked under the lock: a client that leaves is first marked as cancelled, and its tasks
        // are removed afterwards.
        let left = self.rules().on_disconnect == OnDisconnect::Cancel
            && entry.payload.message.cancellation.is_cancelled();
        if left || state.stopped {
            drop(state);
            let reason = if left { Reason::Cancelled } else { Reason::Restart };
            self.answer(&entry.payload, reason.error());
            return false;
        }
        let expired = state.schedule.expire(now);
        let stopped = state.stop_running(&expired.running, Reason::Expired);
        let announce = entry.payload.progress.then(|| entry.payload.message.reply_channel.clone());
        let (client, uuid) = (Arc::clone(&entry.client), entry.payload.uuid.clone());
        let before = state.schedule.next_deadline();
        let pushed = state.schedule.push(entry, now);
        let next_deadline = state.schedule.next_deadline();
        let queued = matches!(pushed, Push::Accepted { .. });
        let mut displaced_replies = Vec::new();
        // Sent before a worker can take the task, so that "queued" never follows "working".
        if let (true, Some(channel)) = (queued, announce) {
            let position = state.schedule.position(&client, uuid.key());
            let frame = json!({"uuid": uuid, "progress": "queued", "position": position});
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
        // Mostly none, because deadlines are in the order of arrival unless the rules change.
        if next_deadline != before {
            self.shared.deadlines.notify_one();
        }
        self.answer_expired(expired.queued);
        self.answer_pushed(pushed, wait);
        queued
    }

    /// Answers the tasks that a push has displaced, or the pushed task if it was not queued.
    fn answer_pushed(&self, pushed: Push<Task>, wait: u64) {
        match pushed {
            Push::Accepted { displaced } => self.answer_all(displaced, || {
                Error::new(code::DISPLACED, "tasks nearer to the viewport took its place")
                    .with("retry_after_ms", wait)
            }),
            Push::Duplicate(entry) => {
                let error = Error::new(code::DUPLICATE, "queued or running already");
                self.answer(&entry.payload, error);
            }
            Push::TooLarge(entry) => {
                let most = self.rules().bounds.largest().saturating_sub(TASK_OVERHEAD);
                let size = entry.payload.message.size();
                let message =
                    format!("the message has {size} bytes, but the queue takes at most {most}");
                self.answer(&entry.payload, Error::new(code::TOO_BIG, message));
            }
            Push::Refused(entry) => {
                let error = Error::new(code::REFUSED, "the queue is full");
                self.answer(&entry.payload, error.with("retry_after_ms", wait));
            }
        }
    }

    fn cancel_task(&self, client: &str, uuid: &TaskUuid) -> bool {
        let mut state = self.lock();
        match state.schedule.cancel(client, uuid.key()) {
            Cancelled::Queued(entry) => {
                drop(state);
                self.answer(&entry.payload, Reason::Cancelled.error());
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

    fn expire(&self) {
        let mut state = self.lock();
        let Expired { queued, running } = state.schedule.expire(now());
        let stopped = state.stop_running(&running, Reason::Expired);
        drop(state);
        self.tell(stopped);
        self.answer_expired(queued);
    }

    fn entry(&self, mut task: Task) -> Entry<Task> {
        let (name, rules) = (&self.shared.name, self.rules());
        task.message.become_task(task.place(name), &rules.headers);
        let message = &task.message;
        Entry {
            group: rules.fair_by.group(message),
            flow: Arc::clone(message.connection()),
            client: Arc::clone(message.reply_channel.name()),
            uuid: Arc::clone(task.uuid.key()),
            offset_top: task.offset_top,
            height: task.height,
            bytes: task.bytes(),
            payload: task,
        }
    }

    /// The time after which another try may succeed, ms: until a tenth of the queued tasks is done.
    fn wait_until_room(&self, state: &State) -> u64 {
        let queued = state.schedule.depth().queued;
        let tenth = u32::try_from(queued.div_ceil(10)).unwrap_or(u32::MAX);
        let work = state.schedule.average_cost().saturating_mul(tenth);
        let wait = work / u32::try_from(self.rules().workers.max(1)).unwrap_or(u32::MAX);
        u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).clamp(SHORTEST_WAIT_MS, LONGEST_WAIT_MS)
    }

    fn answer_expired(&self, entries: Vec<Entry<Task>>) {
        self.answer_all(entries, || Reason::Expired.error());
    }

    fn answer_all(&self, entries: Vec<Entry<Task>>, error: impl Fn() -> Error) {
        if entries.is_empty() {
            return;
        }
        let sample = error();
        let code = sample.code();
        tracing::debug!(queue = %self.shared.name, tasks = entries.len(), code, "tasks ended unworked");
        for entry in entries {
            self.answer(&entry.payload, error());
        }
    }

    fn answer(&self, task: &Task, error: Error) {
        task.answering(&self.shared.outcomes).error(error);
    }

    fn rules(&self) -> Guard<Arc<Rules>> {
        self.shared.rules.load()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Only a fault of the schedule can panic while it is locked; the queue must not hang then.
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const SHORTEST_WAIT_MS: u64 = 100;
const LONGEST_WAIT_MS: u64 = 30_000;

/// Tokio's clock, which tests can stop.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
