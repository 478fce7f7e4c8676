//! A large message that is being read into a buffer of its own.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{BufMut, Bytes};
use tokio::io::AsyncRead;
use tokio_util::io::poll_read_buf;

use super::head::HEAD_MAX;
use super::taken::Whole;
use crate::connection::receiving::{Receiving, Refused};
use crate::memory::Spent;

/// A message that is being read.
pub(super) struct Message {
    is_text: bool,
    length: usize,
    mask: [u8; 4],
    /// The received part of the message, followed by any bytes of the next frame that were read
    /// with it.
    payload: Vec<u8>,
}

/// The first buffer of a message, in bytes; it is large enough for most pictures of a page.
const ROOM_FIRST: usize = 256 << 10;
/// The factor by which a full buffer grows.
const ROOM_GROWTH: usize = 4;

impl Message {
    pub(super) fn new(is_text: bool, length: usize, mask: [u8; 4]) -> Self {
        Self { is_text, length, mask, payload: Vec::new() }
    }

    pub(super) fn is_whole(&self) -> bool {
        self.payload.len() >= self.length
    }

    /// Reads more of the message, and up to the length of a head beyond its end. Returns the number
    /// of bytes, which is zero at the end of the stream.
    pub(super) fn poll_read(
        &mut self,
        stream: &mut (impl AsyncRead + Unpin),
        receiving: &mut Receiving,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        self.make_room(receiving)?;
        let before = self.payload.len();
        let room = self.payload.capacity() - before;
        let mut room = (&mut self.payload).limit(room);
        let read = ready!(poll_read_buf(Pin::new(stream), context, &mut room))?;
        self.unmask(before);
        Poll::Ready(Ok(read))
    }

    /// Makes room in the buffer, after taking the memory for it. The buffer also has room for the
    /// next frame's head after the end of the message.
    pub(super) fn make_room(&mut self, receiving: &mut Receiving) -> Result<(), Refused> {
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

    pub(super) fn push(&mut self, masked: &[u8]) {
        let before = self.payload.len();
        self.payload.extend_from_slice(masked);
        self.unmask(before);
    }

    /// The whole message, and the bytes that were read behind it.
    pub(super) fn finish(mut self) -> (Whole, Vec<u8>) {
        let behind = self.payload.split_off(self.length.min(self.payload.len()));
        let payload = Bytes::from(self.payload);
        (if self.is_text { Whole::Text(payload) } else { Whole::Binary(payload) }, behind)
    }

    /// Unmasks the payload from this index on; the mask repeats every four bytes (RFC 6455, section
    /// 5.3).
    fn unmask(&mut self, from: usize) {
        const AT_ONCE: usize = 32;
        let end = self.payload.len().min(self.length);
        if from >= end {
            return;
        }
        let keys: [u8; AT_ONCE] = std::array::from_fn(|at| self.mask[(from + at) % 4]);
        let (whole, rest) = self.payload[from..end].as_chunks_mut::<AT_ONCE>();
        for part in whole {
            *part = std::array::from_fn(|at| part[at] ^ keys[at]);
        }
        for (byte, key) in rest.iter_mut().zip(keys) {
            *byte ^= key;
        }
    }
}
