//! The clock of a queue, which tests can set.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// The clock of a queue: that of the server for leases, and that of this process for deadlines.
#[derive(Debug, Clone, Default)]
pub(in crate::queue) struct Clock(Option<Set>);

/// A clock that stands still until a test moves it.
#[derive(Debug, Clone)]
struct Set {
    begun: Instant,
    passed: Arc<AtomicU64>,
}

/// What a set clock of a server shows at its beginning, ms.
const BEGINNING: u64 = 1_000_000;

impl Clock {
    #[cfg(test)]
    pub(in crate::queue) fn set() -> Self {
        Self(Some(Set { begun: Instant::now(), passed: Arc::default() }))
    }

    #[cfg(test)]
    pub(in crate::queue) fn advance(&self, time: Duration) {
        let Some(set) = &self.0 else { return };
        let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        set.passed.fetch_add(millis, Ordering::Relaxed);
    }

    /// The time of this process.
    pub(in crate::queue) fn now(&self) -> Instant {
        match &self.0 {
            None => Instant::now(),
            Some(set) => set.begun + Duration::from_millis(set.passed.load(Ordering::Relaxed)),
        }
    }

    /// Whether it stands still by itself.
    pub(super) fn is_set(&self) -> bool {
        self.0.is_some()
    }

    /// What a script takes for the time; empty: the server's own.
    pub(super) fn server_now(&self) -> String {
        match &self.0 {
            None => String::new(),
            Some(set) => (BEGINNING + set.passed.load(Ordering::Relaxed)).to_string(),
        }
    }
}
