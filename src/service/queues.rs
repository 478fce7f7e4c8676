//! The queues of a service: they are made from the table, drained by workers, and watched.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use futures_util::future::join_all;
use http::{HeaderName, header};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::StartError;
use super::home::Home;
use super::table::{QueueOfTable, Table};
use crate::config::{self, QueueConfig};
use crate::memory::Memory;
#[cfg(feature = "redis")]
use crate::queue::DeadLetterRules;
use crate::queue::{Rules, TaskQueue};
use crate::routing::{Router, UsedConsumer};
use crate::schedule::Bounds;
use crate::setting::Size;
use crate::supervise::keep_running;
use crate::worker::{CrewSize, Workers};

/// The queues of a service, by name, and the queues of former tables whose tasks may still run.
#[derive(Debug, Default)]
pub(super) struct Queues {
    queues: BTreeMap<Arc<str>, LiveQueue>,
    removed: Vec<LiveQueue>,
}

/// A queue whose workers are running.
#[derive(Debug)]
pub(super) struct LiveQueue {
    queue: TaskQueue,
    workers: Workers,
    /// Ends the tasks that watch the queue.
    watches: DropGuard,
}

/// The pause before a watching task starts again after a panic.
const WATCH_PAUSE: Duration = Duration::from_secs(1);

impl Queues {
    /// Starts the workers of the table's queues that do not run yet.
    ///
    /// # Errors
    /// If the system cannot start the threads. The threads started by this call then end.
    pub(super) fn start_missing(&self, table: &Table) -> Result<Self, StartError> {
        let mut started = Self::default();
        for of_table in table.queues() {
            let name = of_table.queue.name();
            if !self.queues.contains_key(name) {
                let live = LiveQueue::start(of_table, table.router().summary())?;
                started.queues.insert(Arc::clone(name), live);
            }
        }
        Ok(started)
    }

    /// Adds queues that were started.
    pub(super) fn extend(&mut self, started: Self) {
        self.queues.extend(started.queues);
    }

    /// Stops the queues that a new table does not have, and applies its rules to the others.
    pub(super) fn change(&mut self, table: &Table, memory: &Memory) {
        let queues = std::mem::take(&mut self.queues);
        self.removed.retain(|queue| !queue.workers.have_ended());
        let (configs, share) = (table.router().queue_configs(), share(table.router(), memory));
        for (name, mut queue) in queues {
            if let Some(of_router) = configs.get(&name) {
                let capacity = capacity(table.router(), &of_router.config);
                queue.queue.set_rules(rules(&of_router.config, share, capacity));
                self.queues.insert(name, queue);
            } else {
                queue.workers.end();
                self.removed.push(queue);
            }
        }
        for QueueOfTable { queue, consumer, crew } in table.queues() {
            let Some(live) = self.queues.get_mut(queue.name()) else { continue };
            if let Err(error) = live.workers.change(consumer, *crew) {
                let queue = queue.name();
                tracing::error!(%queue, %error, "no threads for other workers: the former ones stay");
            }
        }
    }

    /// How many threads each queue of the table has, by the queues' names.
    pub(super) fn workers(&self) -> Vec<(Arc<str>, usize)> {
        let live = |(name, queue): (&Arc<str>, &LiveQueue)| (Arc::clone(name), queue.workers.len());
        self.queues.iter().map(live).collect()
    }

    /// The queues of former tables whose tasks may still run.
    pub(super) fn removed(&self) -> Vec<TaskQueue> {
        self.removed.iter().map(|queue| queue.queue.clone()).collect()
    }

    /// Stops all workers at once. A running task may finish within `patience`; after that it must
    /// stop at its next stage, within `grace`.
    pub(super) async fn stop(self, patience: Duration, grace: Duration) {
        let queues = self.queues.into_values().chain(self.removed);
        join_all(queues.map(|queue| queue.stop(patience, grace))).await;
    }
}

impl LiveQueue {
    /// Starts the workers of a queue, and the tasks that watch it.
    fn start(of_table: &QueueOfTable, summary: Duration) -> Result<Self, StartError> {
        let QueueOfTable { queue, consumer, crew } = of_table;
        let workers = Workers::start(queue, Arc::clone(consumer), *crew)
            .map_err(|error| StartError::Workers { queue: Arc::clone(queue.name()), error })?;
        let watches = CancellationToken::new();
        let (late, ended) = (queue.clone(), watches.clone());
        tokio::spawn(async move {
            let task = format!("deadlines of queue {}", late.name());
            let watch = keep_running(&task, WATCH_PAUSE, || late.watch_deadlines());
            ended.run_until_cancelled(watch).await;
        });
        let (reported, ended) = (queue.clone(), watches.clone());
        tokio::spawn(async move {
            let task = format!("summary of queue {}", reported.name());
            let report = keep_running(&task, WATCH_PAUSE, || reported.report_outcomes(summary));
            ended.run_until_cancelled(report).await;
        });
        Ok(Self { queue: queue.clone(), workers, watches: watches.drop_guard() })
    }

    async fn stop(self, patience: Duration, grace: Duration) {
        let Self { workers, watches: _watches, .. } = self;
        workers.stop(patience, grace).await;
    }
}

/// The queues of a table. Queues that `known` returns, from a former table, are kept.
pub(super) fn make(
    router: &Router,
    home: &Home,
    memory: &Memory,
    known: impl Fn(&str) -> Option<TaskQueue>,
) -> BTreeMap<Arc<str>, TaskQueue> {
    let share = share(router, memory);
    let queues = router.queue_configs().iter().map(|(name, of_router)| {
        let new = || {
            let rules = rules(&of_router.config, share, capacity(router, &of_router.config));
            home.queue(name, rules, memory)
        };
        (Arc::clone(name), known(name).unwrap_or_else(new))
    });
    queues.collect()
}

/// The memory that the table allows. Each address may always receive one message of the largest
/// size that a route accepts.
pub(super) fn memory(router: &Router) -> Memory {
    let server = router.server();
    let messages = router.routes().iter().map(|route| route.limits().message);
    let largest = messages.map(Size::as_usize).max().unwrap_or(0);
    let per_address = server.half_received.as_usize().max(largest.saturating_mul(2));
    Memory::new(server.memory_size().as_usize(), per_address)
}

/// The threads of a queue. `hand_over`: a program or a webhook does its tasks.
pub(super) fn crew(queue: &QueueConfig, hand_over: bool) -> CrewSize {
    CrewSize { threads: workers(queue), nice: queue.niceness(hand_over) }
}

/// How many bytes of the service's memory the tasks of each queue may take.
fn share(router: &Router, memory: &Memory) -> usize {
    memory.queued() / router.queue_configs().len().max(1)
}

/// How many tasks the consumer of a queue does at a time, if it knows.
fn capacity(router: &Router, queue: &QueueConfig) -> Option<usize> {
    let named = |consumer: &&UsedConsumer| *consumer.name == *queue.consumer.value;
    let consumer = router.consumers().iter().find(named)?;
    consumer.state?.tasks(&consumer.options)
}

/// The rules of a queue, within its share of the service's memory and the capacity of its consumer.
fn rules(queue: &QueueConfig, share: usize, capacity: Option<usize>) -> Rules {
    let bounds = Bounds {
        client_tasks: queue.max_tasks.client,
        total_tasks: queue.max_tasks.total,
        client_bytes: queue.max_bytes.client.as_usize().min(share),
        total_bytes: queue.max_bytes.total.as_usize().min(share),
        deadline: queue.deadline.duration(),
        order: queue.order,
    };
    Rules {
        bounds,
        fair_by: queue.fair_by.clone(),
        on_disconnect: queue.on_disconnect,
        workers: workers(queue).max(1),
        waiting: queue.waiting,
        capacity,
        headers: kept_headers(queue),
        #[cfg(feature = "redis")]
        dead_letters: DeadLetterRules {
            attempts: queue.attempts,
            tasks: queue.dead_letters.tasks,
            bytes: queue.dead_letters.bytes.bytes(),
            keep: queue.dead_letters.keep.duration(),
        },
    }
}

/// The headers that a queue's tasks keep: those in the table, and `accept`, because the form of an
/// answer may depend on it.
fn kept_headers(queue: &QueueConfig) -> Arc<[HeaderName]> {
    let mut names = vec![header::ACCEPT];
    names.extend(queue.headers.iter().cloned());
    names.sort_unstable_by(|a, b| a.as_str().cmp(b.as_str()));
    names.dedup();
    names.into()
}

fn workers(queue: &QueueConfig) -> usize {
    match queue.workers {
        config::Workers::None => 0,
        config::Workers::Threads(0) => available_parallelism().map_or(1, usize::from),
        config::Workers::Threads(workers) => workers,
    }
}
