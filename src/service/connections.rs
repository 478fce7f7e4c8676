//! The open connections, which are notified when the table is replaced.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use slab::Slab;

use crate::spare::GiveBack;

/// The open connections. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Connections {
    // `std`'s mutex: no connection is notified while it is locked.
    tells: Arc<Mutex<Slab<Tell>>>,
}

/// How many connections look up their routes before other work has its turn. Each takes some ten
/// microseconds.
const AT_A_TIME: usize = 64;

type Tell = Arc<dyn Fn() + Send + Sync>;

/// The registration of a connection; dropping it ends the notifications.
#[derive(Debug)]
pub(crate) struct Registered {
    connections: Connections,
    key: usize,
}

impl Connections {
    pub(super) fn register(&self, tell: Tell) -> Registered {
        let key = self.lock().insert(tell);
        Registered { connections: self.clone(), key }
    }

    /// Notifies each connection that the table has been replaced, some at a time, so that their
    /// work does not delay the messages of others.
    pub(super) async fn tell(&self) {
        let tells: Vec<Tell> = self.lock().iter().map(|(_, tell)| Arc::clone(tell)).collect();
        for some in tells.chunks(AT_A_TIME) {
            for tell in some {
                tell();
            }
            tokio::task::yield_now().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Slab<Tell>> {
        // No code panics while it is locked.
        self.tells.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        let mut tells = self.connections.lock();
        let tell = tells.remove(self.key);
        tells.give_back();
        drop(tells);
        drop(tell);
    }
}

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connections").field("open", &self.lock().len()).finish()
    }
}
