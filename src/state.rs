//! The state of a consumer: made once for each `[consumer.NAME]` from its options.

use std::any::{Any, TypeId, type_name};
use std::fmt;
use std::future::Future;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use serde_json::Value;
use tokio::time::sleep;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::contents::Contents;
use crate::error::Error;
use crate::layer::ChannelLayer;
use crate::setting::{ConsumerOptions, Diagnostic, OptionSchemas, SpannedValue, read};
use crate::supervise::panic_message;

/// The state that a consumer keeps between messages: a cache, a budget, a pool, or a counter that
/// connections share. A service makes it once for each `[consumer.NAME]`, however many routes,
/// queues and jobs name the consumer, and all of them get it as a [`State`].
///
/// ```
/// use std::sync::atomic::{AtomicU64, Ordering};
/// use waterway::testing::{self, TestClient};
/// use waterway::{Error, Host, Registry, State, Stateful, schemars};
///
/// #[derive(serde::Deserialize, schemars::JsonSchema)]
/// struct Begin {
///     from: u64,
/// }
///
/// struct Counter(AtomicU64);
///
/// impl Stateful for Counter {
///     type Options = Begin;
///
///     async fn start(options: Begin, _: &Host) -> Result<Self, Error> {
///         Ok(Self(AtomicU64::new(options.from)))
///     }
/// }
///
/// async fn count(counter: State<Counter>) -> String {
///     counter.0.fetch_add(1, Ordering::Relaxed).to_string()
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let registry = Registry::new().function("count", count).state::<Counter>("count");
/// let table = "
///     [consumer.visits]
///     use  = 'count'
///     from = 5
///     [[route]]
///     channel  = 'websocket.receive'
///     path     = '/'
///     consumer = 'visits'
/// ";
/// let service = testing::start(table, &registry).await;
/// for expected in ["5", "6"] {
///     let mut client = TestClient::connect(&service, "/").await.expect("accepted");
///     client.send("one more").await;
///     assert_eq!(client.receive().await.text(), expected);
/// }
/// # }
/// ```
pub trait Stateful: Send + Sync + Sized + 'static {
    /// The consumer's options. Mistakes in them are reported when the table is checked.
    type Options: ConsumerOptions;

    /// Makes the state from the consumer's options. This is the place to read files and open
    /// connections.
    ///
    /// # Errors
    /// Why the consumer cannot work. The service then does not start, or keeps its former table.
    fn start(
        options: Self::Options,
        host: &Host,
    ) -> impl Future<Output = Result<Self, Error>> + Send;

    /// The files that belong to the consumer, such as the source of a program. If one of them has
    /// changed, the next reload of the table starts the state again, as if an option had changed.
    ///
    /// The program `serve` watches them if `[server] reload` is `"watch"`, or if the consumer has
    /// an option `reload` with this value. Default: none.
    fn files(options: &Self::Options) -> Vec<PathBuf> {
        let _ = options;
        Vec::new()
    }

    /// How many tasks the state does at a time, if that is known. A queue of the consumer begins no
    /// more, so that the order of the other tasks can still change. By default the queue alone
    /// decides.
    fn tasks(options: &Self::Options) -> Option<usize> {
        let _ = options;
        None
    }

    /// Tries, for `check --start`, whether the state could start, and leaves nothing running.
    /// Returns a sentence about the outcome. By default nothing is tried, and nothing returned.
    ///
    /// # Errors
    /// Why the state cannot start. The cause may have a second line, with the way out.
    fn try_out(
        options: Self::Options,
        host: &Host,
    ) -> impl Future<Output = Result<Option<String>, Error>> + Send {
        let _ = (options, host);
        async { Ok(None) }
    }

    /// What operators see of the state (`GET /v1/consumers`), such as the number of its children.
    /// It must not block. By default nothing: `null`.
    fn status(&self) -> Value {
        Value::Null
    }

    /// Ends whatever the state has started. It is called when the state is no longer used, or, if
    /// the table has changed or removed its consumer, at the end of `[server] retire`.
    fn stop(&self) -> impl Future<Output = ()> + Send {
        async {}
    }
}

/// The parts of a service that a state may use when it starts.
#[derive(Debug, Clone)]
pub struct Host {
    consumer: Arc<str>,
    layer: ChannelLayer,
    /// A value whose type belongs to a higher floor.
    further: Arc<dyn Any + Send + Sync>,
}

impl Host {
    pub(crate) fn new<T: Any + Send + Sync>(
        consumer: Arc<str>,
        layer: ChannelLayer,
        further: T,
    ) -> Self {
        Self { consumer, layer, further: Arc::new(further) }
    }

    /// The further value, if it has this type.
    pub(crate) fn get<T: Any>(&self) -> Option<&T> {
        self.further.downcast_ref()
    }

    /// The name of the consumer in the table.
    #[must_use]
    pub fn consumer(&self) -> &Arc<str> {
        &self.consumer
    }

    /// The service's channel layer.
    #[must_use]
    pub fn layer(&self) -> &ChannelLayer {
        &self.layer
    }
}

/// The state of a consumer, as an argument of functions, constructors of socket consumers, and
/// background jobs. Clones are the same state.
pub struct State<S>(Arc<Lease<S>>);

/// Keeps a state in use; dropping the last reference reports that it is no longer used.
struct Lease<S> {
    state: Arc<S>,
    _used: DropGuard,
}

impl<S> Deref for State<S> {
    type Target = S;

    fn deref(&self) -> &S {
        &self.0.state
    }
}

impl<S> Clone for State<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S> fmt::Debug for State<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("State").field(&type_name::<S>()).finish()
    }
}

/// The type of state that a consumer of the registry has.
#[derive(Clone, Copy)]
pub(crate) struct StateKind {
    type_id: TypeId,
    check: fn(&SpannedValue, &mut Vec<Diagnostic>),
    schema: fn(&mut OptionSchemas),
    files: fn(&SpannedValue) -> Vec<PathBuf>,
    tasks: fn(&SpannedValue) -> Option<usize>,
    start: fn(SpannedValue, Host) -> Starting,
    #[cfg_attr(not(feature = "cli"), expect(dead_code, reason = "only `check` tries consumers"))]
    try_out: fn(SpannedValue, Host) -> Trying,
}

type Starting = Pin<Box<dyn Future<Output = Result<LiveState, Error>> + Send>>;
type Trying = Pin<Box<dyn Future<Output = Result<Option<String>, Error>> + Send>>;

/// The state of one `[consumer.NAME]` while a service runs.
pub(crate) struct LiveState {
    handle: StateHandle,
    state: Arc<dyn AnyState>,
    /// Cancelled once no handle is left.
    unused: CancellationToken,
    /// The content of the consumer's files just before the state was made.
    files: Contents,
}

/// A `State<S>` without its type, in the form that is given to consumers.
#[derive(Clone)]
pub(crate) struct StateHandle {
    /// The type `State<S>`.
    pub(crate) key: TypeId,
    pub(crate) handle: Arc<dyn Any + Send + Sync>,
}

/// A state without its type.
pub(crate) trait AnyState: Send + Sync {
    /// What operators see of it; `null` if it panics.
    fn status(&self) -> Value;

    fn stop(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

impl<S: Stateful> AnyState for S {
    fn status(&self) -> Value {
        let status = catch_unwind(AssertUnwindSafe(|| Stateful::status(self)));
        status.unwrap_or(Value::Null)
    }

    fn stop(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(Stateful::stop(self))
    }
}

impl StateKind {
    pub(crate) fn of<S: Stateful>() -> Self {
        Self {
            type_id: TypeId::of::<S>(),
            check: |options, diagnostics| {
                read::<S::Options>(options, diagnostics);
            },
            schema: OptionSchemas::add::<S::Options>,
            files: |options| {
                let options = read::<S::Options>(options, &mut Vec::new());
                options.map(|options| S::files(&options)).unwrap_or_default()
            },
            tasks: |options| {
                let options = read::<S::Options>(options, &mut Vec::new());
                options.and_then(|options| S::tasks(&options))
            },
            start: |options, host| Box::pin(start::<S>(options, host)),
            try_out: |options, host| Box::pin(try_out::<S>(options, host)),
        }
    }

    pub(crate) fn type_id(&self) -> TypeId {
        self.type_id
    }

    /// Reports mistakes in options.
    pub(crate) fn check(&self, options: &SpannedValue, diagnostics: &mut Vec<Diagnostic>) {
        (self.check)(options, diagnostics);
    }

    /// Adds the type of its options.
    pub(crate) fn add_schema(&self, schemas: &mut OptionSchemas) {
        (self.schema)(schemas);
    }

    /// The files that belong to a consumer with these options.
    pub(crate) fn files(&self, options: &SpannedValue) -> Vec<PathBuf> {
        // A panic here is one of the consumer.
        catch_unwind(|| (self.files)(options)).unwrap_or_default()
    }

    /// How many tasks a state with these options does at a time, if it knows.
    pub(crate) fn tasks(&self, options: &SpannedValue) -> Option<usize> {
        // A panic here is one of the consumer.
        catch_unwind(|| (self.tasks)(options)).unwrap_or_default()
    }

    /// Tries whether a state with these options, which have been checked, could start.
    #[cfg(feature = "cli")]
    pub(crate) async fn try_out(
        &self,
        options: &SpannedValue,
        host: Host,
    ) -> Result<Option<String>, Error> {
        let trying = AssertUnwindSafe((self.try_out)(options.clone(), host)).catch_unwind();
        trying.await.unwrap_or_else(|panic| Err(Error::failed(panic_message(panic.as_ref()))))
    }

    /// Starts a state with options that have been checked.
    pub(crate) async fn start(
        &self,
        options: &SpannedValue,
        host: Host,
    ) -> Result<LiveState, Error> {
        let starting = AssertUnwindSafe((self.start)(options.clone(), host)).catch_unwind();
        starting.await.unwrap_or_else(|panic| Err(Error::failed(panic_message(panic.as_ref()))))
    }
}

async fn start<S: Stateful>(options: SpannedValue, host: Host) -> Result<LiveState, Error> {
    // Read again for each start, so that options need not be `Clone`: a router may be started
    // several times.
    let options = read::<S::Options>(&options, &mut Vec::new());
    let options = options.ok_or_else(|| Error::failed("its options were not checked"))?;
    let files = Contents::read(S::files(&options)).await;
    let state = Arc::new(S::start(options, &host).await?);
    let unused = CancellationToken::new();
    let lease = Lease { state: Arc::clone(&state), _used: unused.clone().drop_guard() };
    let handle = Arc::new(State(Arc::new(lease)));
    let handle = StateHandle { key: TypeId::of::<State<S>>(), handle };
    Ok(LiveState { handle, state, unused, files })
}

async fn try_out<S: Stateful>(options: SpannedValue, host: Host) -> Result<Option<String>, Error> {
    let options = read::<S::Options>(&options, &mut Vec::new());
    let options = options.ok_or_else(|| Error::failed("its options were not checked"))?;
    S::try_out(options, &host).await
}

impl LiveState {
    pub(crate) fn handle(&self) -> &StateHandle {
        &self.handle
    }

    /// The content of the consumer's files just before the state was made.
    pub(crate) fn files(&self) -> &Contents {
        &self.files
    }

    /// The state without its type.
    pub(crate) fn state(&self) -> Arc<dyn AnyState> {
        Arc::clone(&self.state)
    }

    /// Stops the state when it is no longer used; at the latest after `patience`, or when `at_once`
    /// is cancelled.
    pub(crate) async fn stop(self, patience: Duration, at_once: CancellationToken) {
        let Self { handle, state, unused, .. } = self;
        drop(handle);
        tokio::select! {
            () = unused.cancelled() => {}
            () = sleep(patience) => {}
            () = at_once.cancelled() => {}
        }
        if let Err(panic) = AssertUnwindSafe(state.stop()).catch_unwind().await {
            let error = panic_message(panic.as_ref());
            tracing::error!(%error, "a consumer's state panicked as it was stopped");
        }
    }
}

impl fmt::Debug for LiveState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveState").finish_non_exhaustive()
    }
}

impl fmt::Debug for StateHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StateHandle").finish_non_exhaustive()
    }
}

impl fmt::Debug for StateKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StateKind").finish_non_exhaustive()
    }
}
