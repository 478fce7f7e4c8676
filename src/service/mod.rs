//! The service: all that lives as long as the process. This is the channel layer, the queues and
//! their workers, the states and background jobs of consumers, the clients, and the current router.

mod changes;
mod connections;
mod home;
mod layer;
mod queues;
#[cfg_attr(
    not(feature = "cli"),
    expect(dead_code, reason = "only a program of `cli` reloads its table")
)]
mod reloads;
mod replace;
mod reports;
mod start_error;
mod states;
mod table;

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::action::Publisher;
use crate::layer::ChannelLayer;
use crate::memory::Memory;
use crate::queue::TaskQueue;
use crate::routing::{MatchedRoutes, Router};

use connections::Connections;
use home::Home;
use queues::Queues;
use states::{Jobs, States};

pub use changes::{Changed, Changes};
pub(crate) use connections::Registered;
#[cfg(feature = "cli")]
pub(crate) use reloads::{Fault, Reload, Requests};
pub(crate) use reloads::{Outcome, Reloads, Trigger};
pub use start_error::StartError;
pub(crate) use table::{LiveRoute, Table};

/// A running routing table: its queues and their workers, the channel layer, the states and
/// background jobs of its consumers, and its clients. Clones are the same service.
///
/// ```
/// use waterway::testing::TestClient;
/// use waterway::{Registry, Router, Service, Text};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let registry = Registry::new()
///     .function("shout", async |Text(text): Text| text.to_uppercase())
///     .function("count", async |Text(text): Text| text.len().to_string());
/// let table = |consumer: &str| {
///     let route = "[[route]]\nchannel = 'websocket.receive'\npath = '/'";
///     Router::parse(&format!("{route}\nconsumer = '{consumer}'"), &registry)
/// };
/// let service = Service::start(table("shout")?).await?;
/// let mut client = TestClient::connect(&service, "/").await.expect("accepted");
/// client.send("hello").await;
/// assert_eq!(client.receive().await.text(), "HELLO");
///
/// // Another table takes its place. The client stays connected.
/// service.replace(table("count")?).await?;
/// client.send("hello").await;
/// assert_eq!(client.receive().await.text(), "5");
///
/// client.disconnect(1000).await;
/// service.stop().await;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Service {
    shared: Arc<SharedService>,
}

#[derive(Debug)]
struct SharedService {
    table: ArcSwap<Table>,
    /// The number of the current table; a route that was found in a table with another number is
    /// out of date.
    generation: AtomicU64,
    layer: ChannelLayer,
    publisher: Publisher,
    memory: Memory,
    home: Home,
    /// Identifies this process among others; it is the middle part of every reply channel's name.
    node: String,
    connections: Connections,
    /// The clients whose last event has not been handled yet.
    tracker: TaskTracker,
    // `std`'s mutex: no code awaits while it is locked.
    running: Mutex<Running>,
    /// One permit, so that only one replacement is done at a time.
    turn: Semaphore,
    reloads: Reloads,
    /// States that are no longer in the table and have not been stopped yet.
    retiring: TaskTracker,
    /// Cancelled when states must stop immediately, even if they are still used.
    ending: CancellationToken,
}

/// The parts that run independently of the sockets.
#[derive(Debug, Default)]
struct Running {
    states: States,
    queues: Queues,
    jobs: Jobs,
    stopped: bool,
}

impl Service {
    /// Starts the states, queues, workers and background jobs of the table. Call it within a Tokio
    /// runtime, which then runs all of them.
    ///
    /// # Errors
    /// If a state cannot start, or the system cannot start the workers' threads.
    pub async fn start(router: Router) -> Result<Self, StartError> {
        Self::begin(&router).await?.started().await
    }

    /// As [`start`](Self::start), for a test of the table: it shares nothing with other processes.
    #[cfg(feature = "cli")]
    pub(crate) async fn start_alone(router: Router) -> Result<Self, StartError> {
        let layer = ChannelLayer::new(router.server().groups);
        Self::begin_on(&router, layer, Home::memory(), new_node()).await?.started().await
    }

    async fn started(self) -> Result<Self, StartError> {
        match self.start_work() {
            Ok(()) => Ok(self),
            Err(error) => {
                self.stop().await;
                Err(error)
            }
        }
    }

    /// A service whose states have been started, but not its workers and background jobs.
    pub(crate) async fn begin(router: &Router) -> Result<Self, StartError> {
        let node = new_node();
        let layer = layer::layer(router, &node);
        Self::begin_on(router, layer, Home::new(router), node).await
    }

    async fn begin_on(
        router: &Router,
        layer: ChannelLayer,
        home: Home,
        node: String,
    ) -> Result<Self, StartError> {
        #[cfg(feature = "redis")]
        home.prepare().await?;
        let memory = queues::memory(router);
        let publisher = Publisher::new(layer.clone());
        let states = States::start(router, &publisher, |_| true).await?;
        let queues = queues::make(router, &home, &memory, |_| None);
        let since = router.consumers().iter().map(|used| (Arc::clone(&used.name), 0)).collect();
        let table = Table::new(router, 0, since, &queues, &states.handles().collect(), &publisher);
        publisher.set_queues(queues);
        let shared = SharedService {
            table: ArcSwap::from_pointee(table),
            generation: AtomicU64::new(0),
            layer,
            publisher,
            memory,
            home,
            node,
            connections: Connections::default(),
            tracker: TaskTracker::new(),
            running: Mutex::new(Running { states, ..Running::default() }),
            turn: Semaphore::new(1),
            reloads: Reloads::default(),
            retiring: TaskTracker::new(),
            ending: CancellationToken::new(),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Starts the workers and the background jobs.
    pub(crate) fn start_work(&self) -> Result<(), StartError> {
        let table = self.table();
        let mut running = self.running();
        let started = running.queues.start_missing(&table)?;
        running.queues.extend(started);
        running.jobs.start(&table, |_| true);
        Ok(())
    }

    /// Stops the service: accepts no more tasks, lets running ones finish within `[server] drain`,
    /// answers the queued ones, and ends the background jobs. Then it closes its clients with 1012,
    /// handles their last events within `limits.closing`, and stops the states.
    pub async fn stop(self) {
        self.stop_work().await;
        self.finish().await;
    }

    /// Stops the workers of all queues at once, and then the background jobs.
    pub(crate) async fn stop_work(&self) {
        let (patience, grace) = (self.table().router().server().drain.duration(), self.closing());
        let (queues, jobs) = {
            let mut running = self.running();
            running.stopped = true;
            (std::mem::take(&mut running.queues), std::mem::take(&mut running.jobs))
        };
        queues.stop(patience, grace).await;
        drop(jobs);
    }

    /// Closes the clients that are still connected, waits until the last event of each has been
    /// handled, and then stops the states. Both steps take at most `limits.closing` each.
    pub(crate) async fn finish(&self) {
        let closing = self.closing();
        // Without routes, clients are closed, and no route holds a state.
        self.shared.table.rcu(|table| table.without_routes());
        self.shared.generation.store(self.table().generation(), Ordering::Release);
        self.shared.connections.tell().await;
        self.shared.tracker.close();
        if timeout(closing, self.shared.tracker.wait()).await.is_err() {
            tracing::warn!("consumers were cut off");
        }
        let states = std::mem::take(&mut self.running().states);
        self.shared.ending.cancel();
        self.retire(states);
        self.shared.retiring.close();
        if timeout(closing, self.shared.retiring.wait()).await.is_err() {
            tracing::warn!("the states of consumers were cut off");
        }
        if timeout(closing, self.shared.layer.stop()).await.is_err() {
            tracing::warn!("other processes were not told that this one ends");
        }
    }

    /// The current routing table.
    #[must_use]
    pub fn router(&self) -> Router {
        self.shared.table.load().router().clone()
    }

    /// The channel layer.
    #[must_use]
    pub fn layer(&self) -> &ChannelLayer {
        &self.shared.layer
    }

    /// Applies actions to clients and groups, outside of events.
    #[must_use]
    pub fn publisher(&self) -> &Publisher {
        &self.shared.publisher
    }

    /// The queue of this name, if the table has one.
    #[must_use]
    pub fn queue(&self, name: &str) -> Option<TaskQueue> {
        self.shared.table.load().queue(name).cloned()
    }

    /// Requests to reload the table, and the last reload.
    pub(crate) fn reloads(&self) -> &Reloads {
        &self.shared.reloads
    }

    pub(crate) fn table(&self) -> Arc<Table> {
        self.shared.table.load_full()
    }

    /// The number of the current table.
    pub(crate) fn generation(&self) -> u64 {
        self.shared.generation.load(Ordering::Acquire)
    }

    /// The service's memory.
    pub(crate) fn memory(&self) -> &Memory {
        &self.shared.memory
    }

    /// The routes that match a path.
    pub(crate) fn matched(&self, path: &str) -> MatchedRoutes<LiveRoute> {
        self.shared.table.load().matched(path)
    }

    /// A name for a new client: `waterway.<node>!<client>`. Its last part has 128 random bits,
    /// because whoever knows the name may act on the client.
    pub(crate) fn new_name(&self) -> Arc<str> {
        // Six bits of a UUID are fixed (RFC 9562, section 5.4). Turned by half, those of the one
        // fall on random bits of the other.
        let [one, other] = [uuid::Uuid::new_v4(), uuid::Uuid::new_v4()].map(|id| id.as_u128());
        format!("waterway.{}!{:032x}", self.shared.node, one ^ other.rotate_left(64)).into()
    }

    /// How long a closing handshake may take.
    pub(crate) fn closing(&self) -> Duration {
        self.shared.table.load().router().limits().closing.duration()
    }

    /// How long a client may leave its HTTP response unread.
    pub(crate) fn idle_timeout(&self) -> Duration {
        self.shared.table.load().router().limits().idle.duration()
    }

    /// Runs a client's events.
    pub(crate) fn spawn(
        &self,
        events: impl Future<Output = ()> + Send + 'static,
    ) -> JoinHandle<()> {
        self.shared.tracker.spawn(events)
    }

    /// Notifies a connection whenever the table is replaced, until the result is dropped.
    pub(crate) fn register(&self, tell: impl Fn() + Send + Sync + 'static) -> Registered {
        self.shared.connections.register(Arc::new(tell))
    }

    /// Removes all state of a client that has left.
    pub(crate) fn leave(&self, client: &str) {
        self.shared.layer.leave(client);
        for queue in self.shared.table.load().queues_with_removed() {
            queue.leave(client);
        }
    }

    /// Stops states when they are no longer used. Sockets that keep them are closed after `[server]
    /// retire`.
    fn retire(&self, states: States) {
        let patience = self.table().router().server().retire.duration() + self.closing();
        for state in states.into_states() {
            self.shared.retiring.spawn(state.stop(patience, self.shared.ending.clone()));
        }
    }

    fn running(&self) -> MutexGuard<'_, Running> {
        // No code panics while it is locked.
        self.shared.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A name for this process.
fn new_node() -> String {
    uuid::Uuid::new_v4().simple().to_string()[..8].to_owned()
}
