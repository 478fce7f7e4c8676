//! How much a connection does before the others have their turn.

use tokio::task::yield_now;

/// After so many bytes of messages a connection lets the others go first. Tokio itself only counts
/// how often a task reads or receives, and 128 messages of 60 KiB hold up everybody for 10 ms.
const STINT: usize = 32 << 10;

/// What a message counts beside its content. With it 32 tiny messages are a stint.
const MESSAGE: usize = 1 << 10;

/// Counts what one part of a connection, its reader or its events, has done since it last yielded.
#[derive(Debug, Default)]
pub(super) struct Stint {
    bytes: usize,
}

impl Stint {
    /// A message of so many bytes has been handled.
    pub(super) async fn handled(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_add(bytes).saturating_add(MESSAGE);
        if self.bytes >= STINT {
            self.bytes = 0;
            yield_now().await;
        }
    }
}
