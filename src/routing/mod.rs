//! The routing table as it is used: which consumer takes which event of which path.

mod build;
mod explain;
mod route;
mod table;
mod way;

use std::future::Future;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::{Limits, Loaded, RoutingConfig, ServerConfig};
use crate::consumer::{Bound, BoundJob, Registry};
use crate::layer::ChannelLayer;
use crate::memory::Memory;
use crate::queue::TaskQueue;
use crate::supervise::keep_running;
use crate::worker::Workers;

pub use explain::{Explanation, Question};
pub(crate) use route::Route;
pub use table::Row;
pub(crate) use way::{Refusal, Way};

/// The routing table, with what its routes share: queues and the channel layer. Clones are the
/// same router.
#[derive(Clone)]
pub struct Router {
    inner: Arc<Inner>,
}

struct Inner {
    server: ServerConfig,
    limits: Limits,
    routes: Vec<Arc<Route>>,
    queues: Vec<QueueOfRouter>,
    /// What runs beside consumers.
    jobs: Vec<BoundJob>,
    layer: ChannelLayer,
    memory: Memory,
    /// Names this process among others: the middle of every reply channel's name.
    node: String,
    clients: AtomicU64,
    /// `[log] summary`.
    summary: Duration,
    /// The clients whose last event is not handled yet.
    tracker: TaskTracker,
}

/// A queue, and who drains it.
struct QueueOfRouter {
    queue: TaskQueue,
    consumer: Bound,
    workers: usize,
    nice: u8,
}

/// What runs beside a router while it is served.
#[derive(Debug)]
pub(crate) struct Running {
    workers: Vec<Workers>,
    watches: CancellationToken,
}

/// The pause before a queue's watch starts again after a panic.
const WATCH_PAUSE: Duration = Duration::from_secs(1);

impl Router {
    /// Reads a routing table from a file and the environment.
    ///
    /// # Errors
    /// All mistakes in it.
    pub fn load(path: impl AsRef<Path>, registry: &Registry) -> Result<Self, Box<Loaded>> {
        Self::build(RoutingConfig::load(path), registry).map(|(router, _)| router)
    }

    /// Reads a routing table from a text, without an environment: for tests and examples.
    ///
    /// # Errors
    /// All mistakes in it.
    pub fn parse(text: &str, registry: &Registry) -> Result<Self, Box<Loaded>> {
        let loaded = RoutingConfig::parse(text, "routing.toml", &|_| None);
        Self::build(loaded, registry).map(|(router, _)| router)
    }

    /// Builds the table that was read: finds every consumer and lets it read its options. Returns
    /// the router, and the loaded file with its warnings.
    ///
    /// # Errors
    /// The loaded file with all mistakes: those found while reading it and those found now.
    pub fn build(
        mut loaded: Loaded,
        registry: &Registry,
    ) -> Result<(Self, Box<Loaded>), Box<Loaded>> {
        match build::build(&mut loaded, registry) {
            Some(router) => Ok((router, Box::new(loaded))),
            None => Err(Box::new(loaded)),
        }
    }

    /// `[server]`.
    #[must_use]
    pub fn server(&self) -> &ServerConfig {
        &self.inner.server
    }

    /// The table's routes, in order.
    #[must_use]
    pub fn rows(&self) -> Vec<Row> {
        self.inner.routes.iter().map(|route| Row::new(route)).collect()
    }

    /// The channel layer.
    #[must_use]
    pub fn layer(&self) -> &ChannelLayer {
        &self.inner.layer
    }

    /// The queues, in the order of their names.
    pub fn queues(&self) -> impl Iterator<Item = &TaskQueue> {
        self.inner.queues.iter().map(|queue| &queue.queue)
    }

    /// The service's memory.
    pub(crate) fn memory(&self) -> &Memory {
        &self.inner.memory
    }

    /// The routes that lead from a path.
    pub(crate) fn way(&self, path: &str) -> Way {
        Way::new(&self.inner.routes, path, &self.inner.limits)
    }

    /// A name for a client that has come: `waterway.<node>!<client>`.
    pub(crate) fn new_name(&self) -> Arc<str> {
        let client = self.inner.clients.fetch_add(1, Ordering::Relaxed);
        format!("waterway.{}!{client}", self.inner.node).into()
    }

    /// How long a closing handshake may take.
    pub(crate) fn closing(&self) -> Duration {
        self.inner.limits.closing.duration()
    }

    /// How long a client of HTTP may take nothing of its response.
    pub(crate) fn idle(&self) -> Duration {
        self.inner.limits.idle.duration()
    }

    /// Runs a client's events.
    pub(crate) fn spawn(
        &self,
        events: impl Future<Output = ()> + Send + 'static,
    ) -> JoinHandle<()> {
        self.inner.tracker.spawn(events)
    }

    /// A client has left: nothing of it stays.
    pub(crate) fn leave(&self, client: &str) {
        self.inner.layer.leave(client);
        for queue in self.queues() {
            queue.leave(client);
        }
    }

    /// Starts the workers, and the jobs beside consumers.
    pub(crate) fn start(&self) -> io::Result<Running> {
        let watches = CancellationToken::new();
        let mut workers = Vec::new();
        for QueueOfRouter { queue, consumer, workers: count, nice } in &self.inner.queues {
            workers.push(Workers::start(queue, consumer, *count, *nice)?);
            let (late, ended) = (queue.clone(), watches.clone());
            tokio::spawn(async move {
                let task = format!("deadlines of queue {}", late.name());
                let watch = keep_running(&task, WATCH_PAUSE, || late.watch_deadlines());
                ended.run_until_cancelled(watch).await;
            });
            let (queue, ended, every) = (queue.clone(), watches.clone(), self.inner.summary);
            tokio::spawn(async move {
                let task = format!("summary of queue {}", queue.name());
                let report = keep_running(&task, WATCH_PAUSE, || queue.report_outcomes(every));
                ended.run_until_cancelled(report).await;
            });
        }
        for job in &self.inner.jobs {
            let (job, ended) = (job.clone(), watches.clone());
            tokio::spawn(async move {
                ended.run_until_cancelled(job.keep_running()).await;
            });
        }
        Ok(Running { workers, watches })
    }

    /// Waits until the last event of every client is handled.
    pub(crate) async fn finished(&self) {
        self.inner.tracker.close();
        self.inner.tracker.wait().await;
    }
}

impl Running {
    /// Stops the workers of all queues at once; each may finish what it runs within `patience`, or
    /// stop at its next stage within `grace`.
    pub(crate) async fn stop(mut self, patience: Duration, grace: Duration) {
        let workers = std::mem::take(&mut self.workers);
        let stopping = workers.into_iter().map(|workers| workers.stop(patience, grace));
        futures_util::future::join_all(stopping).await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.watches.cancel();
    }
}

impl std::fmt::Debug for Router {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Router").field("routes", &self.inner.routes.len()).finish_non_exhaustive()
    }
}
