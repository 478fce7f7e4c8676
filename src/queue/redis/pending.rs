//! Counts what has ended in this process and is not known to the server yet.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

/// The count. Clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct Unsettled(Arc<Count>);

#[derive(Debug, Default)]
struct Count {
    number: AtomicUsize,
    none: Notify,
}

/// One of them, until it is dropped.
#[derive(Debug)]
pub(super) struct Pending(Arc<Count>);

impl Unsettled {
    pub(super) fn begin(&self) -> Pending {
        self.0.number.fetch_add(1, Ordering::AcqRel);
        Pending(Arc::clone(&self.0))
    }

    pub(super) async fn none_is_left(&self) {
        loop {
            // Registered before the number is read, so that no change in between is missed.
            let none = self.0.none.notified();
            if self.0.number.load(Ordering::Acquire) == 0 {
                return;
            }
            none.await;
        }
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if self.0.number.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.none.notify_waiters();
        }
    }
}
