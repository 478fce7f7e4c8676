//! The way past a connection's task: who has an answer writes it to the socket, if nobody is at it.
//!
//! An answer that waits in the outbox wakes a thread of the sockets', which costs more than to
//! write it. So a worker that has one writes it itself where nothing is before it, and the
//! connection's task writes all else: what waits, what is large, control frames, the close. Neither
//! ever waits for a lock while the other asks the system; they take turns, a whole frame each.

#[cfg(test)]
mod tests;

use std::fmt;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::reply::{Direct, Payload, Tried};

/// Where bytes may be written by whoever has it.
pub(crate) trait TryWrite: fmt::Debug + Send + Sync {
    /// Writes as much as there is room for.
    ///
    /// # Errors
    /// `WouldBlock` where there is none.
    fn try_write(&self, parts: &[IoSlice<'_>]) -> io::Result<usize>;
}

/// The way past a connection's task.
#[derive(Debug)]
pub(super) struct Shortcut {
    socket: Arc<dyn TryWrite>,
    turn: Arc<Turn>,
}

/// A client's stream, whose owner takes turns with the shortcut.
pub(super) struct Shared<S> {
    stream: S,
    turn: Arc<Turn>,
    /// What a frame that went by the shortcut lacks still.
    rest: Bytes,
    /// A frame of the owner's is written in part.
    is_amid: bool,
}

/// Whose turn it is to write.
#[derive(Debug, Default)]
pub(super) struct Turn(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    holder: Holder,
    rest: Bytes,
    /// The owner, where it waits for its turn.
    waiting: Option<Waker>,
    /// Only the owner writes from now on.
    is_over: bool,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum Holder {
    /// The last frame is whole, or the owner has yet to write its rest.
    #[default]
    Nobody,
    Owner,
    Shortcut,
}

/// A server's frame that holds at most 65,535 bytes begins with so many at most (RFC 6455,
/// section 5.2).
const HEAD_MAX: usize = 4;
/// Of a frame's first byte: it is the message's last.
const LAST: u8 = 0x80;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
/// A length that stands in the two bytes after it.
const LENGTH_16: u8 = 126;

impl Shortcut {
    pub(super) fn new(socket: Arc<dyn TryWrite>, turn: &Arc<Turn>) -> Self {
        Self { socket, turn: Arc::clone(turn) }
    }
}

impl Direct for Shortcut {
    fn try_send(&self, payload: &Payload) -> Tried {
        let mut head = [0; HEAD_MAX];
        let Some(head) = head_of(payload, &mut head) else { return Tried::Nothing };
        if !self.turn.take_for_shortcut() {
            return Tried::Nothing;
        }
        let body = payload.as_bytes();
        let written = self.socket.try_write(&[IoSlice::new(head), IoSlice::new(body)]);
        let (tried, rest) = match written {
            // What is wrong with the socket its owner finds out and tells.
            Err(_) | Ok(0) => (Tried::Nothing, Bytes::new()),
            Ok(written) if written == head.len() + body.len() => (Tried::Whole, Bytes::new()),
            Ok(written) => (Tried::Part, rest(head, body, written)),
        };
        self.turn.give_back(rest);
        tried
    }
}

/// The head of a frame that is the whole message; `None` for one too large to go this way.
fn head_of<'a>(payload: &Payload, head: &'a mut [u8; HEAD_MAX]) -> Option<&'a [u8]> {
    let length = u16::try_from(payload.len()).ok()?;
    head[0] = LAST | if payload.as_text().is_some() { TEXT } else { BINARY };
    match u8::try_from(length) {
        Ok(short) if short < LENGTH_16 => {
            head[1] = short;
            Some(&head[..2])
        }
        _ => {
            head[1] = LENGTH_16;
            head[2..].copy_from_slice(&length.to_be_bytes());
            Some(head)
        }
    }
}

fn rest(head: &[u8], body: &[u8], written: usize) -> Bytes {
    let mut rest = BytesMut::with_capacity(head.len() + body.len() - written);
    rest.extend_from_slice(&head[written.min(head.len())..]);
    rest.extend_from_slice(&body[written.saturating_sub(head.len())..]);
    rest.freeze()
}

impl Turn {
    /// The client has closed, and is answered by a close: nothing may come behind that.
    pub(super) fn end_shortcut(&self) {
        self.lock().is_over = true;
    }

    fn take_for_shortcut(&self) -> bool {
        let mut state = self.lock();
        let is_free = state.holder == Holder::Nobody && state.rest.is_empty() && !state.is_over;
        if is_free {
            state.holder = Holder::Shortcut;
        }
        is_free
    }

    fn give_back(&self, rest: Bytes) {
        let mut state = self.lock();
        state.holder = Holder::Nobody;
        state.rest = rest;
        let waiting = state.waiting.take();
        drop(state);
        if let Some(owner) = waiting {
            owner.wake();
        }
    }

    /// Takes the turn for the owner, and with it what is to be written first.
    fn poll_take(&self, context: &mut Context<'_>) -> Poll<Bytes> {
        let mut state = self.lock();
        if state.holder == Holder::Shortcut {
            state.waiting = Some(context.waker().clone());
            return Poll::Pending;
        }
        state.holder = Holder::Owner;
        Poll::Ready(std::mem::take(&mut state.rest))
    }

    fn end_owners(&self) {
        self.lock().holder = Holder::Nobody;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S> Shared<S> {
    pub(super) fn new(stream: S, turn: &Arc<Turn>) -> Self {
        Self { stream, turn: Arc::clone(turn), rest: Bytes::new(), is_amid: false }
    }
}

impl<S: AsyncWrite + Unpin> Shared<S> {
    /// Has the turn, and nothing of the shortcut's is left to be written.
    fn poll_turn(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.rest.is_empty() && !self.is_amid {
            self.rest = ready!(self.turn.poll_take(context));
        }
        while !self.rest.is_empty() {
            let written = ready!(Pin::new(&mut self.stream).poll_write(context, &self.rest))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.rest.advance(written);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Shared<S> {
    /// What is given ends where a frame ends: tungstenite writes all that it has gathered.
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_turn(context))?;
        self.is_amid = true;
        let written = ready!(Pin::new(&mut self.stream).poll_write(context, bytes))?;
        if written == bytes.len() {
            self.is_amid = false;
            self.turn.end_owners();
        }
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.is_amid {
            ready!(self.poll_turn(context))?;
            self.turn.end_owners();
        }
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Shared<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}
