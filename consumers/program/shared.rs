//! What all running programs of a consumer share.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;
use waterway::action::Publisher;
use waterway::{Error, Host};

use super::options::Options;

/// What all running programs of a consumer share.
pub(super) struct Shared {
    /// The consumer's name in the table.
    pub(super) consumer: Arc<str>,
    pub(super) options: Options,
    pub(super) publisher: Publisher,
    pub(super) seen: Seen,
    pub(super) runtime: Handle,
    /// The tasks of the programs.
    pub(super) tasks: TaskTracker,
}

impl Shared {
    /// # Errors
    /// If the service has no publisher.
    pub(super) fn new(options: Options, host: &Host) -> Result<Self, Error> {
        Ok(Self {
            consumer: Arc::clone(host.consumer()),
            options,
            publisher: host.publisher()?,
            seen: Seen::default(),
            runtime: Handle::current(),
            tasks: TaskTracker::new(),
        })
    }
}

/// The names of clients whose events a consumer has seen, while they are connected. Clones are the
/// same names.
#[derive(Clone, Default)]
pub(super) struct Seen(Arc<Mutex<HashMap<Arc<str>, usize>>>);

/// Keeps the name of a client among those that a consumer has seen.
pub(super) struct SeenClient {
    seen: Seen,
    client: Arc<str>,
}

/// The name of a connection's client in the eyes of its consumer, kept for the connection. A consumer
/// that takes the place of a former one has not seen it yet.
#[derive(Default)]
pub(super) struct KeptSeen(Mutex<Option<SeenClient>>);

impl KeptSeen {
    /// Keeps it among the names that the consumer has seen.
    pub(super) fn keep(&self, seen: &Seen, client: &Arc<str>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.as_ref().is_none_or(|kept| !Arc::ptr_eq(&kept.seen.0, &seen.0)) {
            *kept = Some(seen.see(client));
        }
    }
}

impl Seen {
    pub(super) fn see(&self, client: &Arc<str>) -> SeenClient {
        *self.lock().entry(Arc::clone(client)).or_default() += 1;
        SeenClient { seen: self.clone(), client: Arc::clone(client) }
    }

    pub(super) fn contains(&self, client: &str) -> bool {
        self.lock().contains_key(client)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for SeenClient {
    fn drop(&mut self) {
        let mut seen = self.seen.lock();
        if let Some(count) = seen.get_mut(&self.client) {
            *count -= 1;
            if *count == 0 {
                seen.remove(&self.client);
            }
        }
    }
}
