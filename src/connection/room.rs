//! The room of a client's inbox, in bytes. Another table may change its size.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// The room for messages that wait.
#[derive(Debug)]
pub(super) struct Room {
    // `std`'s mutex: it is locked for one comparison, never across an await.
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug)]
struct State {
    size: usize,
    taken: usize,
    is_closed: bool,
}

/// The place of one message; dropping it makes room.
#[derive(Debug)]
pub(super) struct Place {
    room: Arc<Room>,
    bytes: usize,
}

impl Room {
    pub(super) fn new(size: usize) -> Self {
        let state = State { size, taken: 0, is_closed: false };
        Self { state: Mutex::new(state), changed: Notify::new() }
    }

    /// Waits for a place of this many bytes; empty room has a place of any size. Returns it with the
    /// bytes that are then taken, or `None` when the room is closed.
    pub(super) async fn take(self: &Arc<Self>, bytes: usize) -> Option<(Place, usize)> {
        loop {
            // Made before the state is looked at, so that no change is missed.
            let changed = self.changed.notified();
            {
                let mut state = self.lock();
                if state.is_closed {
                    return None;
                }
                let taken = state.taken.saturating_add(bytes);
                if state.taken == 0 || taken <= state.size {
                    state.taken = taken;
                    return Some((Place { room: Arc::clone(self), bytes }, taken));
                }
            }
            changed.await;
        }
    }

    /// Has this size from now on. Places that are taken stay, even if they take more.
    pub(super) fn resize(&self, size: usize) {
        self.lock().size = size;
        self.changed.notify_waiters();
    }

    /// Gives no more places.
    pub(super) fn close(&self) {
        self.lock().is_closed = true;
        self.changed.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No code panics while it is locked.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        {
            let mut state = self.room.lock();
            state.taken = state.taken.saturating_sub(self.bytes);
        }
        self.room.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn take(room: &Arc<Room>, bytes: usize) -> Option<Place> {
        room.take(bytes).now_or_never().flatten().map(|(place, _)| place)
    }

    #[test]
    fn a_place_is_given_if_there_is_room_or_nothing_waits() {
        let room = Arc::new(Room::new(100));
        let large = take(&room, 1000).expect("empty room has a place of any size");
        assert!(take(&room, 1).is_none());
        drop(large);
        let _places = [60, 40].map(|bytes| take(&room, bytes).expect("there is room"));
        assert!(take(&room, 1).is_none());
    }

    #[tokio::test]
    async fn another_size_counts_at_once_and_taken_places_stay() {
        let room = Arc::new(Room::new(100));
        let place = take(&room, 80).unwrap();
        let waiting = tokio::spawn({
            let room = Arc::clone(&room);
            async move { room.take(80).await }
        });
        tokio::task::yield_now().await;
        room.resize(160);
        let (other, taken) = waiting.await.unwrap().unwrap();
        assert_eq!(taken, 160);
        room.resize(10);
        drop(other);
        assert!(take(&room, 1).is_none(), "80 of 10 bytes are taken");
        drop(place);
        assert!(take(&room, 5).is_some());
    }

    #[tokio::test]
    async fn closed_room_lets_no_one_wait() {
        let room = Arc::new(Room::new(10));
        let _place = take(&room, 10).unwrap();
        let waiting = tokio::spawn({
            let room = Arc::clone(&room);
            async move { room.take(1).await.is_none() }
        });
        tokio::task::yield_now().await;
        room.close();
        assert!(waiting.await.unwrap());
    }
}
