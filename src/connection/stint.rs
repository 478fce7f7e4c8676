//! How much work a connection does before it yields to the others.

use tokio::task::yield_now;

/// After this many bytes of messages, a connection yields to the others. Tokio itself only counts
/// how often a task reads or receives, and 128 messages of 60 KiB hold up all others for 10 ms.
const STINT: usize = 32 << 10;

/// How many bytes a message counts in addition to its content. Tokio's own count of 128 ends the turn
/// of tiny messages first, and so they are answered in few writes.
const MESSAGE: usize = 128;

/// Counts the work of one part of a connection, its reader or its events, since it last yielded.
#[derive(Debug, Default)]
pub(super) struct Stint {
    bytes: usize,
}

impl Stint {
    /// A message of this many bytes has been handled.
    pub(super) async fn handled(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_add(bytes).saturating_add(MESSAGE);
        if self.bytes >= STINT {
            self.bytes = 0;
            yield_now().await;
        }
    }
}
