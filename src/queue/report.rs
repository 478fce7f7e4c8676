//! What operators see of a queue.

use serde::Serialize;

/// The numbers of a queue.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct QueueNumbers {
    /// Whether the server answers, for a queue over Redis. If not, `queued` and `running` are those
    /// of its last answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) connected: Option<bool>,
    /// Tasks that wait.
    pub(crate) queued: usize,
    /// Tasks that have begun.
    pub(crate) running: usize,
    /// The bytes of both.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bytes: Option<u64>,
    /// Clients whose tasks they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) clients: Option<usize>,
    /// The age of the oldest task that waits, ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) oldest_ms: Option<u64>,
    /// How many leases have ended without an answer, so that their tasks were given back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reclaimed: Option<u64>,
    /// How many dead letters the server keeps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) dead_letters: Option<usize>,
}

/// A task that was given up, because its workers ended again and again.
#[cfg(feature = "redis")]
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct DeadLetter {
    /// Names it among those of its queue.
    pub(crate) id: String,
    /// The uuid that its client gave it.
    pub(crate) uuid: String,
    /// The name of its client's reply channel.
    pub(crate) client: String,
    pub(crate) bytes: u64,
    /// How often a worker has begun it.
    pub(crate) attempts: u32,
    /// How long ago it was given up, ms.
    pub(crate) dead_ms: u64,
}
