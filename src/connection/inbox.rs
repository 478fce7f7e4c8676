//! What a client has sent and its consumer has not yet handled: bounded, so that a client that
//! sends faster than its consumer works is read no faster.

use std::sync::Arc;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::reply::Payload;

/// What a message takes beside its content, so that empty ones are bounded too.
const MESSAGE_OVERHEAD: usize = 256;

/// The sending side.
#[derive(Debug)]
pub(crate) struct Inbox {
    // Unbounded itself: the semaphore counts bytes, which a bounded channel cannot.
    sender: UnboundedSender<Received>,
    room: Arc<Semaphore>,
    size: u32,
}

/// A message, and the room that it gives back when it has been handled.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) payload: Payload,
    pub(super) room: OwnedSemaphorePermit,
}

/// The receiving side; it ends with the client.
pub(super) type Waiting = UnboundedReceiver<Received>;

/// An inbox that holds so many bytes; an empty one takes a message of any size.
pub(super) fn new(bytes: usize) -> (Inbox, Waiting) {
    let (sender, waiting) = unbounded_channel();
    let size = u32::try_from(bytes.clamp(1, Semaphore::MAX_PERMITS)).unwrap_or(u32::MAX);
    let room = Arc::new(Semaphore::new(size as usize));
    (Inbox { sender, room, size }, waiting)
}

impl Inbox {
    /// Delivers a message, once there is room for it; `false` when nobody takes it any more.
    pub(crate) async fn deliver(&self, payload: Payload) -> bool {
        let bytes = payload.len().saturating_add(MESSAGE_OVERHEAD);
        let permits = u32::try_from(bytes).unwrap_or(u32::MAX).min(self.size);
        let room = Arc::clone(&self.room).acquire_many_owned(permits).await;
        let Ok(room) = room else { return false };
        self.sender.send(Received { payload, room }).is_ok()
    }

    /// Takes nothing more, so that no message waits for room that may never come.
    pub(super) fn close(&self) {
        self.room.close();
    }
}
