//! Reads large messages from a client's stream without tungstenite, each into one buffer of its
//! own.
//!
//! tungstenite 0.29 reads a frame in pieces of a fixed size into a buffer that it first fills with
//! zeros. It may keep that buffer until the client leaves, so a client that sent one picture and
//! then stays silent would keep the memory of that picture. Therefore a whole message in one large
//! frame, such as a picture, bypasses tungstenite: it is read here, in as few reads as possible. In
//! its place, tungstenite gets an empty pong, which needs no answer (RFC 6455, section 5.5.3) and
//! tells the reader that a message is ready to be taken.

mod bound;
mod head;
mod message;
mod taken;
#[cfg(test)]
mod tests;

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use self::bound::Bound;
pub(super) use self::bound::TooBig;
use self::head::{HEAD_MAX, Head};
use self::message::Message;
pub(super) use self::taken::{Taken, Whole};
use super::control::Control;
use super::limits::{Followed, LiveLimits};
use super::receiving::{Receiving, Refused};

/// The shortest message that is taken, in bytes. Of all other frames, at most this much is read at
/// once, so the bytes of one read never hold a large message with another frame after it.
const LARGE: usize = 16 << 10;
/// The bit in a frame's first byte that marks the last frame of a message.
const LAST: u8 = 0x80;
/// The bits in a frame's first byte that hold its opcode: 0 for a continuation, 1 and 2 for
/// messages, higher ones for other frames.
const OPCODE: u8 = 0x0F;
const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const PING: u8 = 9;
/// An empty pong, masked like all frames from clients.
const PONG: [u8; 6] = [0x8A, 0x80, 0, 0, 0, 0];

/// A client's stream of frames, without its large messages.
pub(super) struct Large<S> {
    stream: S,
    limits: Followed,
    bound: Bound,
    /// Set once a message is too long: after the bytes before it, reading fails.
    too_big: Option<TooBig>,
    taken: Taken,
    /// The received part of the next frame's head.
    head: Head,
    /// How many bytes of a passed-on frame have not arrived yet.
    rest: u64,
    /// Whether a message in several frames has begun and not ended.
    is_in_parts: bool,
    /// Whether the last frame of such a message is being passed on.
    ends_parts: bool,
    message: Option<Message>,
    receiving: Receiving,
    /// Bytes that are passed on before any others.
    first: Vec<u8>,
    control: Control,
}

impl<S> Large<S> {
    /// A stream whose large messages are moved to `taken`. Reading it fails at a message that is
    /// longer than the limit.
    pub(super) fn new(
        stream: S,
        limits: &Arc<LiveLimits>,
        taken: &Taken,
        mut receiving: Receiving,
    ) -> Self {
        let (followed, current) = (Followed::new(limits), limits.get());
        receiving.set_pace(current.pace);
        Self {
            stream,
            limits: followed,
            bound: Bound::new(current.message),
            too_big: None,
            taken: taken.clone(),
            head: Head::default(),
            rest: 0,
            is_in_parts: false,
            ends_parts: false,
            message: None,
            receiving,
            first: Vec::new(),
            control: Control::new(&current),
        }
    }

    /// Applies the limits of another table, if there is one.
    fn follow(&mut self) {
        if let Some(limits) = self.limits.take_change() {
            self.bound.set(limits.message);
            self.control.follow(&limits);
            self.receiving.set_pace(limits.pace);
        }
    }

    /// The inner stream. A half-received message is freed.
    pub(super) fn into_inner(self) -> S {
        self.stream
    }

    /// How many of these bytes to pass on to tungstenite: those before a large message, a message that
    /// is too long, or an incomplete head. The bytes after them are kept here.
    fn pass(&mut self, bytes: &[u8]) -> Result<usize, Refused> {
        let mut at = 0;
        while at < bytes.len() {
            let coming = bytes.len() - at;
            if self.rest > 0 {
                let part = usize::try_from(self.rest).unwrap_or(usize::MAX).min(coming);
                self.rest -= part as u64;
                at += part;
                self.end_parts()?;
                continue;
            }
            let behind = at + self.head.take(&bytes[at..]);
            if self.head.missing() > 0 {
                return Ok(at);
            }
            if let Some(mut message) = self.begin()? {
                message.make_room(&mut self.receiving)?;
                message.push(&bytes[behind..]);
                self.message = Some(message);
                return Ok(at);
            }
            if self.too_big.is_some() {
                return Ok(at);
            }
            at = behind;
        }
        Ok(at)
    }

    /// Ends a complete head, and begins the message if it is one to be taken.
    fn begin(&mut self) -> Result<Option<Message>, Refused> {
        let head = std::mem::take(&mut self.head);
        let was_in_parts = self.is_in_parts;
        let opcode = head.first() & OPCODE;
        if opcode == PING {
            self.control.ping(head.payload());
        }
        if opcode > BINARY || (opcode == CONTINUATION && head.payload() == 0) {
            self.control.count();
        }
        let length = usize::try_from(head.payload()).unwrap_or(usize::MAX);
        if let Err(too_big) = self.bound.count(opcode, length, was_in_parts) {
            self.too_big = Some(too_big);
            return Ok(None);
        }
        // Control frames may come between the frames of a message, and do not end it.
        if opcode <= BINARY {
            self.is_in_parts = head.first() & LAST == 0;
            self.ends_parts = was_in_parts && !self.is_in_parts;
            if was_in_parts || self.is_in_parts {
                // tungstenite holds each part twice: as a frame, and in the message that it
                // assembles.
                self.receiving.grow(length.saturating_mul(2))?;
            }
        }
        if !was_in_parts {
            self.receiving.begin();
        }
        let is_text = head.first() == LAST | TEXT;
        let is_whole = (is_text || head.first() == LAST | BINARY) && !was_in_parts;
        if let Some(mask) = head.mask()
            && is_whole
            && length >= LARGE
        {
            return Ok(Some(Message::new(is_text, length, mask)));
        }
        self.rest = head.payload();
        self.end_parts()?;
        Ok(None)
    }

    /// Once the last part of a message is passed on, hands over the memory of the whole message.
    fn end_parts(&mut self) -> Result<(), Refused> {
        if self.ends_parts && self.rest == 0 {
            self.ends_parts = false;
            self.taken.put_held(self.receiving.finish()?);
        }
        Ok(())
    }

    /// Whether a frame or a message is half received.
    fn is_amid(&self) -> bool {
        let is_in_frame = self.rest > 0 || !self.head.bytes().is_empty();
        self.message.is_some() || self.is_in_parts || is_in_frame
    }
}

impl<S: AsyncRead + Unpin> Large<S> {
    /// Reads the next bytes for tungstenite into the buffer.
    fn poll_next(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        loop {
            let part = self.first.len().min(buffer.remaining());
            buffer.put_slice(&self.first[..part]);
            self.first.drain(..part);
            if buffer.filled().len() > before || buffer.remaining() == 0 {
                return Poll::Ready(Ok(()));
            }
            if let Some(too_big) = self.too_big {
                return Poll::Ready(Err(io::Error::other(too_big)));
            }
            let goes_on = if self.message.is_some() {
                ready!(self.poll_message(context))?
            } else if !self.head.bytes().is_empty() {
                ready!(self.poll_head(context))?
            } else {
                ready!(self.poll_frames(context, buffer))?
            };
            if !goes_on {
                return Poll::Ready(Ok(()));
            }
        }
    }

    /// Continues to read a message, and up to the length of a head beyond its end. After a read
    /// that does not fill the buffer, the system has nothing left, which saves another read. A read
    /// that fills it includes the head of the next frame; if that begins a large message, the
    /// message is read into its own buffer from the start. `false` at the end of the stream.
    fn poll_message(&mut self, context: &mut Context<'_>) -> Poll<io::Result<bool>> {
        let Some(message) = &mut self.message else { return Poll::Ready(Ok(true)) };
        if !message.is_whole() {
            let (stream, receiving) = (&mut self.stream, &mut self.receiving);
            let read = ready!(message.poll_read(stream, receiving, context))?;
            if read == 0 {
                return Poll::Ready(Ok(false));
            }
            self.receiving.received(read);
        }
        if message.is_whole()
            && let Some(message) = self.message.take()
        {
            let (whole, behind) = message.finish();
            self.taken.put_held(self.receiving.finish()?);
            self.taken.put(whole);
            self.first.extend(PONG);
            let passed = self.pass(&behind)?;
            self.first.extend(&behind[..passed]);
        }
        Poll::Ready(Ok(true))
    }

    /// Reads the rest of a head and no further; `false` at the end of the stream.
    fn poll_head(&mut self, context: &mut Context<'_>) -> Poll<io::Result<bool>> {
        let mut rest = [0; HEAD_MAX];
        let mut buffer = ReadBuf::new(&mut rest[..self.head.missing()]);
        ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer))?;
        let read = buffer.filled();
        self.receiving.received(read.len());
        self.head.take(read);
        if self.head.missing() == 0 {
            let whole = self.head.bytes().to_vec();
            self.message = self.begin()?;
            if self.message.is_none() && self.too_big.is_none() {
                self.first = whole;
            }
        }
        Poll::Ready(Ok(!read.is_empty()))
    }

    /// Reads other frames; `false` at the end of the stream.
    fn poll_frames(
        &mut self,
        context: &mut Context<'_>,
        to: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<bool>> {
        let room = to.remaining().min(LARGE);
        let mut buffer = ReadBuf::new(to.initialize_unfilled_to(room));
        ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer))?;
        let read = buffer.filled();
        self.receiving.received(read.len());
        let passed = self.pass(read)?;
        let goes_on = !read.is_empty();
        to.advance(passed);
        Poll::Ready(Ok(goes_on))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Large<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.follow();
        // A half-received message can be revoked even while its client is not read.
        let polled = match self.control.poll_ready(context)? {
            Poll::Ready(()) => self.poll_next(context, buffer),
            Poll::Pending => Poll::Pending,
        };
        if polled.is_pending() {
            if !self.is_amid() {
                self.receiving.begin();
            } else if let Poll::Ready(refused) = self.receiving.poll_refused(context) {
                return Poll::Ready(Err(refused.into()));
            }
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Large<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.control.set_blocked(polled.is_pending());
        polled
    }

    /// tungstenite flushes after it has written all that it buffered.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(context))?;
        self.control.flushed();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
