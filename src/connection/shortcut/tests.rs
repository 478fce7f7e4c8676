//! Tests with frames of both sides, and a socket that is often full.

use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Wake;

use proptest::prelude::*;

use super::*;

/// A socket that takes a limited number of further bytes.
#[derive(Debug, Clone, Default)]
struct Socket(Arc<Mutex<Taken>>);

#[derive(Debug, Default)]
struct Taken {
    room: usize,
    bytes: Vec<u8>,
}

impl TryWrite for Socket {
    fn try_write(&self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        let Taken { room, bytes } = &mut *self.0.lock().unwrap();
        if *room == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let given: Vec<u8> = parts.iter().flat_map(|part| part.iter().copied()).collect();
        let taken = given.len().min(*room);
        *room -= taken;
        bytes.extend(&given[..taken]);
        Ok(taken)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.try_write(&[IoSlice::new(bytes)]) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
            written => Poll::Ready(written),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Whether the owner was woken.
#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The writing part of a connection's task: like tungstenite, it buffers frames and writes all of
/// them.
struct Owner {
    stream: TurnStream<Socket>,
    gathered: Vec<u8>,
    woken: Arc<Woken>,
}

impl Owner {
    fn gather(&mut self, payload: &Payload) {
        let mut head = [0; HEAD_MAX];
        self.gathered.extend(head_of(payload, &mut head));
        self.gathered.extend(payload.as_bytes());
    }

    /// Writes; returns whether everything has been written.
    fn write(&mut self) -> bool {
        let waker = Waker::from(Arc::clone(&self.woken));
        let mut context = Context::from_waker(&waker);
        while !self.gathered.is_empty() {
            match Pin::new(&mut self.stream).poll_write(&mut context, &self.gathered) {
                Poll::Ready(written) => drop(self.gathered.drain(..written.unwrap())),
                Poll::Pending => return false,
            }
        }
        Pin::new(&mut self.stream).poll_flush(&mut context).is_ready()
    }
}

fn both() -> (Socket, Shortcut, Owner) {
    let (socket, turn) = (Socket::default(), Arc::default());
    let shortcut = Shortcut::new(Arc::new(socket.clone()), &turn);
    let stream = TurnStream::new(socket.clone(), &turn);
    (socket, shortcut, Owner { stream, gathered: Vec::new(), woken: Arc::default() })
}

#[derive(Debug, Clone)]
enum Step {
    Room(usize),
    Owner(usize),
    Large(usize),
    Shortcut(usize),
    Write,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (1..400_usize).prop_map(Step::Room),
        (0..300_usize).prop_map(Step::Owner),
        (0..300_usize).prop_map(Step::Large),
        (0..300_usize).prop_map(Step::Shortcut),
        Just(Step::Write),
    ]
}

/// A payload of this length that contains this number; the shortcut's payloads are texts.
fn payload(length: usize, number: usize, is_text: bool) -> Payload {
    let content = format!("{number:>length$}");
    if is_text { content.into() } else { content.into_bytes().into() }
}

fn messages(mut bytes: &[u8]) -> Vec<Payload> {
    let mut messages = Vec::new();
    while let [first, length, rest @ ..] = bytes {
        let (length, rest) = match (*length, rest) {
            (LENGTH_16, [high, low, rest @ ..]) => (u16::from_be_bytes([*high, *low]), rest),
            (length, rest) => (length.into(), rest),
        };
        let (content, rest) = rest.split_at(length.into());
        messages.push(match first & !LAST {
            TEXT => String::from_utf8(content.to_vec()).expect("it was text").into(),
            BINARY => content.to_vec().into(),
            other => panic!("no frame begins with {other}"),
        });
        bytes = rest;
    }
    messages
}

proptest! {
    #[test]
    fn each_frame_is_whole_and_after_those_before_it(steps in prop::collection::vec(step(), 1..80)) {
        let (socket, shortcut, mut owner) = both();
        let (mut owners, mut shortcuts) = (Vec::new(), Vec::new());
        for (number, step) in steps.into_iter().enumerate() {
            match step {
                Step::Room(room) => socket.0.lock().unwrap().room += room,
                Step::Owner(length) => {
                    let payload = payload(length, number, false);
                    owner.gather(&payload);
                    owners.push(payload);
                }
                Step::Large(length) => {
                    let payload = payload(length, number, false);
                    // `put_last` requires that the owner has flushed.
                    if owner.write() {
                        owner.stream.turn.put_last(&payload);
                        owners.push(payload);
                    }
                }
                Step::Shortcut(length) => {
                    let payload = payload(length, number, true);
                    if shortcut.try_send(&payload) != Tried::Nothing {
                        shortcuts.push(payload);
                    }
                }
                Step::Write => drop(owner.write()),
            }
        }
        socket.0.lock().unwrap().room = usize::MAX;
        prop_assert!(owner.write());
        let came = messages(&socket.0.lock().unwrap().bytes);
        let (texts, bytes): (Vec<_>, Vec<_>) =
            came.into_iter().partition(|payload| payload.as_text().is_some());
        prop_assert_eq!(texts, shortcuts);
        prop_assert_eq!(bytes, owners);
    }
}

#[test]
fn the_owner_waits_for_its_turn_and_is_woken() {
    let (socket, _, mut owner) = both();
    socket.0.lock().unwrap().room = 100;
    let turn = Arc::clone(&owner.stream.turn);
    assert!(turn.take_for_shortcut());
    owner.gather(&"owner's".into());
    assert!(!owner.write());
    assert!(!owner.woken.0.load(Ordering::Relaxed));
    turn.give_back(Bytes::from_static(&[LAST | TEXT, 1, b'x']));
    assert!(owner.woken.0.load(Ordering::Relaxed));
    assert!(!turn.take_for_shortcut(), "the rest comes first");
    assert!(owner.write());
    assert_eq!(messages(&socket.0.lock().unwrap().bytes), ["x".into(), "owner's".into()]);
    assert!(turn.take_for_shortcut());
}

#[test]
fn messages_that_cannot_take_the_shortcut_are_left_to_the_owner() {
    let (socket, shortcut, owner) = both();
    assert_eq!(shortcut.try_send(&"no room".into()), Tried::Nothing);
    socket.0.lock().unwrap().room = usize::MAX;
    for (length, tried) in [
        (0, Tried::Whole),
        (125, Tried::Whole),
        (126, Tried::Whole),
        (65_535, Tried::Whole),
        (65_536, Tried::Nothing),
    ] {
        assert_eq!(shortcut.try_send(&vec![0; length].into()), tried, "{length}");
    }
    owner.stream.turn.end_shortcut();
    assert_eq!(shortcut.try_send(&"after the client's close".into()), Tried::Nothing);
    let lengths: Vec<_> =
        messages(&socket.0.lock().unwrap().bytes).iter().map(Payload::len).collect();
    assert_eq!(lengths, [0, 125, 126, 65_535]);
}
