//! The room for events that wait for a consumer or are in progress: the key `pending`.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use waterway::action::OpenEvent;
use waterway::message::Channel;
use waterway::{Error, code};

use super::options::Pending;

/// The room for events that wait or are in progress.
pub(super) struct Room {
    events: Arc<Semaphore>,
    bytes: Arc<Semaphore>,
    /// All bytes, at most the largest count of a semaphore.
    most: u32,
}

/// The room of one event. Dropping it gives the room back.
pub(super) struct Taken {
    _event: OwnedSemaphorePermit,
    _bytes: OwnedSemaphorePermit,
}

impl Room {
    pub(super) fn new(pending: Pending) -> Self {
        let limit = u64::from(u32::MAX).min(Semaphore::MAX_PERMITS as u64);
        // It is at most `u32::MAX`.
        let most = u32::try_from(pending.bytes.bytes().min(limit)).unwrap_or(u32::MAX);
        let events = pending.events.get().min(Semaphore::MAX_PERMITS);
        let bytes = Arc::new(Semaphore::new(most as usize));
        Self { events: Arc::new(Semaphore::new(events)), bytes, most }
    }

    /// Waits until there is room for the event. A client that connects or sends a request does not
    /// wait. An event that is larger than all of the room takes all of it.
    ///
    /// # Errors
    /// `refused` if a client that connects or sends a request finds no room.
    pub(super) async fn take(&self, event: &OpenEvent) -> Result<Taken, Error> {
        let size = u32::try_from(event.message().size()).unwrap_or(u32::MAX).min(self.most);
        let (events, bytes) = (Arc::clone(&self.events), Arc::clone(&self.bytes));
        if matches!(event.channel(), Channel::Connect | Channel::Request) {
            let full = |_| {
                let error = Error::new(code::REFUSED, "too many events wait for the consumer");
                error.with("retry_after_ms", 1000)
            };
            let taken = events.try_acquire_owned().map_err(full)?;
            let bytes = bytes.try_acquire_many_owned(size).map_err(full)?;
            return Ok(Taken { _event: taken, _bytes: bytes });
        }
        let taken = events.acquire_owned().await?;
        Ok(Taken { _event: taken, _bytes: bytes.acquire_many_owned(size).await? })
    }
}
