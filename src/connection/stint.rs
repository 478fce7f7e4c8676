//! How much work a connection does before it yields to the other connections.

use tokio::task::yield_now;

/// How many bytes of messages a connection handles before it yields. Tokio itself counts only how
/// often a task reads or receives, and 128 messages of 60 KiB would block all others for 10 ms.
const STINT: usize = 32 << 10;

/// How many bytes each message counts in addition to its content. For tiny messages, Tokio's own
/// limit of 128 is reached first, so that their replies share few writes.
const MESSAGE: usize = 128;

/// The work of a connection's reader or of its events since it last yielded.
#[derive(Debug, Default)]
pub(super) struct Stint {
    bytes: usize,
}

impl Stint {
    /// Counts a handled message of this many bytes, and yields if it is time.
    pub(super) async fn handled(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_add(bytes).saturating_add(MESSAGE);
        if self.bytes >= STINT {
            self.bytes = 0;
            yield_now().await;
        }
    }
}
