//! The queue of many processes: its tasks are in a Redis or Valkey server.
//!
//! Scripts in the server are the queue: they hold the order of tasks by the rules of `schedule`, and
//! each does one step as a whole. This process has two sides. As the node of its clients
//! (`accepted`) it pushes their tasks and answers each once: it decides which answer counts. As the
//! host of workers (`crew`, `courier`) it claims tasks under a lease, and sends answers to the inbox
//! of the client's node (`inbox`). A content that is too large for the server takes the way through
//! a store (`stored`).

mod accepted;
mod claims;
mod clock;
mod constants;
mod courier;
mod crew;
mod inbox;
#[cfg_attr(not(feature = "cli"), allow(dead_code, reason = "only a command looks from outside"))]
mod inspector;
mod node;
mod pending;
mod scripts;
mod stored;
#[cfg(test)]
mod tests;
mod upkeep;
mod wire;

use std::fmt;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::{ArcSwap, Guard};
use futures_util::FutureExt;
use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};

use self::accepted::Accepted;
pub(in crate::queue) use self::clock::Clock;
use self::crew::Crew;
use self::inbox::Place;
pub(crate) use self::inspector::QueueInspector;
use self::scripts::{Counts, Store};
pub(crate) use self::stored::LargeContents;
use self::upkeep::Running;
use super::claim::Next;
use super::cost::Cost;
use super::engine::Engine;
use super::outcomes::Outcomes;
use super::report::QueueNumbers;
use super::rules::{OnDisconnect, Rules};
use super::task::Task;
use crate::memory::{Memory, Need};
use crate::message::{Message, Reason, TaskUuid};
use crate::redis::Server;
use crate::reply::ReplyChannel;
use crate::schedule::{Order, RunningId, Viewport};

/// A queue in Redis. Clones are the same queue.
#[derive(Clone)]
pub(super) struct RedisQueue {
    shared: Arc<Shared>,
}

/// Where a queue's tasks are.
#[derive(Debug, Clone)]
pub(crate) struct Shard {
    pub(crate) server: Server,
    /// The first part of all keys.
    pub(crate) prefix: String,
    /// How long a worker has a task without a beat.
    pub(crate) lease: Duration,
    /// Time for one command.
    pub(crate) timeout: Duration,
    /// Where contents are that are too large for the server; `None`: in the server too.
    pub(crate) large: Option<LargeContents>,
}

struct Shared {
    name: Arc<str>,
    /// Names this process, as no other does.
    node: String,
    /// Begins the tokens of this process's claims.
    token: String,
    store: Store,
    lease: Duration,
    timeout: Duration,
    large: Option<LargeContents>,
    clock: Clock,
    rules: ArcSwap<Rules>,
    memory: Memory,
    runtime: Handle,
    outcomes: Arc<Outcomes>,
    counts: Mutex<Counts>,
    // `std`'s mutexes: nothing awaits under them.
    accepted: Mutex<Accepted>,
    deadlines: Notify,
    /// Ids of answered tasks that the server may still have.
    regrets: Mutex<Vec<String>>,
    crew: Mutex<Crew>,
    /// Workers, which are threads, wait on it.
    work: Condvar,
    /// A worker has become free.
    wanted: Notify,
    /// A task was pushed.
    woken: Notify,
    /// How far the inbox has been read.
    read: watch::Sender<Place>,
    /// The server may have lost tasks: a connection was made again, or it does not know this node.
    reconcile: Notify,
}

/// How long a viewport is remembered that does not change.
const VIEW_KEPT: Duration = Duration::from_secs(24 * 3600);

impl Engine for RedisQueue {
    fn name(&self) -> &Arc<str> {
        &self.shared.name
    }

    async fn push(&self, task: Task) -> bool {
        self.push_or_answer(task).boxed().await
    }

    async fn cancel(&self, client: &str, uuid: &TaskUuid) -> bool {
        let number = self.accepted().find(client, uuid.key());
        match number {
            Some(number) => {
                self.cancel_accepted(number).boxed().await;
                true
            }
            None => self.cancel_elsewhere(client, uuid).boxed().await,
        }
    }

    async fn reprioritise(&self, client: &str, uuid: &TaskUuid, offset_top: i64) -> bool {
        let number = self.accepted().find(client, uuid.key());
        let moved = self.shared.store.reprioritise(client, uuid.key(), offset_top).await;
        let moved = moved.unwrap_or(false);
        if let (true, Some(number)) = (moved, number)
            && let Some(entry) = self.accepted().get_mut(number)
        {
            // Should it be pushed again, it is pushed there.
            entry.task.offset_top = offset_top;
        }
        moved
    }

    async fn set_viewport(&self, client: &ReplyChannel, viewport: Viewport) {
        if !client.is_open() || self.rules().bounds.order == Order::Offset {
            return;
        }
        let (name, edges) = (client.name(), viewport.edges());
        let set = self.shared.store.set_view(name, edges, VIEW_KEPT).await;
        if let Err(failure) = set {
            tracing::debug!(queue = %self.shared.name, error = %failure, "a viewport was lost");
        }
        if !client.is_open() {
            self.forget_view(name).await;
        }
    }

    fn depth(&self) -> (usize, usize) {
        let counts = *self.shared.counts.lock().unwrap_or_else(PoisonError::into_inner);
        (counts.queued, counts.running)
    }

    async fn numbers(&self) -> QueueNumbers {
        match Box::pin(self.shared.store.numbers()).await {
            Ok((numbers, counts)) => {
                self.note(counts);
                numbers
            }
            Err(failure) => {
                tracing::debug!(queue = %self.shared.name, error = %failure, "no numbers");
                let Counts { queued, running, .. } = self.counts();
                QueueNumbers { connected: Some(false), queued, running, ..QueueNumbers::default() }
            }
        }
    }

    fn leave(&self, client: &str) {
        let numbers = self.accepted().of_client(client);
        let cancels = self.rules().on_disconnect == OnDisconnect::Cancel;
        let (queue, client) = (self.clone(), client.to_owned());
        let pending = self.crew().unsettled.begin();
        self.shared.runtime.spawn(async move {
            let _pending = pending;
            if cancels {
                queue.tell(&numbers, Reason::Cancelled);
                queue.withdraw(&numbers, Reason::Cancelled, Running::AnswersItself).await;
            }
            queue.forget_view(&client).await;
        });
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
        self.shared.rules.store(Arc::new(rules));
        self.shared.wanted.notify_one();
    }

    fn wake_workers(&self) {
        // Under the lock no worker is between asking whether it is dismissed and its wait.
        drop(self.crew());
        self.shared.work.notify_all();
    }

    fn stop(&self) {
        let incoming = {
            let mut crew = self.crew();
            if crew.stopped {
                return;
            }
            crew.stopped = true;
            crew.give_up_all(Reason::Restart);
            crew.take_incoming()
        };
        self.shared.work.notify_all();
        for incoming in incoming {
            self.give_back(incoming);
        }
        let numbers = self.accepted().all();
        if numbers.is_empty() {
            return;
        }
        let (queue, pending) = (self.clone(), self.crew().unsettled.begin());
        self.shared.runtime.spawn(async move {
            let _pending = pending;
            queue.withdraw(&numbers, Reason::Restart, Running::GoesOn).await;
        });
    }

    fn stop_running(&self) {
        self.stop_all(Reason::Restart);
    }

    fn give_up_running(&self) {
        let answers = self.crew().running.give_up();
        for answer in answers {
            answer.error(Reason::Restart.error());
        }
        let numbers = self.accepted().all();
        self.answer_all(&numbers, Reason::Restart);
    }

    async fn watch_deadlines(&self) {
        Box::pin(self.keep()).await;
    }

    fn report_outcomes(&self) {
        self.shared.outcomes.report(&self.shared.name);
    }
}

impl RedisQueue {
    pub(super) fn new(
        name: impl Into<Arc<str>>,
        rules: Rules,
        memory: Memory,
        home: Shard,
        clock: Clock,
    ) -> Self {
        let name = name.into();
        let Shard { server, prefix, lease, timeout, large } = home;
        let random = || uuid::Uuid::new_v4().simple().to_string();
        let shared = Shared {
            node: random(),
            token: random(),
            store: Store::new(server, &prefix, &name, clock.clone()),
            name,
            lease,
            timeout,
            large,
            clock,
            rules: ArcSwap::from_pointee(rules),
            memory,
            runtime: Handle::current(),
            outcomes: Arc::default(),
            counts: Mutex::default(),
            accepted: Mutex::default(),
            deadlines: Notify::new(),
            regrets: Mutex::default(),
            crew: Mutex::default(),
            work: Condvar::new(),
            wanted: Notify::new(),
            woken: Notify::new(),
            read: watch::Sender::new(Place::default()),
            reconcile: Notify::new(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Waits until the server knows all that has ended here, and all answers that it has are given.
    pub(super) async fn settled(&self) {
        if let Err(failure) = self.settle().await {
            tracing::warn!(queue = %self.shared.name, error = %failure, "the end of tasks is not known to Redis");
        }
    }

    /// Whether this process has answered all tasks that it has accepted.
    pub(super) fn has_answered_all(&self) -> bool {
        self.accepted().is_empty()
    }

    #[cfg(test)]
    pub(super) async fn expire_now(&self) {
        self.expire().await;
    }

    fn note(&self, counts: Counts) {
        let mut known = self.shared.counts.lock().unwrap_or_else(PoisonError::into_inner);
        // Answers of the server may overtake each other in this process.
        if counts.change >= known.change {
            *known = counts;
        }
    }

    /// Forgets which change is the last one that is known: a server that was promoted may lack some.
    fn forget_counts(&self) {
        let mut known = self.shared.counts.lock().unwrap_or_else(PoisonError::into_inner);
        known.change = 0;
    }

    fn counts(&self) -> Counts {
        *self.shared.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn rules(&self) -> Guard<Arc<Rules>> {
        self.shared.rules.load()
    }

    // No code panics while these are locked.

    fn accepted(&self) -> MutexGuard<'_, Accepted> {
        self.shared.accepted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn regrets(&self) -> MutexGuard<'_, Vec<String>> {
        self.shared.regrets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn crew(&self) -> MutexGuard<'_, Crew> {
        self.shared.crew.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for RedisQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RedisQueue").field(&self.shared.name).finish()
    }
}
