//! The bounded buffer between those who reply and the connection that writes.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Wake, Waker};

use serde::Deserialize;
use tokio::sync::Notify;

use super::{Payload, Reply, close};
use crate::memory::{Stake, Transit};

/// How many unsent bytes a client may have waiting, and what then happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutboxLimits {
    /// Unsent bytes, and so the largest reply. Default 4 MiB.
    pub bytes: usize,
    /// What happens to a client that does not read. Default: it is closed.
    pub slow: Slow,
}

/// What happens when an outbox is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Slow {
    /// The client is closed with 1013.
    #[default]
    Close,
    /// The oldest waiting replies make room.
    DropOldest,
    /// The new reply is not sent.
    DropNewest,
}

/// What becomes of a reply that is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// It waits in the client's outbox.
    Queued,
    /// The outbox was full: this reply, or older ones before it, were dropped.
    Dropped,
    /// The reply alone is larger than the outbox may be. Nothing was sent.
    TooLarge,
    /// The client has left, or is being closed.
    Gone,
}

impl Default for OutboxLimits {
    fn default() -> Self {
        Self { bytes: 4 << 20, slow: Slow::Close }
    }
}

/// The way to a client's socket past the task that writes what waits.
pub(crate) trait Direct: fmt::Debug + Send + Sync {
    /// Writes a message to the socket, as far as there is room and nobody else is at it.
    fn try_send(&self, payload: &Payload) -> Tried;
}

/// How much of a message was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tried {
    Nothing,
    /// The rest is written as soon as the connection's task looks.
    Part,
    Whole,
}

/// The largest message that is written directly, bytes: the rest of one that does not fit into the
/// socket is kept beside the outbox, whose bound does not know of it.
const DIRECT_MAX: usize = 16 << 10;

/// What a reply weighs beside its payload, so that empty replies are bounded too.
const REPLY_OVERHEAD: usize = size_of::<Reply>();

/// How many unsent bytes count as the connection's own; only further bytes are taken from the
/// service's memory.
const OWN: usize = 8 << 10;

/// In what steps the service's memory is taken, bytes: small replies do not each ask for some.
const STEP: usize = 16 << 10;

/// The sending and the receiving side's shared state.
#[derive(Debug)]
pub(super) struct Outbox {
    limits: OutboxLimits,
    /// `None` where replies are not counted, as for the one reply to a request.
    transit: Option<Transit>,
    // `std`'s mutex: held for a push or a take, never across an await.
    state: Mutex<State>,
    changed: Notify,
    /// The client was cut off because it does not read.
    cut: Arc<Notify>,
}

/// Rings when the memory of unsent replies is revoked.
struct Bell(Arc<Notify>);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.notify_one();
    }
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Reply>,
    /// Waiting replies and those taken but not yet reported written.
    bytes: usize,
    /// A close is among the waiting: nothing after it would be sent.
    closing: bool,
    /// The receiving side is gone.
    gone: bool,
    /// No sender is left.
    abandoned: bool,
    dropped: u64,
    /// Memory taken from the service, once more is unsent than the connection's own bytes.
    stake: Option<Stake>,
    /// How large the stake is, in whole [`STEP`]s.
    counted: usize,
    direct: Option<Arc<dyn Direct>>,
    directly: Directly,
}

/// What of a message that is written directly.
#[derive(Debug, Default, PartialEq, Eq)]
enum Directly {
    /// There is none.
    #[default]
    Nothing,
    /// Somebody is at it: nothing that comes after it may be taken.
    Begun,
    /// A part is written: the connection's task is to see to the rest.
    Part,
}

impl Outbox {
    pub(super) fn new(limits: OutboxLimits, transit: Option<Transit>) -> (Arc<Self>, Replies) {
        let outbox = Arc::new(Self {
            limits,
            transit,
            state: Mutex::default(),
            changed: Notify::new(),
            cut: Arc::default(),
        });
        (Arc::clone(&outbox), Replies { outbox })
    }

    /// Takes a reply; replies that are dropped for it go into `displaced`, to be freed by a caller
    /// that holds no lock any more.
    pub(super) fn push(&self, reply: Reply, displaced: &mut Vec<Reply>) -> Sent {
        let cost = cost(&reply);
        let mut state = self.lock();
        if state.gone || state.closing {
            return Sent::Gone;
        }
        if reply.content.as_ref().is_some_and(|content| content.len() > self.limits.bytes) {
            return Sent::TooLarge;
        }
        let full = self.is_full(&mut state, cost);
        let mut sent = Sent::Queued;
        // A close is the last thing a client hears; it always finds room.
        if full && reply.close.is_none() {
            match self.limits.slow {
                Slow::Close => {
                    displaced.extend(state.waiting.drain(..));
                    let cut = Reply::close_with(close::TRY_AGAIN, "the client reads too slowly");
                    state.waiting.push_back(cut);
                    state.closing = true;
                    drop(state);
                    self.changed.notify_one();
                    self.cut.notify_one();
                    return Sent::Gone;
                }
                Slow::DropNewest => {
                    state.dropped += 1;
                    return Sent::Dropped;
                }
                Slow::DropOldest => {
                    sent = Sent::Dropped;
                    while self.is_full(&mut state, cost) {
                        state.dropped += 1;
                        let Some(oldest) = take_oldest_content(&mut state.waiting) else {
                            return sent;
                        };
                        state.bytes -= self::cost(&oldest);
                        displaced.push(oldest);
                    }
                }
            }
        }
        state.closing = reply.close.is_some();
        state.bytes = state.bytes.saturating_add(cost);
        state.waiting.push_back(reply);
        drop(state);
        self.changed.notify_one();
        sent
    }

    /// Writes to the socket what would be the only thing that waits; `false` when it could not.
    pub(super) fn send_directly(&self, reply: &Reply) -> bool {
        let payload = match &reply.content {
            Some(payload) if payload.len() <= DIRECT_MAX && reply.close.is_none() => payload,
            _ => return false,
        };
        let Some(direct) = self.lock().take_direct() else { return false };
        let tried = direct.try_send(payload);
        let mut state = self.lock();
        let is_part = tried == Tried::Part;
        state.directly = if is_part { Directly::Part } else { Directly::Nothing };
        let is_waited_for = is_part || !state.waiting.is_empty();
        drop(state);
        if is_waited_for {
            self.changed.notify_one();
        }
        tried != Tried::Nothing
    }

    /// Whether there is no room for this many more bytes, here or in the service's memory. An empty
    /// outbox has room for one reply of the largest size, whatever else counts for it.
    fn is_full(&self, state: &mut State, more: usize) -> bool {
        let beyond = state.bytes > 0 && state.bytes.saturating_add(more) > self.limits.bytes;
        beyond || !self.count(state, more)
    }

    /// Takes the service's memory for the unsent bytes and this many more; `false` when none is
    /// free.
    fn count(&self, state: &mut State, more: usize) -> bool {
        let Some(transit) = &self.transit else { return true };
        let beyond = state.bytes.saturating_add(more).saturating_sub(OWN);
        let wanted = beyond.checked_next_multiple_of(STEP).unwrap_or(usize::MAX);
        if wanted <= state.counted && state.counted <= wanted.saturating_add(STEP) {
            return true;
        }
        let taken = state.stake.get_or_insert_with(|| {
            let taken = transit.stake(None);
            let bell = Waker::from(Arc::new(Bell(Arc::clone(&self.cut))));
            let _ = taken.poll_lost(&mut Context::from_waker(&bell));
            taken
        });
        let is_taken = taken.resize(wanted).is_ok();
        if is_taken {
            state.counted = wanted;
        }
        is_taken
    }

    pub(super) fn largest(&self) -> usize {
        self.limits.bytes
    }

    pub(super) fn is_open(&self) -> bool {
        let state = self.lock();
        !state.gone && !state.closing
    }

    pub(super) fn is_closing(&self) -> bool {
        self.lock().closing
    }

    /// The last sender is gone: who waits for a reply waits in vain.
    pub(super) fn abandon(&self) {
        self.lock().abandoned = true;
        self.changed.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held, and its state is sound after every statement.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The direct way, if nothing else is on its way to the client.
    fn take_direct(&mut self) -> Option<Arc<dyn Direct>> {
        let is_idle = self.bytes == 0 && self.directly == Directly::Nothing;
        let direct = self.direct.as_ref().filter(|_| is_idle && !self.closing)?;
        self.directly = Directly::Begun;
        Some(Arc::clone(direct))
    }
}

/// The receiving side: what the connection writes. Dropping it tells every sender that the client
/// has left.
#[derive(Debug)]
pub(crate) struct Replies {
    outbox: Arc<Outbox>,
}

/// Why a client is cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// It does not read, and its outbox is full.
    Slow,
    /// Its unsent replies were dropped, because the service's memory was spent.
    Memory,
}

/// Replies taken at once, and the bytes to give back by [`Replies::written`].
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) replies: VecDeque<Reply>,
    pub(crate) bytes: usize,
}

impl Replies {
    /// From now on replies may also be written to the socket by whoever has them.
    pub(crate) fn open_direct(&self, direct: Arc<dyn Direct>) {
        self.outbox.lock().direct = Some(direct);
    }

    /// Waits for replies and takes all that are there; none where one was written directly in
    /// part, and the rest of it is to be flushed. `None` when no sender is left.
    pub(crate) async fn take(&mut self) -> Option<Batch> {
        loop {
            {
                let mut state = self.outbox.lock();
                let is_there = match state.directly {
                    Directly::Nothing => !state.waiting.is_empty(),
                    Directly::Begun => false,
                    Directly::Part => true,
                };
                if is_there {
                    state.directly = Directly::Nothing;
                    let replies = std::mem::take(&mut state.waiting);
                    let bytes = replies.iter().map(cost).sum();
                    return Some(Batch { replies, bytes });
                }
                if state.abandoned {
                    return None;
                }
            }
            self.outbox.changed.notified().await;
        }
    }

    /// A taken batch has reached the client's socket.
    pub(crate) fn written(&self, bytes: usize) {
        let mut state = self.outbox.lock();
        state.bytes = state.bytes.saturating_sub(bytes);
        if state.bytes <= OWN {
            state.stake = None;
            state.counted = 0;
        } else {
            self.outbox.count(&mut state, 0);
        }
    }

    /// Waits until the client is cut off.
    pub(crate) fn cut(&self) -> impl Future<Output = Cut> + Send + 'static {
        let outbox = Arc::clone(&self.outbox);
        async move {
            outbox.cut.notified().await;
            let state = outbox.lock();
            let is_lost = state.stake.as_ref().is_some_and(Stake::is_lost);
            if is_lost { Cut::Memory } else { Cut::Slow }
        }
    }

    /// How many replies were dropped because the client does not read.
    pub(crate) fn dropped(&self) -> u64 {
        self.outbox.lock().dropped
    }
}

impl Drop for Replies {
    fn drop(&mut self) {
        let mut state = self.outbox.lock();
        state.gone = true;
        let unsent = (std::mem::take(&mut state.waiting), state.direct.take(), state.stake.take());
        drop(state);
        drop(unsent);
    }
}

/// Takes the oldest reply that only carries content; one that decides a handshake stays.
fn take_oldest_content(waiting: &mut VecDeque<Reply>) -> Option<Reply> {
    let at = waiting.iter().position(|reply| !reply.accept && reply.close.is_none())?;
    waiting.remove(at)
}

fn cost(reply: &Reply) -> usize {
    REPLY_OVERHEAD + reply.content.as_ref().map_or(0, Payload::len)
}
