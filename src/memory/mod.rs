//! The service's memory: one bound for all data whose size clients can influence. Bytes are counted
//! before they are allocated.
//!
//! Half of `[server] memory` is for running tasks. The other half is for data in transit:
//! connections, messages and bodies that are half received or wait to be handled, queued tasks, and
//! unsent replies. The halves are separate, so that data in transit never prevents a task from
//! beginning, and the queues always drain.

mod budget;
mod need;
mod transit;

pub use budget::{Budget, Grant};
pub(crate) use need::Granted;
pub use need::Need;
pub(crate) use transit::{Held, Spent, Stake, Transit};

/// The service's memory. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Memory {
    /// For running tasks.
    pub(crate) work: Budget,
    /// For data in transit.
    pub(crate) transit: Transit,
}

/// The memory of an open connection, in bytes: its tasks, their buffers, small messages in both
/// directions, its names. Measured for an idle WebSocket: 22 to 24 KiB.
pub(crate) const CONNECTION: usize = 24 << 10;

impl Memory {
    /// A memory of this many bytes. Half-received messages from one address may take `per_address`
    /// bytes of the half for data in transit.
    pub(crate) fn new(bytes: usize, per_address: usize) -> Self {
        let transit = bytes / 2;
        Self { work: Budget::new(bytes - transit), transit: Transit::new(transit, per_address) }
    }

    /// How many connections fit: together they may take half of the memory for data in transit.
    pub(crate) fn connections(&self) -> usize {
        (self.transit.limit() / 2 / CONNECTION).max(1)
    }

    /// How many bytes all queued tasks may take together: a quarter of the memory for data in
    /// transit.
    pub(crate) fn queued(&self) -> usize {
        self.transit.limit() / 4
    }
}
