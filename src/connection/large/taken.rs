//! Where a message that bypasses tungstenite waits for the reader.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use crate::memory::Held;

/// Where the last message that was taken is, until the reader takes it.
#[derive(Clone, Default)]
pub(in crate::connection) struct Taken(Arc<Mutex<Slot>>);

#[derive(Default)]
struct Slot {
    message: Option<Whole>,
    /// The memory of complete messages that the reader has not taken yet.
    held: Option<Held>,
}

/// A message without its mask. A text is not known to be UTF-8.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::connection) enum Whole {
    Text(Bytes),
    Binary(Bytes),
}

impl Taken {
    /// The message in whose place a pong came, if it did.
    pub(in crate::connection) fn take(&self) -> Option<Whole> {
        self.lock().message.take()
    }

    /// The memory that goes with the message that was read last.
    pub(in crate::connection) fn take_held(&self) -> Option<Held> {
        self.lock().held.take()
    }

    pub(super) fn put(&self, message: Whole) {
        self.lock().message = Some(message);
    }

    pub(super) fn put_held(&self, held: Option<Held>) {
        let mut slot = self.lock();
        slot.held = match (slot.held.take(), held) {
            (Some(before), Some(held)) => Some(before.and(held)),
            (before, held) => before.or(held),
        };
    }

    fn lock(&self) -> MutexGuard<'_, Slot> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
