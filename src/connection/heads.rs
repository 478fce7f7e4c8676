//! Hands a large frame's head to tungstenite by itself, so that the frame gets memory of its own.
//!
//! tungstenite 0.29 makes room for a frame behind what it has read of it already, and reads on
//! into whatever room is left. With a part of the frame read along with its head there is some
//! left behind it, and as long as there is, the whole of it is kept: a client that sent a picture
//! and is silent would hold the memory of that picture. With nothing but the head read, the room
//! is as large as the frame, and the frame's memory is gone when the frame is.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The longest head of a frame (RFC 6455, section 5.2): two bytes, the length in eight, the mask.
const HEAD_MAX: usize = 14;
/// The shortest frame whose head is handed over by itself.
const LARGE: u64 = 64 << 10;

/// A client's stream of frames.
pub(super) struct Heads<S> {
    stream: S,
    head: Head,
    /// How much of a frame is still to come behind its head.
    rest: u64,
    /// What was read along with a large frame's head, and from where on it was not given yet.
    held: (Vec<u8>, usize),
}

/// A frame's head, as far as it has come.
#[derive(Default)]
struct Head {
    bytes: [u8; HEAD_MAX],
    length: usize,
}

impl<S> Heads<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, head: Head::default(), rest: 0, held: (Vec::new(), 0) }
    }

    /// How many of these bytes may be given: all, or up to the end of a large frame's head.
    fn given(&mut self, bytes: &[u8]) -> usize {
        let mut at = 0;
        while at < bytes.len() {
            let coming = bytes.len() - at;
            if self.rest > 0 {
                let part = usize::try_from(self.rest).unwrap_or(usize::MAX).min(coming);
                self.rest -= part as u64;
                at += part;
            } else {
                let payload = self.head.push(bytes[at]);
                at += 1;
                self.rest = payload.unwrap_or(0);
                if self.rest >= LARGE {
                    return at;
                }
            }
        }
        at
    }
}

impl Head {
    /// The length of what is behind it, once it is whole.
    fn push(&mut self, byte: u8) -> Option<u64> {
        self.bytes[self.length] = byte;
        self.length += 1;
        let [_, second, extended @ ..] = &self.bytes;
        let (short, mask) = (second & 0x7F, usize::from(second >> 7) * 4);
        let (payload, length) = match short {
            126 => (u64::from(u16::from_be_bytes([extended[0], extended[1]])), 4),
            127 => (extended.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes)), 10),
            short => (u64::from(short), 2),
        };
        if self.length < 2 || self.length < length + mask {
            return None;
        }
        *self = Self::default();
        Some(payload)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Heads<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let (held, at) = &mut self.held;
        if held.is_empty() {
            std::task::ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        } else {
            let part = buffer.remaining().min(held.len() - *at);
            buffer.put_slice(&held[*at..*at + part]);
            *at += part;
            if *at == held.len() {
                self.held = (Vec::new(), 0);
            }
        }
        let given = before + self.given(&buffer.filled()[before..]);
        if given < buffer.filled().len() {
            // Of what is held back nothing was given yet, or the rest stands behind it.
            let (held, at) = &mut self.held;
            let back = &buffer.filled()[given..];
            *held = [back, &held[*at..]].concat();
            *at = 0;
            buffer.set_filled(given);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Heads<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio::io::AsyncReadExt;

    use super::*;

    fn frame(payload: usize, masked: bool) -> Vec<u8> {
        let mask = if masked { 0x80 } else { 0 };
        let mut frame = vec![0x82];
        match (u8::try_from(payload), u16::try_from(payload)) {
            (Ok(short @ ..126), _) => frame.push(mask + short),
            (_, Ok(payload)) => {
                frame.push(mask + 126);
                frame.extend(payload.to_be_bytes());
            }
            _ => {
                frame.push(mask + 127);
                frame.extend((payload as u64).to_be_bytes());
            }
        }
        frame.extend(if masked { &[1, 2, 3, 4][..] } else { &[] });
        let bytes = (0..payload).map(|at| u8::try_from(at % 251).unwrap_or_default());
        frame.extend(bytes);
        frame
    }

    /// A stream that gives so many bytes at a time.
    struct Parts<'a> {
        rest: &'a [u8],
        at: usize,
        lengths: &'a [usize],
    }

    impl AsyncRead for Parts<'_> {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            buffer: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            let length = self.lengths[self.at % self.lengths.len()];
            let (part, rest) =
                self.rest.split_at(length.min(buffer.remaining()).min(self.rest.len()));
            buffer.put_slice(part);
            self.rest = rest;
            self.at += 1;
            Poll::Ready(Ok(()))
        }
    }

    proptest! {
        #[test]
        fn what_comes_is_given_whole_and_a_large_head_is_the_end_of_a_read(
            frames in prop::collection::vec((
                prop_oneof![0..300_usize, 65_000..66_000_usize, Just(200_000)],
                any::<bool>(),
            ), 1..6),
            parts in prop::collection::vec(1..20_000_usize, 1..20),
            room in 1..9000_usize,
        ) {
            let mut wire = Vec::new();
            let mut large_heads = Vec::new();
            for &(payload, masked) in &frames {
                let frame = frame(payload, masked);
                if payload as u64 >= LARGE {
                    large_heads.push(wire.len() + frame.len() - payload);
                }
                wire.extend(frame);
            }
            let mut heads = Heads::new(Parts { rest: &wire, at: 0, lengths: &parts });
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let (mut given, mut ends, mut buffer) = (Vec::new(), Vec::new(), vec![0; room]);
            loop {
                let read = runtime.block_on(heads.read(&mut buffer)).unwrap();
                if read == 0 {
                    break;
                }
                given.extend_from_slice(&buffer[..read]);
                ends.push(given.len());
            }
            prop_assert!(given == wire);
            for head in large_heads {
                prop_assert!(ends.contains(&head), "a read goes beyond the head that ends at {head}");
            }
        }
    }
}
