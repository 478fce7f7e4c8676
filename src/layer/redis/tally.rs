//! Counts the messages of a layer, and logs how many were not delivered.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;

use super::Servers;
use crate::redis::Failure;

/// Counts the messages of a layer.
#[derive(Debug, Default)]
pub(super) struct Tally {
    sent: AtomicU64,
    received: AtomicU64,
    /// Messages beyond the capacity of their receivers.
    full: Told,
    /// Messages for other processes while a server was away.
    missed: Told,
    /// Messages of a type that clients do not get.
    unwanted: Told,
    /// Messages that are wrong or cannot be read.
    wrong: Told,
}

/// A count that the log tells of, at most once in [`TELL_EVERY`].
#[derive(Debug, Default)]
struct Told {
    count: AtomicU64,
    // `std`'s mutex: it is locked for single statements.
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The count that was told last.
    told: u64,
    at: Option<Instant>,
    /// An example since then.
    example: String,
}

/// The least time between two lines about the same matter.
const TELL_EVERY: Duration = Duration::from_secs(10);

/// What operators see of a layer.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Report {
    backend: &'static str,
    connected: bool,
    sent: u64,
    received: u64,
    over_capacity: u64,
    missed: u64,
    unwanted: u64,
    wrong: u64,
}

impl Tally {
    pub(super) fn sent(&self, messages: usize) {
        self.sent.fetch_add(messages as u64, Ordering::Relaxed);
    }

    pub(super) fn received(&self) {
        self.received.fetch_add(1, Ordering::Relaxed);
    }

    /// The messages that wait for a receiver have reached its capacity.
    pub(super) fn full(&self, channel: &str) {
        if let Some(count) = self.full.note(channel) {
            tracing::warn!(
                count,
                channel,
                "messages beyond the capacity of their channel were dropped"
            );
        }
    }

    pub(super) fn missed(&self, failure: &Failure) {
        if let Some(count) = self.missed.note("") {
            tracing::warn!(count, error = %failure, "messages did not reach other processes");
        }
    }

    pub(super) fn unwanted(&self, kind: &str) {
        if let Some(count) = self.unwanted.note(kind) {
            // Quoted, because another program has chosen it.
            tracing::warn!(count, r#type = ?kind, "messages of a type that clients do not get were dropped; `[layer] forward` may list it");
        }
    }

    pub(super) fn wrong(&self, why: &str) {
        if let Some(count) = self.wrong.note(why) {
            tracing::warn!(count, why = ?why, "wrong messages of other processes were dropped");
        }
    }

    /// Tells of counts that have grown since they were told.
    pub(super) fn tell(&self) {
        for (told, what) in [
            (&self.full, "messages beyond the capacity of their channel were dropped"),
            (&self.missed, "messages did not reach other processes"),
            (&self.unwanted, "messages of a type that clients do not get were dropped"),
            (&self.wrong, "wrong messages of other processes were dropped"),
        ] {
            if let Some((count, example)) = told.rest() {
                tracing::warn!(count, example = ?example, "{what}");
            }
        }
    }

    pub(super) fn report(&self, servers: &Servers) -> Report {
        let count = |told: &Told| told.count.load(Ordering::Relaxed);
        Report {
            backend: "redis",
            connected: servers.0.iter().all(crate::redis::Server::is_connected),
            sent: self.sent.load(Ordering::Relaxed),
            received: self.received.load(Ordering::Relaxed),
            over_capacity: count(&self.full),
            missed: count(&self.missed),
            unwanted: count(&self.unwanted),
            wrong: count(&self.wrong),
        }
    }
}

impl Told {
    /// Counts one more; returns the number since the last line, if it is time for another.
    fn note(&self, example: &str) -> Option<u64> {
        let count = self.count.fetch_add(1, Ordering::Relaxed) + 1;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.at.is_some_and(|at| at.elapsed() < TELL_EVERY) {
            example.clone_into(&mut state.example);
            return None;
        }
        Some(state.tell(count))
    }

    /// The number since the last line and an example, if it is time for another line.
    fn rest(&self) -> Option<(u64, String)> {
        let count = self.count.load(Ordering::Relaxed);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.told >= count || state.at.is_some_and(|at| at.elapsed() < TELL_EVERY) {
            return None;
        }
        let example = std::mem::take(&mut state.example);
        Some((state.tell(count), example))
    }
}

impl State {
    fn tell(&mut self, count: u64) -> u64 {
        let since = count.saturating_sub(self.told);
        self.told = self.told.max(count);
        self.at = Some(Instant::now());
        since
    }
}
