//! Takes large messages out of a client's stream, each in one piece and in memory of its own.
//!
//! tungstenite 0.29 reads a frame in parts of one size, into room that it fills with zeros before,
//! and may keep that room for as long as the client is there: one that sent a picture and is silent
//! would hold the memory of that picture. So what is a whole message in one large frame, as
//! pictures are, does not come to it: the message is read here, in as few parts as the system has
//! it in, and tungstenite is given an empty pong in its place, which means nothing by itself
//! (RFC 6455, section 5.5.3) and tells the reader that there is something to take.

mod head;
mod taken;
#[cfg(test)]
mod tests;

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{BufMut, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::io::poll_read_buf;

use self::head::{HEAD_MAX, Head};
pub(super) use self::taken::{Taken, Whole};
use super::control::Control;
use super::receiving::{Receiving, Refused};
use crate::memory::Spent;

/// The shortest message that is taken, and more than is read at once of anything else: so that no
/// part that begins with a large message has anything behind it.
const LARGE: usize = 16 << 10;
/// How much room a message gets before more of it has arrived: enough for most pictures of a page.
const ROOM_FIRST: usize = 256 << 10;
/// The factor by which its room grows when it is full.
const ROOM_GROWTH: usize = 4;
/// Of a frame's first byte: it is the message's last.
const LAST: u8 = 0x80;
/// Of a frame's first byte: of what kind it is. A part is below these two, and others are above.
const OPCODE: u8 = 0x0F;
const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const PING: u8 = 9;
/// An empty pong, masked as all that clients send.
const PONG: [u8; 6] = [0x8A, 0x80, 0, 0, 0, 0];

/// A client's stream of frames.
pub(super) struct Large<S> {
    stream: S,
    /// The longest message; of one that is longer tungstenite has the word.
    limit: usize,
    taken: Taken,
    /// Of the head that comes next, as much as has come.
    head: Head,
    /// How much of a frame that is not taken is still to come.
    rest: u64,
    /// Whether a message in several frames has begun and not ended.
    is_in_parts: bool,
    /// Whether the last frame of such a message is being passed on.
    ends_parts: bool,
    message: Option<Message>,
    receiving: Receiving,
    /// What is given before anything else.
    first: Vec<u8>,
    control: Control,
}

/// A message that is being read.
struct Message {
    is_text: bool,
    length: usize,
    mask: [u8; 4],
    /// As much of it as has come; behind the last of it, what was read of the next frame.
    payload: Vec<u8>,
}

impl<S> Large<S> {
    /// A stream out of which messages of at most so many bytes are put there.
    pub(super) fn new(
        stream: S,
        limit: usize,
        taken: &Taken,
        control: Control,
        receiving: Receiving,
    ) -> Self {
        Self {
            stream,
            limit,
            taken: taken.clone(),
            head: Head::default(),
            rest: 0,
            is_in_parts: false,
            ends_parts: false,
            message: None,
            receiving,
            first: Vec::new(),
            control,
        }
    }

    /// The stream itself. A half-received message is freed.
    pub(super) fn into_inner(self) -> S {
        self.stream
    }

    /// How many of these bytes are tungstenite's: those before a large message, and before a head
    /// of which a part is missing. What is behind is kept here.
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
            at = behind;
        }
        Ok(at)
    }

    /// Goes behind a head that is whole: to the message if it is one to be taken.
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
        // Control frames may come between the parts of a message, and are none.
        if opcode <= BINARY {
            self.is_in_parts = head.first() & LAST == 0;
            self.ends_parts = was_in_parts && !self.is_in_parts;
            if was_in_parts || self.is_in_parts {
                // tungstenite has a part twice: as a frame, and in the message that it gathers.
                self.receiving.grow(length.min(self.limit).saturating_mul(2))?;
            }
        }
        if !was_in_parts {
            self.receiving.begin();
        }
        let is_text = head.first() == LAST | TEXT;
        let is_whole = (is_text || head.first() == LAST | BINARY) && !was_in_parts;
        if let Some(mask) = head.mask()
            && is_whole
            && (LARGE..=self.limit).contains(&length)
        {
            return Ok(Some(Message { is_text, length, mask, payload: Vec::new() }));
        }
        self.rest = head.payload();
        self.end_parts()?;
        Ok(None)
    }

    /// The last part of a message has been passed on: its memory goes with it.
    fn end_parts(&mut self) -> Result<(), Refused> {
        if self.ends_parts && self.rest == 0 {
            self.ends_parts = false;
            self.taken.put_held(self.receiving.finish()?);
        }
        Ok(())
    }

    /// Whether the client has begun something that it has not ended.
    fn is_amid(&self) -> bool {
        let is_in_frame = self.rest > 0 || !self.head.bytes().is_empty();
        self.message.is_some() || self.is_in_parts || is_in_frame
    }
}

impl<S: AsyncRead + Unpin> Large<S> {
    /// Reads whatever comes next into the buffer.
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

    /// Reads on in a message, and a head's length beyond its end: where a part is less than there
    /// is room for, the system has no more, and need not be asked; where it is not, the next large
    /// message is read into its place at once. `false` at the end of the stream.
    fn poll_message(&mut self, context: &mut Context<'_>) -> Poll<io::Result<bool>> {
        let Some(message) = &mut self.message else { return Poll::Ready(Ok(true)) };
        let before = message.payload.len();
        if before < message.length {
            message.make_room(&mut self.receiving)?;
            let room = message.payload.capacity() - before;
            let mut room = (&mut message.payload).limit(room);
            let read = ready!(poll_read_buf(Pin::new(&mut self.stream), context, &mut room))?;
            if read == 0 {
                return Poll::Ready(Ok(false));
            }
            self.receiving.received(read);
            message.unmask(before);
        }
        if message.is_whole()
            && let Some(Message { is_text, length, mut payload, .. }) = self.message.take()
        {
            let mut behind = [0; HEAD_MAX];
            let behind = &mut behind[..payload.len() - length];
            behind.copy_from_slice(&payload[length..]);
            payload.truncate(length);
            let payload = Bytes::from(payload);
            self.taken.put_held(self.receiving.finish()?);
            self.taken.put(if is_text { Whole::Text(payload) } else { Whole::Binary(payload) });
            self.first.extend(PONG);
            let passed = self.pass(behind)?;
            self.first.extend(&behind[..passed]);
        }
        Poll::Ready(Ok(true))
    }

    /// Reads the rest of a head and nothing else; `false` at the end of the stream.
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
            if self.message.is_none() {
                self.first = whole;
            }
        }
        Poll::Ready(Ok(!read.is_empty()))
    }

    /// Reads anything else; `false` at the end of the stream.
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

impl Message {
    fn is_whole(&self) -> bool {
        self.payload.len() >= self.length
    }

    /// Makes room for more bytes, and takes the memory for it first. There is also room for the
    /// next frame's head after the message's end.
    fn make_room(&mut self, receiving: &mut Receiving) -> Result<(), Refused> {
        let Self { length, payload, .. } = self;
        if payload.len() < payload.capacity() {
            return Ok(());
        }
        let most = *length + HEAD_MAX;
        let wanted = payload.len().saturating_mul(ROOM_GROWTH).max(ROOM_FIRST).min(most);
        receiving.resize(wanted)?;
        let more = wanted - payload.len();
        payload.try_reserve_exact(more).map_err(|_| Refused::Memory(Spent::All))
    }

    fn push(&mut self, masked: &[u8]) {
        let before = self.payload.len();
        self.payload.extend_from_slice(masked);
        self.unmask(before);
    }

    /// From there on; the mask begins anew every four bytes (RFC 6455, section 5.3).
    fn unmask(&mut self, from: usize) {
        const AT_ONCE: usize = 32;
        let keys: [u8; AT_ONCE] = std::array::from_fn(|at| self.mask[(from + at) % 4]);
        let end = self.payload.len().min(self.length);
        let (whole, rest) = self.payload[from..end].as_chunks_mut::<AT_ONCE>();
        for part in whole {
            *part = std::array::from_fn(|at| part[at] ^ keys[at]);
        }
        for (byte, key) in rest.iter_mut().zip(keys) {
            *byte ^= key;
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Large<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // A half-received message can be revoked also while its client is not read.
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

    /// tungstenite asks for it when it has written all that it had gathered.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(context))?;
        self.control.flushed();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
