//! The cost of a task so far, with which its client is charged.

use std::time::Duration;

use tokio::time::Instant;

/// The cost of a task so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cost {
    /// This much CPU time of its worker's thread.
    Cpu(Duration),
    /// The time that has passed since it began, because the work is done outside of this process.
    Since(Instant),
}

impl Cost {
    /// The time to charge now.
    pub(crate) fn charged(self) -> Duration {
        match self {
            Self::Cpu(time) => time,
            Self::Since(begun) => begun.elapsed(),
        }
    }
}
