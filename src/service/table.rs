//! A router whose consumers have everything that they need to run.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use super::queues::crew;
use super::states::Handles;
use crate::action::Publisher;
use crate::consumer::{Bound, CheckedJob};
use crate::extract::Given;
use crate::queue::TaskQueue;
use crate::routing::{MatchedRoutes, QueueOfRouter, Route, Router};
use crate::worker::CrewSize;

/// A router whose consumers have everything that they need to run.
pub(crate) struct Table {
    router: Router,
    generation: u64,
    routes: Vec<LiveRoute>,
    queues: Vec<QueueOfTable>,
    jobs: Vec<(Arc<str>, CheckedJob)>,
    /// The number of the table since which each consumer is the same.
    since: Since,
    /// Queues of former tables whose tasks may still run.
    removed: Vec<TaskQueue>,
}

/// For each consumer of a table, the number of the table since which it is the same.
pub(super) type Since = BTreeMap<Arc<str>, u64>;

/// A route whose consumer has everything that it needs to run. Clones are the same route.
#[derive(Clone)]
pub(crate) struct LiveRoute {
    inner: Arc<Live>,
}

struct Live {
    route: Arc<Route>,
    consumer: Bound,
    /// The number of the table since which the consumer is the same.
    since: u64,
}

/// A queue, and the consumer that does its tasks.
#[derive(Debug, Clone)]
pub(super) struct QueueOfTable {
    pub(super) queue: TaskQueue,
    pub(super) consumer: Arc<Bound>,
    pub(super) crew: CrewSize,
}

impl Table {
    pub(super) fn new(
        router: &Router,
        generation: u64,
        since: Since,
        queues: &BTreeMap<Arc<str>, TaskQueue>,
        states: &Handles,
        publisher: &Publisher,
    ) -> Self {
        let give = |given: &mut Given, queue: Option<&str>| {
            given.insert(publisher.layer().clone());
            given.insert(publisher.clone());
            if let Some(state) = states.get(given.consumer()) {
                given.insert_state(state.clone());
            }
            if let Some(queue) = queue.and_then(|name| queues.get(name)) {
                given.insert(queue.clone());
            }
        };
        let live = router.routes().iter().map(|route| {
            let consumer = route.consumer().bind(&|given: &mut Given| give(given, route.queue()));
            let since = since.get(route.consumer().name()).copied().unwrap_or(generation);
            LiveRoute { inner: Arc::new(Live { route: Arc::clone(route), consumer, since }) }
        });
        let of_table = |(name, of_router): (&Arc<str>, &QueueOfRouter)| {
            let queue = queues.get(name)?.clone();
            let consumer =
                Arc::new(of_router.consumer.bind(&|given: &mut Given| give(given, Some(name))));
            let crew = crew(&of_router.config, consumer.charges_elapsed());
            Some(QueueOfTable { queue, consumer, crew })
        };
        let jobs = router.consumers().iter().flat_map(|consumer| {
            let jobs = consumer.jobs.iter().cloned();
            jobs.map(|job| (Arc::clone(&consumer.name), job.given(|given| give(given, None))))
        });
        let live = live.collect();
        Self {
            router: router.clone(),
            generation,
            routes: live,
            queues: router.queue_configs().iter().filter_map(of_table).collect(),
            jobs: jobs.collect(),
            since,
            removed: Vec::new(),
        }
    }

    /// The table, with queues of former tables whose tasks may still run.
    pub(super) fn with_removed(mut self, removed: Vec<TaskQueue>) -> Self {
        self.removed = removed;
        self
    }

    /// The table of a service that has stopped.
    pub(super) fn without_routes(&self) -> Self {
        Self {
            router: self.router.clone(),
            generation: self.generation + 1,
            routes: Vec::new(),
            queues: Vec::new(),
            jobs: Vec::new(),
            since: Since::new(),
            removed: Vec::new(),
        }
    }

    pub(crate) fn router(&self) -> &Router {
        &self.router
    }

    /// The table's number; see [`Service::generation`](super::Service::generation).
    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    /// The number of the table since which a consumer of this table is the same.
    pub(super) fn since(&self, consumer: &str) -> Option<u64> {
        self.since.get(consumer).copied()
    }

    /// Whether a consumer is the same since the table with that number.
    pub(crate) fn has_since(&self, consumer: &str, since: u64) -> bool {
        self.since(consumer) == Some(since)
    }

    pub(super) fn queues(&self) -> &[QueueOfTable] {
        &self.queues
    }

    pub(super) fn queue(&self, name: &str) -> Option<&TaskQueue> {
        self.queues.iter().map(|queue| &queue.queue).find(|queue| &**queue.name() == name)
    }

    /// Its queues, and those of former tables whose tasks may still run.
    pub(super) fn queues_with_removed(&self) -> impl Iterator<Item = &TaskQueue> {
        self.queues.iter().map(|queue| &queue.queue).chain(&self.removed)
    }

    /// The background jobs with the names of their consumers.
    pub(super) fn jobs(&self) -> &[(Arc<str>, CheckedJob)] {
        &self.jobs
    }

    /// The routes that match a path.
    pub(crate) fn matched(&self, path: &str) -> MatchedRoutes<LiveRoute> {
        MatchedRoutes::new(&self.routes, path, self.router.limits())
    }
}

impl LiveRoute {
    /// The consumer, with everything that it needs to run.
    pub(crate) fn bound(&self) -> &Bound {
        &self.inner.consumer
    }

    /// The number of the table since which its consumer is the same.
    pub(crate) fn since(&self) -> u64 {
        self.inner.since
    }

    /// Whether it is the same route of the same table.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }
}

impl Deref for LiveRoute {
    type Target = Route;

    fn deref(&self) -> &Route {
        &self.inner.route
    }
}

impl fmt::Debug for LiveRoute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.route.fmt(f)
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.router.fmt(f)
    }
}
