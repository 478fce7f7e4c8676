//! Tests with frames of every kind, in reads of any length.

use proptest::prelude::*;
use tokio::io::AsyncReadExt;

use super::*;
use crate::config::Limits;
use crate::connection::limits::SocketLimits;
use crate::memory::Memory;

/// The longest message.
const LIMIT: usize = 150_000;

/// Limits that only the length of a message can exceed.
fn limits(message: usize) -> Arc<LiveLimits> {
    Arc::new(LiveLimits::new(SocketLimits::of(&Limits::default(), message)))
}

/// Ample memory, and a pace that is always met.
fn receiving() -> Receiving {
    Receiving::new(&Memory::new(1 << 30, 1 << 30).transit, None, 1)
}

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

/// A stream whose reads return these lengths in turn.
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
        let (part, rest) = self.rest.split_at(length.min(buffer.remaining()).min(self.rest.len()));
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
    fn whole_large_messages_are_taken_and_all_bytes_before_one_that_is_too_long_passed_on(
        frames in prop::collection::vec((
            prop_oneof![
                Just(0x81), Just(0x82), Just(0x82), Just(0x01), Just(0x02), Just(0x00),
                Just(0x80), Just(0x89), Just(0x8A), Just(0xC2), any::<u8>(),
            ],
            prop_oneof![0..300_usize, LARGE - 300..LARGE + 300, Just(LIMIT), Just(LIMIT + 1)],
            prop_oneof![any::<[u8; 4]>().prop_map(Some), any::<[u8; 4]>().prop_map(Some), Just(None)],
        ), 1..8),
        parts in prop::collection::vec(prop_oneof![1..20_usize, 1..20_000_usize, Just(1 << 20)], 1..20),
        room in prop_oneof![1..20_usize, 1..100_000_usize],
    ) {
        let (mut wire, mut passed, mut whole) = (Vec::new(), Vec::new(), Vec::new());
        let (mut is_in_parts, mut message, mut refused) = (false, 0, false);
        for &(first, payload, mask) in &frames {
            let frame = frame(first, payload, mask);
            wire.extend(&frame);
            let is_part = first & 0x0F <= 2;
            if is_part {
                message = if is_in_parts { message + payload } else { payload };
            }
            refused |= if is_part { message } else { payload } > LIMIT;
            if refused {
                continue;
            }
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
        let mut large = Large::new(stream, &limits(LIMIT), &taken, receiving());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (mut given, mut found, mut buffer) = (Vec::new(), Vec::new(), vec![0; room]);
        loop {
            let read = runtime.block_on(large.read(&mut buffer));
            found.extend(taken.take());
            match read {
                Ok(0) => break,
                Ok(read) => given.extend_from_slice(&buffer[..read]),
                Err(error) => {
                    prop_assert!(refused && error.get_ref().unwrap().is::<TooBig>(), "{error}");
                    refused = false;
                    break;
                }
            }
        }
        prop_assert!(!refused, "no message was refused");
        prop_assert!(given == passed);
        prop_assert!(found == whole);
    }
}

#[tokio::test]
async fn a_message_takes_little_more_memory_than_its_length() {
    let wire = frame(0x82, LIMIT, Some([1, 2, 3, 4]));
    let taken = Taken::default();
    let stream = Parts { rest: &wire, at: 0, lengths: &[1 << 20] };
    let mut large = Large::new(stream, &limits(LIMIT), &taken, receiving());
    let mut pong = [0; PONG.len()];
    large.read_exact(&mut pong).await.unwrap();
    let Some(Whole::Binary(message)) = taken.take() else { panic!("{pong:?}") };
    assert_eq!(message.try_into_mut().unwrap().capacity(), LIMIT + HEAD_MAX);
}

#[tokio::test]
async fn messages_that_have_arrived_are_read_directly_into_their_buffers() {
    const MESSAGES: usize = 5;
    let wire = frame(0x82, LIMIT, Some([1, 2, 3, 4])).repeat(MESSAGES);
    let taken = Taken::default();
    let stream = Parts { rest: &wire, at: 0, lengths: &[1 << 20] };
    let mut large = Large::new(stream, &limits(LIMIT), &taken, receiving());
    let mut given = [0; 8 << 10];
    for _ in 0..MESSAGES {
        assert_eq!(large.read(&mut given).await.unwrap(), PONG.len());
        assert_eq!(taken.take(), Some(Whole::Binary(content(LIMIT).collect())));
    }
    // The very first read contains the first head.
    assert_eq!(large.stream.at, 1 + MESSAGES);
}
