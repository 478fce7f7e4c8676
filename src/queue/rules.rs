//! The rules of a queue.

use std::sync::Arc;
#[cfg(feature = "redis")]
use std::time::Duration;

use http::HeaderName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::fair::FairBy;
use crate::schedule::Bounds;

/// The rules of a queue, from `[queue.NAME]` in `routing.toml`.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    pub(crate) bounds: Bounds,
    pub(crate) fair_by: FairBy,
    pub(crate) on_disconnect: OnDisconnect,
    /// How many tasks are worked on at once; at least 1.
    pub(crate) workers: usize,
    /// How many tasks may be begun for each worker; at least 1. With 1, a task that waits holds its
    /// worker.
    pub(crate) waiting: usize,
    /// How many tasks its consumer does at a time, if it knows.
    pub(crate) capacity: Option<usize>,
    /// The headers that its tasks keep.
    pub(crate) headers: Arc<[HeaderName]>,
    #[cfg(feature = "redis")]
    pub(crate) dead_letters: DeadLetterRules,
}

/// When the engine over Redis gives a task up because its workers end, and the bounds of dead letters.
#[cfg(feature = "redis")]
#[derive(Debug, Clone, Copy)]
pub(crate) struct DeadLetterRules {
    /// How often a task is begun; at least 1.
    pub(crate) attempts: u32,
    /// The most dead letters.
    pub(crate) tasks: usize,
    /// The most bytes of all dead letters together.
    pub(crate) bytes: u64,
    /// How long a dead letter is kept.
    pub(crate) keep: Duration,
}

/// What becomes of a client's tasks when it leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnDisconnect {
    /// They are cancelled, the running one at its next stage.
    #[default]
    Cancel,
    /// They are finished, and their answers are dropped.
    Finish,
}

impl Rules {
    /// How many tasks may be begun at once, worked on and waiting together.
    pub(super) fn begun_at_most(&self) -> usize {
        let allowed = self.workers.max(1).saturating_mul(self.waiting.max(1));
        self.capacity.map_or(allowed, |capacity| allowed.min(capacity.max(1)))
    }
}
