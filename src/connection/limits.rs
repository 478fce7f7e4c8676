//! The limits of an open socket. They follow the table: the events of the connection set them after
//! each reload, and the parts of the socket read them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use crate::config::{Limits, RateAction};
use crate::routing::MatchedRoutes;
use crate::service::LiveRoute;
use crate::setting::Rate;

/// The limits of a socket, from the routes that match its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SocketLimits {
    /// The largest message, in bytes.
    pub(crate) message: usize,
    /// How many frames without a part of a message may arrive.
    pub(crate) rate: Rate,
    /// What happens to frames over the rate.
    pub(crate) rate_action: RateAction,
    /// How long the client may be silent: without a pong or any part of a message.
    pub(crate) idle: Duration,
    /// How long after the client's last sign of life a ping is sent; at most half of `idle`.
    pub(crate) ping: Duration,
    /// How long the closing handshake may take.
    pub(crate) closing: Duration,
    /// How fast a message must arrive, in bytes a second.
    pub(crate) pace: u64,
}

/// The limits of a socket at this moment.
#[derive(Debug)]
pub(crate) struct LiveLimits {
    // `std`'s mutex: it is locked for one copy, never across an await.
    current: Mutex<SocketLimits>,
    /// How often they have changed.
    changes: AtomicU64,
    changed: Notify,
}

/// The live limits, for a part of the socket that applies each change once.
pub(super) struct Followed {
    live: Arc<LiveLimits>,
    changes: u64,
}

impl SocketLimits {
    /// The limits of the routes that match the connection's path.
    pub(super) fn new(matched: &MatchedRoutes<LiveRoute>) -> Self {
        Self::of(matched.socket_limits(), matched.message_limit())
    }

    /// These limits, with a largest message of this many bytes.
    pub(super) fn of(limits: &Limits, message: usize) -> Self {
        Self {
            message,
            rate: limits.rate,
            rate_action: limits.rate_action,
            idle: limits.idle.duration(),
            ping: limits.ping.duration().min(limits.idle.duration() / 2),
            closing: limits.closing.duration(),
            pace: limits.pace.bytes(),
        }
    }
}

impl LiveLimits {
    pub(super) fn new(limits: SocketLimits) -> Self {
        Self { current: Mutex::new(limits), changes: AtomicU64::new(0), changed: Notify::new() }
    }

    pub(crate) fn get(&self) -> SocketLimits {
        *self.lock()
    }

    /// Sets them to those of another table.
    pub(super) fn set(&self, limits: SocketLimits) {
        let former = std::mem::replace(&mut *self.lock(), limits);
        if former != limits {
            self.changes.fetch_add(1, Ordering::Release);
            self.changed.notify_waiters();
        }
    }

    /// Waits for the next change. Made before the limits are read, it misses none.
    pub(super) fn changed(&self) -> Notified<'_> {
        self.changed.notified()
    }

    fn lock(&self) -> MutexGuard<'_, SocketLimits> {
        // No code panics while it is locked.
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Followed {
    pub(super) fn new(live: &Arc<LiveLimits>) -> Self {
        Self { live: Arc::clone(live), changes: live.changes.load(Ordering::Acquire) }
    }

    /// The limits, if they have changed since they were last returned.
    pub(super) fn take_change(&mut self) -> Option<SocketLimits> {
        let changes = self.live.changes.load(Ordering::Acquire);
        if changes == self.changes {
            return None;
        }
        self.changes = changes;
        Some(self.live.get())
    }
}
