//! Equal work is done once, even if callers leave, panic or fail.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use serde_json::json;
use tokio::sync::oneshot;
use waterway::message::Reason;

use super::*;

type Folded = Coalescing<&'static str, u32>;
type Caller<'a> = Pin<Box<dyn Future<Output = Result<u32, Error>> + 'a>>;
type Sender = oneshot::Sender<Result<u32, Error>>;

/// Polls once.
fn poll(caller: &mut Caller<'_>) -> Poll<Result<u32, Error>> {
    caller.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

/// Asks for work that the test finishes, and counts started work.
fn ask<'a>(
    coalescing: &'a Folded,
    (file, work): (&'static str, &'static str),
    cancellation: &'a Cancellation,
    begun: &'a Cell<usize>,
) -> (Sender, Caller<'a>) {
    let (sender, reported) = oneshot::channel();
    let caller = Box::pin(async move {
        let file = Bytes::from_static(file.as_bytes());
        let make = async {
            begun.set(begun.get() + 1);
            reported.await.unwrap()
        };
        coalescing.work(&file, work, cancellation, make).await
    });
    (sender, caller)
}

fn value(polled: Poll<Result<u32, Error>>) -> u32 {
    match polled {
        Poll::Ready(result) => result.unwrap(),
        Poll::Pending => panic!("it is not done"),
    }
}

fn error(polled: Poll<Result<u32, Error>>) -> Error {
    match polled {
        Poll::Ready(result) => result.unwrap_err(),
        Poll::Pending => panic!("it is not done"),
    }
}

#[test]
fn equal_work_is_done_once_and_answered_to_all() {
    let (coalescing, still, begun) = (Folded::new(), Cancellation::default(), Cell::new(0));
    let (done, mut first) = ask(&coalescing, ("file", "grey"), &still, &begun);
    let (_, mut second) = ask(&coalescing, ("file", "grey"), &still, &begun);
    let (_, mut third) = ask(&coalescing, ("file", "grey"), &still, &begun);
    for caller in [&mut first, &mut second, &mut third] {
        assert!(poll(caller).is_pending());
    }
    assert_eq!((begun.get(), coalescing.under_way()), (1, 1));
    done.send(Ok(7)).unwrap();
    assert!(poll(&mut second).is_pending(), "it is not its own work");
    assert_eq!(value(poll(&mut first)), 7);
    assert_eq!(coalescing.under_way(), 0);
    assert_eq!(value(poll(&mut second)), 7);
    // Nothing is kept: a new caller does the work again, while an earlier one has not read its
    // outcome yet.
    let (done, mut fourth) = ask(&coalescing, ("file", "grey"), &still, &begun);
    assert!(poll(&mut fourth).is_pending());
    assert_eq!(value(poll(&mut third)), 7);
    assert_eq!((begun.get(), coalescing.under_way()), (2, 1));
    done.send(Ok(8)).unwrap();
    assert_eq!(value(poll(&mut fourth)), 8);
    assert_eq!(coalescing.under_way(), 0);
}

#[test]
fn other_files_and_other_work_are_not_equal() {
    let (coalescing, still, begun) = (Folded::new(), Cancellation::default(), Cell::new(0));
    let asked = [("file", "grey"), ("fil3", "grey"), ("file", "soft"), ("", "grey"), ("files", "")];
    let mut callers = asked.map(|what| ask(&coalescing, what, &still, &begun));
    for (_, caller) in &mut callers {
        assert!(poll(caller).is_pending());
    }
    assert_eq!((begun.get(), coalescing.under_way()), (5, 5));
    drop(callers);
    assert_eq!(coalescing.under_way(), 0);
}

#[test]
fn the_map_of_flights_gives_memory_back() {
    const NAMES: &str =
        "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz";
    let (coalescing, still, begun) = (Folded::new(), Cancellation::default(), Cell::new(0));
    let mut callers: Vec<_> =
        (1..NAMES.len()).map(|end| ask(&coalescing, (&NAMES[..end], ""), &still, &begun)).collect();
    for (_, caller) in &mut callers {
        assert!(poll(caller).is_pending());
    }
    assert!(coalescing.in_flight_map().capacity() >= 77);
    drop(callers);
    assert!(
        coalescing.in_flight_map().capacity() < 16,
        "{}",
        coalescing.in_flight_map().capacity()
    );
}

#[test]
fn equal_fingerprints_do_not_make_files_equal() {
    let key = |file: &'static str| {
        let bytes = Bytes::from_static(file.as_bytes());
        let (fingerprint, hasher) = (OnceLock::from(1), RandomState::default());
        Key { file: Arc::new(File { bytes, fingerprint, hasher }), work: "grey" }
    };
    assert_eq!(key("file"), key("file"));
    assert_ne!(key("file"), key("fil3"));
    assert_eq!(HashMap::from([(key("a"), 1), (key("b"), 2)]).len(), 2);
}

#[test]
fn a_file_is_read_only_where_another_is_as_long() {
    let coalescing = Folded::new();
    let waiter =
        |file: &'static str| coalescing.waiter(&Bytes::from_static(file.as_bytes()), "grey");
    let read = |waiter: &Waiter<'_, _, _>| waiter.key.file.fingerprint.get().is_some();
    let waiters = ["file", "longer", "fil3"].map(waiter);
    assert_eq!(waiters.each_ref().map(read), [true, false, true]);
}

/// The ways in which a caller gives up.
#[derive(Debug, Clone, Copy)]
enum GivesUp {
    Dropped,
    Panics,
    Cancelled,
    Gone,
}

#[test]
fn one_of_those_who_wait_works_in_the_place_of_one_who_gives_up() {
    for how in [GivesUp::Dropped, GivesUp::Panics, GivesUp::Cancelled, GivesUp::Gone] {
        let (coalescing, begun) = (Folded::new(), Cell::new(0));
        let (mine, still) = (Cancellation::default(), Cancellation::default());
        let (first_done, mut first) = ask(&coalescing, ("file", "grey"), &mine, &begun);
        let (second_done, mut second) = ask(&coalescing, ("file", "grey"), &still, &begun);
        let (_, mut third) = ask(&coalescing, ("file", "grey"), &still, &begun);
        for caller in [&mut first, &mut second, &mut third] {
            assert!(poll(caller).is_pending());
        }
        match how {
            GivesUp::Dropped => {}
            GivesUp::Panics => {
                drop(first_done);
                let panicked = catch_unwind(AssertUnwindSafe(|| drop(poll(&mut first))));
                assert!(panicked.is_err());
            }
            GivesUp::Cancelled => {
                mine.cancel(Reason::Cancelled);
                first_done.send(mine.check().map(|()| 0)).unwrap();
                assert_eq!(error(poll(&mut first)).code(), "cancelled");
            }
            GivesUp::Gone => {
                first_done.send(Err(Error::gone())).unwrap();
                assert_eq!(error(poll(&mut first)).code(), "gone");
            }
        }
        drop(first);
        assert!(poll(&mut third).is_pending(), "{how:?}: the second comes before it");
        assert!(poll(&mut second).is_pending());
        assert_eq!((begun.get(), coalescing.under_way()), (2, 1), "{how:?}");
        second_done.send(Ok(7)).unwrap();
        assert_eq!((value(poll(&mut second)), value(poll(&mut third))), (7, 7), "{how:?}");
        assert_eq!(coalescing.under_way(), 0, "{how:?}");
    }
}

#[test]
fn who_waits_may_leave_without_disturbing_anybody() {
    let (coalescing, still, begun) = (Folded::new(), Cancellation::default(), Cell::new(0));
    let (done, mut first) = ask(&coalescing, ("file", "grey"), &still, &begun);
    let (_, mut second) = ask(&coalescing, ("file", "grey"), &still, &begun);
    let (_, mut third) = ask(&coalescing, ("file", "grey"), &still, &begun);
    for caller in [&mut first, &mut second, &mut third] {
        assert!(poll(caller).is_pending());
    }
    drop(second);
    done.send(Ok(7)).unwrap();
    assert_eq!((value(poll(&mut first)), value(poll(&mut third))), (7, 7));
    assert_eq!((begun.get(), coalescing.under_way()), (1, 0));
}

#[test]
fn a_failure_of_the_work_is_told_to_all_and_its_cause_to_the_log() {
    let (coalescing, still, begun) = (Folded::new(), Cancellation::default(), Cell::new(0));
    let (done, mut first) = ask(&coalescing, ("file", "grey"), &still, &begun);
    let (_, mut second) = ask(&coalescing, ("file", "grey"), &still, &begun);
    assert!(poll(&mut first).is_pending() && poll(&mut second).is_pending());
    let failed = Error::new("step_failed", "it could not be done").with("url", "u");
    done.send(Err(failed.because(std::io::Error::other("secret")))).unwrap();
    for caller in [&mut first, &mut second] {
        let error = error(poll(caller));
        let reported = json!({"error": "it could not be done", "code": "step_failed", "url": "u"});
        assert_eq!(error.to_json(), reported);
        assert_eq!(error.to_string(), "it could not be done (step_failed): secret");
    }
    assert_eq!((begun.get(), coalescing.under_way()), (1, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn any_number_at_once_come_to_their_end() {
    let coalescing = Arc::new(Coalescing::<u32, u32>::new());
    let tasks = (0..400_u32).map(|n| {
        let coalescing = Arc::clone(&coalescing);
        tokio::spawn(async move {
            let (file, cancellation) = (Bytes::from_static(b"file"), Cancellation::default());
            let gives_up = n % 3 == 0;
            let make = async {
                tokio::task::yield_now().await;
                if gives_up {
                    cancellation.cancel(Reason::Cancelled);
                }
                cancellation.check().map(|()| n % 5)
            };
            let outcome = coalescing.work(&file, n % 5, &cancellation, make).await;
            match outcome {
                Ok(result) => assert_eq!(result, n % 5),
                Err(error) => assert!(gives_up, "{error}"),
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    assert_eq!(coalescing.under_way(), 0);
}
