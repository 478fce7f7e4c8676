//! Sends a reply without waking the connection's task: the worker that made it writes it to the
//! socket, if the socket is free.
//!
//! A reply in the outbox wakes a socket thread, which costs more than the write itself. So a worker
//! writes its own answer if no other reply is unsent. The connection's task writes everything else:
//! queued and large replies, control frames, the close. The two take turns, one whole frame each,
//! and neither waits for a lock while the other is in a system call.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::reply::{Direct, Payload, Tried};

/// A socket that any holder of a reference may write to.
pub(crate) trait TryWrite: fmt::Debug + Send + Sync {
    /// Writes until the socket is full, and returns the number of bytes.
    ///
    /// # Errors
    /// `WouldBlock` if the socket is already full.
    fn try_write(&self, parts: &[IoSlice<'_>]) -> io::Result<usize>;
}

/// The way to a client's socket that bypasses the connection's task.
#[derive(Debug)]
pub(super) struct Shortcut {
    socket: Arc<dyn TryWrite>,
    turn: Arc<Turn>,
}

/// A client's stream, whose owner takes turns with the shortcut.
pub(super) struct TurnStream<S> {
    stream: S,
    turn: Arc<Turn>,
    /// Bytes that the owner writes before all others: the rest of a frame from the shortcut, then
    /// large messages.
    first: VecDeque<Bytes>,
    /// Whether a frame of the owner is half written.
    is_amid: bool,
}

/// Whose turn it is to write.
#[derive(Debug, Default)]
pub(super) struct Turn(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    holder: Holder,
    /// Bytes that the owner must write before all others.
    first: VecDeque<Bytes>,
    /// The owner's waker, while the owner waits for its turn.
    waiting: Option<Waker>,
    /// Whether from now on only the owner may write.
    is_over: bool,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum Holder {
    /// The last frame is complete, or the owner still has to write its rest.
    #[default]
    Nobody,
    Owner,
    Shortcut,
}

/// The longest head of a frame that a server sends, in bytes (RFC 6455, section 5.2).
const HEAD_MAX: usize = 10;
/// The bit in a frame's first byte that marks the last frame of a message.
const LAST: u8 = 0x80;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
/// Says that the length is in the next two bytes.
const LENGTH_16: u8 = 126;
/// Says that the length is in the next eight bytes.
const LENGTH_64: u8 = 127;
/// The longest payload that may use the shortcut, in bytes.
const SHORTCUT_MAX: usize = u16::MAX as usize;
/// The most buffers of one vectored write.
const PARTS: usize = 8;

impl Shortcut {
    pub(super) fn new(socket: Arc<dyn TryWrite>, turn: &Arc<Turn>) -> Self {
        Self { socket, turn: Arc::clone(turn) }
    }
}

impl Direct for Shortcut {
    fn try_send(&self, payload: &Payload) -> Tried {
        if payload.len() > SHORTCUT_MAX {
            return Tried::Nothing;
        }
        let mut head = [0; HEAD_MAX];
        let head = head_of(payload, &mut head);
        if !self.turn.take_for_shortcut() {
            return Tried::Nothing;
        }
        let body = payload.as_bytes();
        let written = self.socket.try_write(&[IoSlice::new(head), IoSlice::new(body)]);
        let (tried, rest) = match written {
            // If the socket has failed, its owner finds out and reports it.
            Err(_) | Ok(0) => (Tried::Nothing, Bytes::new()),
            Ok(written) if written == head.len() + body.len() => (Tried::Whole, Bytes::new()),
            Ok(written) => (Tried::Part, rest(head, body, written)),
        };
        self.turn.give_back(rest);
        tried
    }
}

/// The head of a frame that holds a whole message.
fn head_of<'a>(payload: &Payload, head: &'a mut [u8; HEAD_MAX]) -> &'a [u8] {
    head[0] = LAST | if payload.as_text().is_some() { TEXT } else { BINARY };
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(short), _) if short < LENGTH_16 => {
            head[1] = short;
            &head[..2]
        }
        (_, Ok(length)) => {
            head[1] = LENGTH_16;
            head[2..4].copy_from_slice(&length.to_be_bytes());
            &head[..4]
        }
        _ => {
            head[1] = LENGTH_64;
            head[2..].copy_from_slice(&(payload.len() as u64).to_be_bytes());
            head
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
    /// Ends the shortcut after the client's close, because no message may follow the close that
    /// answers it.
    pub(super) fn end_shortcut(&self) {
        self.lock().is_over = true;
    }

    /// Lets the owner write a message without copying it, before its later bytes. Only the owner
    /// may call this, after it has flushed all earlier bytes; the next flush writes the message.
    pub(super) fn put_last(&self, payload: &Payload) {
        let mut head = [0; HEAD_MAX];
        let head = Bytes::copy_from_slice(head_of(payload, &mut head));
        self.lock().first.extend([head, payload.clone().into_bytes()]);
    }

    fn take_for_shortcut(&self) -> bool {
        let mut state = self.lock();
        let is_free = state.holder == Holder::Nobody && state.first.is_empty() && !state.is_over;
        if is_free {
            state.holder = Holder::Shortcut;
        }
        is_free
    }

    fn give_back(&self, rest: Bytes) {
        let mut state = self.lock();
        state.holder = Holder::Nobody;
        // The rest goes before a large message that the owner may have added meanwhile.
        if !rest.is_empty() {
            state.first.push_front(rest);
        }
        let waiting = state.waiting.take();
        drop(state);
        if let Some(owner) = waiting {
            owner.wake();
        }
    }

    /// Takes the turn for the owner, and returns the bytes that must be written first.
    fn poll_take(&self, context: &mut Context<'_>) -> Poll<VecDeque<Bytes>> {
        let mut state = self.lock();
        if state.holder == Holder::Shortcut {
            state.waiting = Some(context.waker().clone());
            return Poll::Pending;
        }
        state.holder = Holder::Owner;
        Poll::Ready(std::mem::take(&mut state.first))
    }

    fn end_owners(&self) {
        self.lock().holder = Holder::Nobody;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No code panics while it is locked.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S> TurnStream<S> {
    pub(super) fn new(stream: S, turn: &Arc<Turn>) -> Self {
        Self { stream, turn: Arc::clone(turn), first: VecDeque::new(), is_amid: false }
    }
}

impl<S: AsyncWrite + Unpin> TurnStream<S> {
    /// Waits for the turn, and writes the bytes that must be written first.
    fn poll_turn(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.first.is_empty() && !self.is_amid {
            self.first = ready!(self.turn.poll_take(context));
        }
        while !self.first.is_empty() {
            let mut parts = [IoSlice::new(&[]); PARTS];
            for (part, bytes) in parts.iter_mut().zip(&self.first) {
                *part = IoSlice::new(bytes);
            }
            let parts = &parts[..self.first.len().min(PARTS)];
            let mut written =
                ready!(Pin::new(&mut self.stream).poll_write_vectored(context, parts))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            while let Some(bytes) = self.first.front_mut() {
                let part = written.min(bytes.len());
                bytes.advance(part);
                written -= part;
                if !bytes.is_empty() {
                    break;
                }
                self.first.pop_front();
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for TurnStream<S> {
    /// `bytes` ends at the end of a frame, because tungstenite writes all that it has buffered.
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

impl<S: AsyncRead + Unpin> AsyncRead for TurnStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}
