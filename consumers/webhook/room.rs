//! How many events are sent at a time, and how many may wait.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use waterway::{Error, code};

use super::options::Pending;

/// The bounds of one webhook. Events go in the order in which they came.
#[derive(Debug)]
pub(super) struct Room {
    /// One permit for each exchange.
    slots: Arc<Semaphore>,
    /// One permit for each event that waits for a slot.
    waiting: Arc<Semaphore>,
    /// One permit for each KiB of events that wait or are being sent.
    memory: Arc<Semaphore>,
    kib: usize,
    concurrency: usize,
    events: usize,
}

/// The permit for one exchange.
#[derive(Debug)]
pub(super) struct Slot {
    _permit: OwnedSemaphorePermit,
}

/// The memory of one event.
#[derive(Debug)]
pub(super) struct Held {
    _permit: OwnedSemaphorePermit,
}

/// Whether an event waits while the webhook is full, or is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WhenFull {
    Wait,
    Refuse,
}

impl Room {
    pub(super) fn new(concurrency: usize, pending: Pending) -> Self {
        let kib = pending.bytes.as_usize() / 1024;
        let [slots, waiting, memory] =
            [concurrency, pending.events, kib].map(|permits| Arc::new(Semaphore::new(permits)));
        Self { slots, waiting, memory, kib, concurrency, events: pending.events }
    }

    /// How many events are being sent, and how many wait.
    pub(super) fn taken(&self) -> (usize, usize) {
        let sending = self.concurrency - self.slots.available_permits();
        (sending, self.events - self.waiting.available_permits())
    }

    /// Memory for an event of this size.
    ///
    /// # Errors
    /// `too_big` for an event that is larger than all the memory; `refused` if it is full.
    pub(super) async fn hold(&self, bytes: usize, when_full: WhenFull) -> Result<Held, Error> {
        let kib = bytes.div_ceil(1024).max(1);
        let permits = u32::try_from(kib).ok().filter(|_| kib <= self.kib).ok_or_else(|| {
            let message = format!("the event has {bytes} bytes, more than its consumer may get");
            Error::new(code::TOO_BIG, message)
        })?;
        let memory = Arc::clone(&self.memory);
        let permit = match when_full {
            WhenFull::Wait => memory.acquire_many_owned(permits).await?,
            WhenFull::Refuse => memory.try_acquire_many_owned(permits).map_err(|_| full())?,
        };
        Ok(Held { _permit: permit })
    }

    /// The permit for an exchange, once it is the event's turn.
    ///
    /// # Errors
    /// `refused` if too many events wait already.
    pub(super) async fn slot(&self, when_full: WhenFull) -> Result<Slot, Error> {
        // It fails while others wait, and so never overtakes them.
        if let Ok(permit) = Arc::clone(&self.slots).try_acquire_owned() {
            return Ok(Slot { _permit: permit });
        }
        let _place = match when_full {
            WhenFull::Wait => self.waiting.acquire().await?,
            WhenFull::Refuse => self.waiting.try_acquire().map_err(|_| full())?,
        };
        let permit = Arc::clone(&self.slots).acquire_owned().await?;
        Ok(Slot { _permit: permit })
    }
}

fn full() -> Error {
    /// When another attempt may succeed.
    const RETRY_AFTER_MS: u64 = 1000;
    Error::new(code::REFUSED, "too many events wait for the consumer")
        .with("retry_after_ms", RETRY_AFTER_MS)
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use waterway::setting::Size;

    use super::*;

    fn room() -> Room {
        Room::new(2, Pending { events: 1, bytes: Size::new(4096) })
    }

    #[tokio::test]
    async fn events_wait_for_a_slot_in_their_order_and_others_are_refused() {
        let room = room();
        let [first, _second] = [room.slot(WhenFull::Refuse).await, room.slot(WhenFull::Wait).await];
        let mut third = Box::pin(room.slot(WhenFull::Refuse));
        assert!(third.as_mut().now_or_never().is_none());
        let refused = room.slot(WhenFull::Refuse).await.unwrap_err();
        assert_eq!(
            (refused.code(), refused.field("retry_after_ms")),
            ("refused", Some(&1000.into()))
        );
        let mut fourth = Box::pin(room.slot(WhenFull::Wait));
        assert!(fourth.as_mut().now_or_never().is_none());
        drop(first);
        let third = third.await.unwrap();
        assert!(fourth.as_mut().now_or_never().is_none());
        drop(third);
        fourth.await.unwrap();
    }

    #[tokio::test]
    async fn an_event_that_leaves_gives_up_its_place() {
        let room = room();
        let slots = [room.slot(WhenFull::Refuse).await, room.slot(WhenFull::Refuse).await];
        let mut leaving = Box::pin(room.slot(WhenFull::Refuse));
        assert!(leaving.as_mut().now_or_never().is_none());
        drop(leaving);
        let mut next = Box::pin(room.slot(WhenFull::Refuse));
        assert!(next.as_mut().now_or_never().is_none(), "it waits and is not refused");
        drop(slots);
        next.await.unwrap();
    }

    #[tokio::test]
    async fn the_bytes_of_all_events_are_bounded() {
        let room = room();
        assert_eq!(room.hold(4097, WhenFull::Wait).await.unwrap_err().code(), code::TOO_BIG);
        let held = room.hold(3000, WhenFull::Refuse).await.unwrap();
        let _small = room.hold(0, WhenFull::Refuse).await.unwrap();
        assert_eq!(room.hold(1, WhenFull::Refuse).await.unwrap_err().code(), code::REFUSED);
        let mut waiting = Box::pin(room.hold(3072, WhenFull::Wait));
        assert!(waiting.as_mut().now_or_never().is_none());
        drop(held);
        waiting.await.unwrap();
    }
}
