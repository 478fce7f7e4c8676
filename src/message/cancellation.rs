//! Tells work on a message that it is no longer wanted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio::sync::Notify;

use crate::error::{Error, code};

/// Whether the work on a message is still wanted, and if not, why. Clones share this state.
///
/// Long work checks it between its stages:
///
/// ```
/// # use waterway::{Cancellation, Error};
/// fn work(cancellation: &Cancellation) -> Result<(), Error> {
///     for _stage in ["decode", "resize", "encode"] {
///         cancellation.check()?;
///     }
///     Ok(())
/// }
/// # assert!(work(&Cancellation::default()).is_ok());
/// ```
#[derive(Debug, Clone, Default)]
pub struct Cancellation(Arc<Notice>);

// One allocation without a lock, because every task has a notice of its own.
#[derive(Debug, Default)]
struct Notice {
    /// A [`Reason`], or 0 while the work is wanted.
    reason: AtomicU8,
    waiting: Notify,
}

/// Why work is no longer wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Its client cancelled it or left.
    Cancelled = 1,
    /// Its deadline has passed.
    Expired = 2,
    /// The service is stopping.
    Restart = 3,
}

/// After how many milliseconds a client may try again when the service restarts.
const RESTART_MS: u64 = 1000;

impl Reason {
    /// The error that the client gets.
    #[must_use]
    pub fn error(self) -> Error {
        match self {
            Self::Cancelled => Error::new(code::CANCELLED, "cancelled"),
            Self::Expired => Error::new(code::EXPIRED, "not done before its deadline"),
            // Not `cancelled`, because its client has not asked for it and still wants the work
            // done.
            Self::Restart => Error::new(code::REFUSED, "the service restarts; send it again")
                .with("retry_after_ms", RESTART_MS),
        }
    }
}

impl Cancellation {
    /// Cancels the work. Only the first reason counts.
    pub fn cancel(&self, reason: Reason) {
        let Notice { reason: given, waiting } = &*self.0;
        let (order, failed) = (Ordering::AcqRel, Ordering::Acquire);
        if given.compare_exchange(0, reason as u8, order, failed).is_ok() {
            waiting.notify_waiters();
        }
    }

    /// Whether the work was cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.reason().is_some()
    }

    /// The reason, if the work was cancelled.
    #[must_use]
    pub fn reason(&self) -> Option<Reason> {
        match self.0.reason.load(Ordering::Acquire) {
            0 => None,
            2 => Some(Reason::Expired),
            3 => Some(Reason::Restart),
            _ => Some(Reason::Cancelled),
        }
    }

    /// Succeeds while the work is wanted.
    ///
    /// # Errors
    /// The error for the client, if the work was cancelled.
    pub fn check(&self) -> Result<(), Error> {
        match self.reason() {
            None => Ok(()),
            Some(reason) => Err(reason.error()),
        }
    }

    /// Waits until the work is cancelled.
    pub async fn cancelled(&self) {
        // Registered before the reason is read, so that a cancellation in between is not missed.
        let notified = self.0.waiting.notified();
        if !self.is_cancelled() {
            notified.await;
        }
    }
}
