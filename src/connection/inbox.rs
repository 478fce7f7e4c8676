//! A client's inbox: its received messages until they are handled. It is bounded, so that a client
//! that sends faster than its consumer works is read more slowly.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::room::{Place, Room};
use crate::memory::{Held, Transit};
use crate::reply::Payload;

/// The cost of a message in addition to its content, so that empty messages are bounded too.
const MESSAGE_OVERHEAD: usize = 256;

/// The sending side.
#[derive(Debug)]
pub(crate) struct Inbox {
    // The channel itself is unbounded: the room bounds bytes, which a bounded channel cannot count.
    sender: UnboundedSender<Item>,
    is_told: Arc<AtomicBool>,
    room: Arc<Room>,
    transit: Transit,
}

/// How many bytes of waiting messages are covered by the connection's own memory; only further
/// bytes are taken from the service's memory.
const OWN: usize = 8 << 10;

/// The unit in which the service's memory is taken, in bytes.
const STEP: usize = 16 << 10;

/// A message, with the place that it takes until it has been handled.
#[derive(Debug)]
pub(super) struct Inbound {
    pub(super) payload: Payload,
    /// The service's memory for it, unless it is small.
    pub(super) held: Option<Held>,
    pub(super) place: Place,
}

/// What happened to a message that was delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Delivered {
    /// It waits for its consumer, or is being handled.
    Waits,
    /// The inbox is closed.
    Gone,
    /// The service's memory is used up.
    NoMemory,
}

/// The receiving side, which is dropped when the client has left.
#[derive(Debug)]
pub(super) struct InboxReceiver {
    items: UnboundedReceiver<Item>,
    room: Arc<Room>,
    /// Whether a notice that the table was replaced is among the items.
    is_told: Arc<AtomicBool>,
}

/// An item of the inbox.
#[derive(Debug)]
pub(super) enum Item {
    /// A message of the client.
    Message(Inbound),
    /// The routing table has been replaced.
    Replaced,
}

/// An inbox for this many bytes; an empty inbox accepts a message of any size.
pub(super) fn new(bytes: usize, transit: &Transit) -> (Inbox, InboxReceiver) {
    let (sender, items) = unbounded_channel();
    let is_told = Arc::<AtomicBool>::default();
    let room = Arc::new(Room::new(bytes));
    let waiting = InboxReceiver { items, room: Arc::clone(&room), is_told: Arc::clone(&is_told) };
    (Inbox { sender, is_told, room, transit: transit.clone() }, waiting)
}

impl Inbox {
    /// Waits for room, then delivers a message with the memory that is held for it.
    pub(crate) async fn deliver(&self, payload: Payload, held: Option<Held>) -> Delivered {
        let bytes = payload.len().saturating_add(MESSAGE_OVERHEAD);
        let Some((place, waiting)) = self.room.take(bytes).await else { return Delivered::Gone };
        // A message that crosses a step also holds the memory of the small messages before it.
        let steps = |waiting: usize| waiting.saturating_sub(OWN).div_ceil(STEP);
        let more = steps(waiting).saturating_sub(steps(waiting.saturating_sub(bytes)));
        let held = match held {
            None if more > 0 => match self.transit.hold(more.saturating_mul(STEP)) {
                Some(held) => Some(held),
                None => return Delivered::NoMemory,
            },
            held => held,
        };
        match self.sender.send(Item::Message(Inbound { payload, held, place })) {
            Ok(()) => Delivered::Waits,
            Err(_) => Delivered::Gone,
        }
    }

    /// Puts a notice into the inbox that the table has been replaced, unless one is already there.
    /// After the inbox is dropped, it does nothing.
    pub(super) fn notice(&self) -> impl Fn() + Send + Sync + 'static {
        let (sender, is_told) = (self.sender.downgrade(), Arc::clone(&self.is_told));
        move || {
            if let Some(sender) = sender.upgrade()
                && !is_told.swap(true, Ordering::AcqRel)
            {
                // Sending fails if the client's messages are no longer handled.
                let _ = sender.send(Item::Replaced);
            }
        }
    }

    /// Accepts no more messages, so that no sender waits for room that may never become free.
    pub(super) fn close(&self) {
        self.room.close();
    }
}

impl InboxReceiver {
    /// Has room for this many bytes from now on. Messages that wait keep their places.
    pub(super) fn resize(&self, bytes: usize) {
        self.room.resize(bytes);
    }

    /// The next item; `None` once the client has left and none of its messages waits.
    pub(super) async fn recv(&mut self) -> Option<Item> {
        let item = self.items.recv().await;
        if let Some(Item::Replaced) = item {
            self.is_told.store(false, Ordering::Release);
        }
        item
    }
}
