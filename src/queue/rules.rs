//! What a queue goes by.

use super::fair::FairBy;
use crate::schedule::Bounds;

/// What a queue goes by, `[queue.NAME]` in `routing.toml`.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    pub(crate) bounds: Bounds,
    pub(crate) fair_by: FairBy,
    pub(crate) on_disconnect: OnDisconnect,
    /// How many tasks are worked on at once; at least 1.
    pub(crate) workers: usize,
    /// How many tasks that wait for something each worker may have begun; at least 1, which is
    /// one that holds its worker.
    pub(crate) waiting: usize,
}

/// What becomes of a client's tasks when it leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnDisconnect {
    /// They are cancelled, the running one at its next stage.
    #[default]
    Cancel,
    /// They are finished, and their answers go nowhere.
    Finish,
}

impl Rules {
    /// How many tasks may be begun at once, worked on and waiting together.
    pub(super) fn begun_at_most(&self) -> usize {
        self.workers.max(1).saturating_mul(self.waiting.max(1))
    }
}
