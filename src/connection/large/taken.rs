//! The slot in which a message that bypassed tungstenite waits for the reader.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use crate::memory::Held;

/// The last message that was taken from the stream, until the reader takes it from here.
#[derive(Clone, Default)]
pub(in crate::connection) struct Taken(Arc<Mutex<Slot>>);

#[derive(Default)]
struct Slot {
    message: Option<Whole>,
    /// The memory of complete messages that the reader has not taken yet.
    held: Option<Held>,
}

/// An unmasked message. A text has not been checked to be UTF-8.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::connection) enum Whole {
    Text(Bytes),
    Binary(Bytes),
}

impl Taken {
    /// The message that a pong replaced, if there is one.
    pub(in crate::connection) fn take(&self) -> Option<Whole> {
        self.lock().message.take()
    }

    /// The memory of the message that was read last.
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
