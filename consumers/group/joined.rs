//! The groups that a client has joined by `group.join`, so that only these are told when it leaves.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use waterway::Message;

/// The names of the groups that one client has joined and not left. A client that was refused has
/// joined none. `[server] groups` bounds their number.
#[derive(Debug, Default)]
pub(super) struct Joined(Mutex<BTreeSet<String>>);

impl Joined {
    /// The groups of the message's client; `None` for a task, which is without a connection.
    pub(super) fn of(message: &Message) -> Option<Arc<Self>> {
        static KEY: LazyLock<Arc<str>> = LazyLock::new(|| Arc::from("group.join"));
        Some(message.scope()?.slot(&KEY, Self::default))
    }

    pub(super) fn add(&self, group: String) {
        self.names().insert(group);
    }

    /// Forgets a group; `true` if the client had joined it.
    pub(super) fn remove(&self, group: &str) -> bool {
        self.names().remove(group)
    }

    fn names(&self) -> MutexGuard<'_, BTreeSet<String>> {
        // No code panics while it is locked.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
