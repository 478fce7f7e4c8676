//! The bounds of a client's outbox, and the outcome of a reply that is sent.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How many bytes of unsent replies a client may have, and what happens beyond that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutboxLimits {
    /// The most unsent bytes, and so the largest reply. Default 4 MiB.
    pub bytes: usize,
    /// What happens when a client does not read. Default: it is closed.
    pub slow: Slow,
}

/// What happens when an outbox is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Slow {
    /// The client is closed with 1013.
    #[default]
    Close,
    /// The oldest unsent replies are dropped.
    DropOldest,
    /// The new reply is dropped.
    DropNewest,
}

impl Slow {
    /// As it is written in `routing.toml`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Close => "close",
            Self::DropOldest => "drop_oldest",
            Self::DropNewest => "drop_newest",
        }
    }
}

/// What happened to a reply that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// It is in the client's outbox.
    Queued,
    /// The outbox was full: this reply, or older ones, were dropped.
    Dropped,
    /// The reply alone is larger than the outbox may be. It was not sent.
    TooLarge,
    /// The client has left, or is being closed.
    Gone,
}

impl Default for OutboxLimits {
    fn default() -> Self {
        Self { bytes: 4 << 20, slow: Slow::Close }
    }
}
