//! What a client has sent and its consumer has not yet handled: bounded, so that a client that
//! sends faster than its consumer works is read no faster.

use std::sync::Arc;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::memory::{Held, Transit};
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
    transit: Transit,
}

/// How many bytes of waiting messages count as the connection's own; only further bytes are taken
/// from the service's memory.
const OWN: usize = 8 << 10;

/// In what steps the service's memory is taken, bytes.
const STEP: usize = 16 << 10;

/// A message, and the room that it gives back when it has been handled.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) payload: Payload,
    /// The memory that it takes, unless it is small.
    pub(super) held: Option<Held>,
    pub(super) room: OwnedSemaphorePermit,
}

/// What became of a message that was delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Delivered {
    /// It waits for its consumer, or has it.
    Waits,
    /// Nobody takes the client's messages any more.
    Gone,
    /// There is no memory for it.
    NoMemory,
}

/// The receiving side; it ends with the client.
pub(super) type Waiting = UnboundedReceiver<Received>;

/// An inbox that holds so many bytes; an empty one takes a message of any size.
pub(super) fn new(bytes: usize, transit: &Transit) -> (Inbox, Waiting) {
    let (sender, waiting) = unbounded_channel();
    let size = u32::try_from(bytes.clamp(1, Semaphore::MAX_PERMITS)).unwrap_or(u32::MAX);
    let room = Arc::new(Semaphore::new(size as usize));
    (Inbox { sender, room, size, transit: transit.clone() }, waiting)
}

impl Inbox {
    /// Delivers a message with the memory that is held for it, once there is room for it.
    pub(crate) async fn deliver(&self, payload: Payload, held: Option<Held>) -> Delivered {
        let bytes = payload.len().saturating_add(MESSAGE_OVERHEAD);
        let permits = u32::try_from(bytes).unwrap_or(u32::MAX).min(self.size);
        let room = Arc::clone(&self.room).acquire_many_owned(permits).await;
        let Ok(room) = room else { return Delivered::Gone };
        let waiting = (self.size as usize).saturating_sub(self.room.available_permits());
        // Every so often a message holds the memory of the small ones before it too.
        let steps = |waiting: usize| waiting.saturating_sub(OWN).div_ceil(STEP);
        let more = steps(waiting).saturating_sub(steps(waiting.saturating_sub(bytes)));
        let held = match held {
            None if more > 0 => match self.transit.hold(more.saturating_mul(STEP)) {
                Some(held) => Some(held),
                None => return Delivered::NoMemory,
            },
            held => held,
        };
        match self.sender.send(Received { payload, held, room }) {
            Ok(()) => Delivered::Waits,
            Err(_) => Delivered::Gone,
        }
    }

    /// Takes no more messages, so that none waits for room that may never become free.
    pub(super) fn close(&self) {
        self.room.close();
    }
}
