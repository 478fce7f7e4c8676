//! Frames of every kind in parts of any length.

use proptest::prelude::*;
use tokio::io::AsyncReadExt;

use super::*;
use crate::memory::Memory;

/// More than is ever asked for.
const LIMIT: usize = 150_000;

/// Memory for more than there is, and no haste.
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
    fn whole_messages_are_taken_and_all_else_is_given_as_it_comes(
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
        let mut large = Large::new(stream, LIMIT, &taken, Control::default(), receiving());
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
async fn a_message_takes_hardly_more_memory_than_it_has_bytes() {
    let wire = frame(0x82, LIMIT, Some([1, 2, 3, 4]));
    let taken = Taken::default();
    let stream = Parts { rest: &wire, at: 0, lengths: &[1 << 20] };
    let mut large = Large::new(stream, LIMIT, &taken, Control::default(), receiving());
    let mut pong = [0; PONG.len()];
    large.read_exact(&mut pong).await.unwrap();
    let Some(Whole::Binary(message)) = taken.take() else { panic!("{pong:?}") };
    assert_eq!(message.try_into_mut().unwrap().capacity(), LIMIT + HEAD_MAX);
}

#[tokio::test]
async fn messages_that_are_there_already_are_read_into_their_places_at_once() {
    const MESSAGES: usize = 5;
    let wire = frame(0x82, LIMIT, Some([1, 2, 3, 4])).repeat(MESSAGES);
    let taken = Taken::default();
    let stream = Parts { rest: &wire, at: 0, lengths: &[1 << 20] };
    let mut large = Large::new(stream, LIMIT, &taken, Control::default(), receiving());
    let mut given = [0; 8 << 10];
    for _ in 0..MESSAGES {
        assert_eq!(large.read(&mut given).await.unwrap(), PONG.len());
        assert_eq!(taken.take(), Some(Whole::Binary(content(LIMIT).collect())));
    }
    // The first part of all has the first head in it.
    assert_eq!(large.stream.at, 1 + MESSAGES);
}
