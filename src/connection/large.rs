//! Takes large messages out of a client's stream, each in one piece and in memory of its own.
//!
//! tungstenite 0.29 reads a frame in parts of one size, into room that it fills with zeros before,
//! and may keep that room for as long as the client is there: one that sent a picture and is silent
//! would hold the memory of that picture. So what is a whole message in one large frame, as
//! pictures are, does not come to it: the message is read here, in as few parts as the system has
//! it in, and tungstenite is given an empty pong in its place, which means nothing by itself
//! (RFC 6455, section 5.5.3) and tells the reader that there is something to take.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::{BufMut, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::io::poll_read_buf;

/// The longest head of a frame (RFC 6455, section 5.2): two bytes, the length in eight, the mask.
const HEAD_MAX: usize = 14;
/// The shortest message that is taken, and more than is read at once of anything else: so that no
/// part that begins with a large message has anything behind it.
const LARGE: usize = 64 << 10;
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
    message: Option<Message>,
    /// What is given before anything else.
    first: Vec<u8>,
}

/// Where the last message that was taken is, until the reader takes it.
#[derive(Clone, Default)]
pub(super) struct Taken(Arc<Mutex<Option<Whole>>>);

/// A message without its mask. A text is not known to be UTF-8.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Whole {
    Text(Bytes),
    Binary(Bytes),
}

/// A message that is being read.
struct Message {
    is_text: bool,
    length: usize,
    mask: [u8; 4],
    payload: BytesMut,
}

/// A frame's head, as far as it has come.
#[derive(Default)]
struct Head {
    bytes: [u8; HEAD_MAX],
    length: usize,
}

impl Taken {
    /// The message in whose place a pong came, if it did.
    pub(super) fn take(&self) -> Option<Whole> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn put(&self, message: Whole) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(message);
    }
}

impl<S> Large<S> {
    /// A stream out of which messages of at most so many bytes are put there.
    pub(super) fn new(stream: S, limit: usize, taken: &Taken) -> Self {
        Self {
            stream,
            limit,
            taken: taken.clone(),
            head: Head::default(),
            rest: 0,
            is_in_parts: false,
            message: None,
            first: Vec::new(),
        }
    }

    /// How many of these bytes are tungstenite's: those before a large message, and before a head
    /// of which a part is missing. What is behind is kept here.
    fn pass(&mut self, bytes: &[u8]) -> usize {
        let mut at = 0;
        while at < bytes.len() {
            let coming = bytes.len() - at;
            if self.rest > 0 {
                let part = usize::try_from(self.rest).unwrap_or(usize::MAX).min(coming);
                self.rest -= part as u64;
                at += part;
                continue;
            }
            let behind = at + self.head.take(&bytes[at..]);
            if self.head.missing() > 0 {
                return at;
            }
            if let Some(mut message) = self.begin() {
                message.push(&bytes[behind..]);
                self.message = Some(message);
                return at;
            }
            at = behind;
        }
        at
    }

    /// Goes behind a head that is whole: to the message if it is one to be taken.
    fn begin(&mut self) -> Option<Message> {
        let head = std::mem::take(&mut self.head);
        let [first, ..] = head.bytes;
        let (is_last, opcode) = (first & 0x80 != 0, first & 0x0F);
        let is_whole = matches!(first, 0x81 | 0x82) && !self.is_in_parts;
        if let 0..=2 = opcode {
            self.is_in_parts = !is_last;
        }
        let length = usize::try_from(head.payload()).unwrap_or(usize::MAX);
        if let (true, Some(mask), true) =
            (is_whole, head.mask(), (LARGE..=self.limit).contains(&length))
        {
            let payload = BytesMut::with_capacity(length);
            return Some(Message { is_text: opcode == 1, length, mask, payload });
        }
        self.rest = head.payload();
        None
    }
}

impl<S: AsyncRead + Unpin> Large<S> {
    /// Reads on in a message; `false` at the end of the stream.
    fn poll_message(&mut self, context: &mut Context<'_>) -> Poll<io::Result<bool>> {
        let Some(message) = &mut self.message else { return Poll::Ready(Ok(true)) };
        let before = message.payload.len();
        if before < message.length {
            let mut room = (&mut message.payload).limit(message.length - before);
            if ready!(poll_read_buf(Pin::new(&mut self.stream), context, &mut room))? == 0 {
                return Poll::Ready(Ok(false));
            }
            message.unmask(before);
        }
        if message.payload.len() == message.length
            && let Some(Message { is_text, payload, .. }) = self.message.take()
        {
            let payload = payload.freeze();
            self.taken.put(if is_text { Whole::Text(payload) } else { Whole::Binary(payload) });
            self.first.extend(PONG);
        }
        Poll::Ready(Ok(true))
    }

    /// Reads the rest of a head and nothing else; `false` at the end of the stream.
    fn poll_head(&mut self, context: &mut Context<'_>) -> Poll<io::Result<bool>> {
        let mut rest = [0; HEAD_MAX];
        let mut buffer = ReadBuf::new(&mut rest[..self.head.missing()]);
        ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer))?;
        let read = buffer.filled();
        self.head.take(read);
        if self.head.missing() == 0 {
            let whole = self.head.bytes[..self.head.length].to_vec();
            self.message = self.begin();
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
        let passed = self.pass(read);
        let goes_on = !read.is_empty();
        to.advance(passed);
        Poll::Ready(Ok(goes_on))
    }
}

impl Message {
    fn push(&mut self, masked: &[u8]) {
        let before = self.payload.len();
        self.payload.extend_from_slice(masked);
        self.unmask(before);
    }

    /// From there on; the mask begins anew every four bytes (RFC 6455, section 5.3).
    fn unmask(&mut self, from: usize) {
        const AT_ONCE: usize = 32;
        let keys: [u8; AT_ONCE] = std::array::from_fn(|at| self.mask[(from + at) % 4]);
        let (whole, rest) = self.payload[from..].as_chunks_mut::<AT_ONCE>();
        for part in whole {
            *part = std::array::from_fn(|at| part[at] ^ keys[at]);
        }
        for (byte, key) in rest.iter_mut().zip(keys) {
            *byte ^= key;
        }
    }
}

impl Head {
    /// Takes what is missing from these bytes, as far as it is there; how many they were.
    fn take(&mut self, bytes: &[u8]) -> usize {
        let mut taken = 0;
        for &byte in bytes {
            if self.missing() == 0 {
                break;
            }
            self.bytes[self.length] = byte;
            self.length += 1;
            taken += 1;
        }
        taken
    }

    /// How many bytes are missing at least; none when it is whole.
    fn missing(&self) -> usize {
        let length = if self.length < 2 { 2 } else { self.mask_begin() + self.mask_length() };
        length - self.length
    }

    fn payload(&self) -> u64 {
        let [_, second, extended @ ..] = &self.bytes;
        match second & 0x7F {
            126 => u64::from(u16::from_be_bytes([extended[0], extended[1]])),
            127 => extended.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes)),
            short => u64::from(short),
        }
    }

    fn mask(&self) -> Option<[u8; 4]> {
        let mask = self.bytes[self.mask_begin()..].first_chunk().copied();
        mask.filter(|_| self.mask_length() > 0)
    }

    fn mask_begin(&self) -> usize {
        match self.bytes[1] & 0x7F {
            126 => 4,
            127 => 10,
            _ => 2,
        }
    }

    fn mask_length(&self) -> usize {
        usize::from(self.bytes[1] >> 7) * 4
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Large<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
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
            } else if self.head.length > 0 {
                ready!(self.poll_head(context))?
            } else {
                ready!(self.poll_frames(context, buffer))?
            };
            if !goes_on {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Large<S> {
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

    /// More than is ever asked for.
    const LIMIT: usize = 150_000;

    fn frame(first: u8, payload: usize, mask: Option<[u8; 4]>) -> Vec<u8> {
        let masked = if mask.is_some() { 0x80 } else { 0 };
        let mut frame = vec![first];
        match (u8::try_from(payload), u16::try_from(payload)) {
            (Ok(short @ ..126), _) => frame.push(masked + short),
            (_, Ok(payload)) => {
                frame.push(masked + 126);
                frame.extend(payload.to_be_bytes());
            }
            _ => {
                frame.push(masked + 127);
                frame.extend((payload as u64).to_be_bytes());
            }
        }
        frame.extend(mask.iter().flatten());
        let key = |at: usize| mask.map_or(0, |mask| mask[at % 4]);
        frame.extend(content(payload).enumerate().map(|(at, byte)| byte ^ key(at)));
        frame
    }

    fn content(length: usize) -> impl Iterator<Item = u8> {
        (0..length).map(|at| u8::try_from(at % 251).unwrap_or_default())
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
        // Messages are large.
        #![proptest_config(ProptestConfig::with_cases(50))]
        #[test]
        fn whole_messages_are_taken_and_all_else_is_given_as_it_comes(
            frames in prop::collection::vec((
                prop_oneof![
                    Just(0x81), Just(0x82), Just(0x82), Just(0x01), Just(0x02), Just(0x00),
                    Just(0x80), Just(0x89), Just(0x8A), Just(0xC2), any::<u8>(),
                ],
                prop_oneof![0..300_usize, 65_000..66_000_usize, Just(LIMIT), Just(LIMIT + 1)],
                prop_oneof![any::<[u8; 4]>().prop_map(Some), any::<[u8; 4]>().prop_map(Some), Just(None)],
            ), 1..8),
            parts in prop::collection::vec(prop_oneof![1..20_usize, 1..20_000_usize, Just(1 << 20)], 1..20),
            room in prop_oneof![1..20_usize, 1..100_000_usize],
        ) {
            let (mut wire, mut passed, mut whole) = (Vec::new(), Vec::new(), Vec::new());
            let mut is_in_parts = false;
            for &(first, payload, mask) in &frames {
                let frame = frame(first, payload, mask);
                wire.extend(&frame);
                let is_whole = [0x81, 0x82].contains(&first) && !is_in_parts && mask.is_some();
                if first & 0x0F <= 2 {
                    is_in_parts = first & 0x80 == 0;
                }
                if is_whole && (LARGE..=LIMIT).contains(&payload) {
                    passed.extend(PONG);
                    let payload = content(payload).collect();
                    whole.push(if first == 0x81 { Whole::Text(payload) } else { Whole::Binary(payload) });
                } else {
                    passed.extend(frame);
                }
            }
            let taken = Taken::default();
            let stream = Parts { rest: &wire, at: 0, lengths: &parts };
            let mut large = Large::new(stream, LIMIT, &taken);
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let (mut given, mut found, mut buffer) = (Vec::new(), Vec::new(), vec![0; room]);
            loop {
                let read = runtime.block_on(large.read(&mut buffer)).unwrap();
                given.extend_from_slice(&buffer[..read]);
                found.extend(taken.take());
                if read == 0 {
                    break;
                }
            }
            prop_assert!(given == passed);
            prop_assert!(found == whole);
        }
    }

    #[tokio::test]
    async fn a_message_takes_no_more_memory_than_it_has_bytes() {
        let wire = frame(0x82, LIMIT, Some([1, 2, 3, 4]));
        let taken = Taken::default();
        let stream = Parts { rest: &wire, at: 0, lengths: &[1 << 20] };
        let mut large = Large::new(stream, LIMIT, &taken);
        let mut pong = [0; PONG.len()];
        large.read_exact(&mut pong).await.unwrap();
        let Some(Whole::Binary(message)) = taken.take() else { panic!("{pong:?}") };
        assert_eq!(message.try_into_mut().unwrap().capacity(), LIMIT);
    }
}
