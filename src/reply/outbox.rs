//! A client's outbox: the bounded buffer between the senders of replies and its connection.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use tokio::sync::Notify;

use super::direct::{Direct, Tried};
use super::limits::{OutboxLimits, Sent, Slow};
use super::{Payload, Reply, close};
use crate::memory::{Stake, Transit};

/// The largest message that is written directly, in bytes. If the socket takes only a part of it,
/// the rest is kept outside the outbox, whose bound does not count it.
const DIRECT_MAX: usize = 16 << 10;

/// The cost of a reply in addition to its payload, so that empty replies are bounded too.
const REPLY_OVERHEAD: usize = size_of::<Reply>();

/// How many unsent bytes are covered by the connection's own memory; only further bytes are taken
/// from the service's memory.
const OWN: usize = 8 << 10;

/// The unit in which the service's memory is taken, in bytes, so that a small reply does not take
/// memory each time.
const STEP: usize = 16 << 10;

/// The state that the senders and the receiver share.
#[derive(Debug)]
pub(super) struct Outbox {
    /// `None` if replies are not counted, as for the one reply to a request.
    transit: Option<Transit>,
    // `std`'s mutex: it is locked for one push or take, never across an await.
    state: Mutex<State>,
    changed: Notify,
    /// The client was cut off because it does not read.
    cut: Arc<Notify>,
}

/// Notifies the connection when the memory of unsent replies is revoked.
struct Bell(Arc<Notify>);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.notify_one();
    }
}

#[derive(Debug, Default)]
struct State {
    limits: OutboxLimits,
    waiting: VecDeque<Reply>,
    /// The bytes of waiting replies, and of taken ones that are not yet reported as written.
    bytes: usize,
    /// A close is waiting, so later replies would not be sent.
    closing: bool,
    /// The receiver has been dropped.
    gone: bool,
    /// All senders have been dropped.
    abandoned: bool,
    handshake: Handshake,
    dropped: u64,
    /// The service's memory for unsent bytes beyond [`OWN`].
    stake: Option<Stake>,
    /// The size of the stake, in whole [`STEP`]s.
    counted: usize,
    direct: Option<Arc<dyn Direct>>,
    directly: Directly,
}

/// Whether a reply has decided the client's handshake.
#[derive(Debug)]
enum Handshake {
    /// None has. The waker is woken by the one that does.
    Open(Option<Waker>),
    Decided,
}

impl Default for Handshake {
    fn default() -> Self {
        Self::Open(None)
    }
}

/// The state of a message that is written directly.
#[derive(Debug, Default, PartialEq, Eq)]
enum Directly {
    /// No message is written directly.
    #[default]
    Nothing,
    /// A sender is writing: the replies after it must not be taken yet.
    Begun,
    /// A part is written: the connection's task has to write the rest.
    Part,
}

impl Outbox {
    pub(super) fn new(limits: OutboxLimits, transit: Option<Transit>) -> (Arc<Self>, Replies) {
        let state = Mutex::new(State { limits, ..State::default() });
        let outbox = Arc::new(Self { transit, state, changed: Notify::new(), cut: Arc::default() });
        (Arc::clone(&outbox), Replies { outbox })
    }

    /// Adds a reply. Replies that are dropped for it are moved to `displaced`, so that the caller
    /// can free them without holding a lock.
    pub(super) fn push(&self, reply: Reply, displaced: &mut Vec<Reply>) -> Sent {
        let cost = cost(&reply);
        let mut state = self.lock();
        if state.gone || state.closing {
            return Sent::Gone;
        }
        if reply.content.as_ref().is_some_and(|content| content.len() > state.limits.bytes) {
            return Sent::TooLarge;
        }
        let full = self.is_full(&mut state, cost);
        let mut sent = Sent::Queued;
        // A close always fits, because it is the last message to a client.
        if full && reply.close.is_none() {
            match state.limits.slow {
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
        let decision = state.handshake.note(&reply);
        state.waiting.push_back(reply);
        drop(state);
        self.changed.notify_one();
        if let Some(decision) = decision {
            decision.wake();
        }
        sent
    }

    /// Ready once a reply has decided the client's handshake.
    pub(super) fn poll_decided(&self, context: &Context<'_>) -> Poll<()> {
        let mut state = self.lock();
        if let Handshake::Open(waker) = &mut state.handshake {
            *waker = Some(context.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(())
    }

    /// Writes a reply to the socket if no other reply is unsent; returns `false` if it was not
    /// written.
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

    /// Whether `more` bytes do not fit, here or in the service's memory. An empty outbox always has
    /// room for one reply of the largest size, if the service has the memory.
    fn is_full(&self, state: &mut State, more: usize) -> bool {
        let beyond = state.bytes > 0 && state.bytes.saturating_add(more) > state.limits.bytes;
        beyond || !self.count(state, more)
    }

    /// Takes the service's memory for the unsent bytes and `more`; `false` if not enough is free.
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
        self.lock().limits.bytes
    }

    /// Has these limits from the next reply on. Replies that wait stay, even if they take more.
    pub(super) fn set_limits(&self, limits: OutboxLimits) {
        self.lock().limits = limits;
    }

    pub(super) fn is_open(&self) -> bool {
        let state = self.lock();
        !state.gone && !state.closing
    }

    pub(super) fn is_closing(&self) -> bool {
        self.lock().closing
    }

    /// Called when the last sender is dropped: no further reply can come, so the receiver need not
    /// wait.
    pub(super) fn abandon(&self) {
        self.lock().abandoned = true;
        self.changed.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No code panics while it is locked, and the state is valid after every statement.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Handshake {
    /// Returns the waker to wake, if the reply decides the handshake.
    fn note(&mut self, reply: &Reply) -> Option<Waker> {
        let Self::Open(waker) = self else { return None };
        reply.decides()?;
        let waker = waker.take();
        *self = Self::Decided;
        waker
    }
}

impl State {
    /// The direct way to the socket, if no reply is unsent.
    fn take_direct(&mut self) -> Option<Arc<dyn Direct>> {
        let is_idle = self.bytes == 0 && self.directly == Directly::Nothing;
        let direct = self.direct.as_ref().filter(|_| is_idle && !self.closing)?;
        self.directly = Directly::Begun;
        Some(Arc::clone(direct))
    }
}

/// The receiving side: the replies that the connection writes. Dropping it tells every sender that
/// the client has left.
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

/// Replies taken together, and their bytes, which must be reported to [`Replies::written`].
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) replies: VecDeque<Reply>,
    pub(crate) bytes: usize,
}

impl Replies {
    /// From now on, senders may also write replies directly to the socket.
    pub(crate) fn open_direct(&self, direct: Arc<dyn Direct>) {
        self.outbox.lock().direct = Some(direct);
    }

    /// Waits for replies and takes all of them. The batch is empty if a reply was written directly
    /// in part and its rest must be flushed. `None` if all senders have been dropped.
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

    /// Reports that a batch has been written to the client's socket.
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

/// Takes the oldest reply that has only content; a reply that decides a handshake stays.
fn take_oldest_content(waiting: &mut VecDeque<Reply>) -> Option<Reply> {
    let at = waiting.iter().position(|reply| !reply.accept && reply.close.is_none())?;
    waiting.remove(at)
}

fn cost(reply: &Reply) -> usize {
    REPLY_OVERHEAD + reply.content.as_ref().map_or(0, Payload::len)
}
