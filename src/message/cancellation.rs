//! The notice that nobody waits for a message's work any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio::sync::Notify;

use crate::error::{Error, code};

/// Whether the work on a message is still wanted, and if not, why. Clones are the same notice.
///
/// Work that runs for long asks between its stages:
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

// One allocation, and no lock to share it: every task has a notice of its own.
#[derive(Debug, Default)]
struct Notice {
    /// A [`Reason`], or 0 until the notice is given.
    reason: AtomicU8,
    waiting: Notify,
}

/// Why work is not wanted any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Its client said so, or left.
    Cancelled = 1,
    /// Its deadline has passed.
    Expired = 2,
    /// The service stops.
    Restart = 3,
}

/// When a service that restarts is worth another try.
const RESTART_MS: u64 = 1000;

impl Reason {
    /// What the client is told.
    #[must_use]
    pub fn error(self) -> Error {
        match self {
            Self::Cancelled => Error::new(code::CANCELLED, "cancelled"),
            Self::Expired => Error::new(code::EXPIRED, "not done before its deadline"),
            // Not `cancelled`: its client has not asked for this, and still wants it done.
            Self::Restart => Error::new(code::REFUSED, "the service restarts; send it again")
                .with("retry_after_ms", RESTART_MS),
        }
    }
}

impl Cancellation {
    /// Gives the notice. The first reason stands.
    pub fn cancel(&self, reason: Reason) {
        let Notice { reason: given, waiting } = &*self.0;
        let (order, failed) = (Ordering::AcqRel, Ordering::Acquire);
        if given.compare_exchange(0, reason as u8, order, failed).is_ok() {
            waiting.notify_waiters();
        }
    }

    /// Whether the notice was given.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.reason().is_some()
    }

    /// Why, once the notice was given.
    #[must_use]
    pub fn reason(&self) -> Option<Reason> {
        match self.0.reason.load(Ordering::Acquire) {
            0 => None,
            2 => Some(Reason::Expired),
            3 => Some(Reason::Restart),
            _ => Some(Reason::Cancelled),
        }
    }

    /// Goes on only while the work is wanted.
    ///
    /// # Errors
    /// What the client is told, once the notice was given.
    pub fn check(&self) -> Result<(), Error> {
        match self.reason() {
            None => Ok(()),
            Some(reason) => Err(reason.error()),
        }
    }

    /// Waits for the notice.
    pub async fn cancelled(&self) {
        // Before the reason is looked at: one that is given in between is not missed.
        let notified = self.0.waiting.notified();
        if !self.is_cancelled() {
            notified.await;
        }
    }
}
