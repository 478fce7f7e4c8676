//! Who is let in, and what a picture will take.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use serde::de::IntoDeserializer;
use serde::de::value::{Error as Wrong, StrDeserializer};

use super::*;

const MIB: u64 = 1 << 20;

/// Polls once.
fn poll<T>(future: std::pin::Pin<&mut impl Future<Output = T>>) -> Poll<T> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

async fn admit(budget: &Budget, mib: u64) -> Admitted {
    budget.admit(mib * MIB).await.unwrap()
}

#[test]
fn what_does_not_fit_waits_its_turn_and_none_overtakes() {
    let budget = Budget::new(Size::new(10 * MIB));
    let mut first = pin!(admit(&budget, 6));
    let Poll::Ready(first) = poll(first.as_mut()) else { panic!("there is room") };
    let (mut large, mut small) = (pin!(admit(&budget, 10)), pin!(admit(&budget, 1)));
    assert!(poll(large.as_mut()).is_pending());
    assert!(poll(small.as_mut()).is_pending(), "there is room, but the large one was first");
    drop(first);
    let Poll::Ready(large) = poll(large.as_mut()) else { panic!("all is free") };
    assert!(poll(small.as_mut()).is_pending());
    drop(large);
    assert!(poll(small.as_mut()).is_ready());
    assert_eq!(budget.free(), 10 * MIB);
}

#[test]
fn who_waits_no_more_has_no_place() {
    let budget = Budget::new(Size::new(10 * MIB));
    let mut first = pin!(admit(&budget, 6));
    let Poll::Ready(_first) = poll(first.as_mut()) else { panic!("there is room") };
    let mut small = pin!(admit(&budget, 4));
    {
        let mut large = pin!(admit(&budget, 10));
        assert!(poll(large.as_mut()).is_pending());
        assert!(poll(small.as_mut()).is_pending());
    }
    assert!(poll(small.as_mut()).is_ready());
}

#[tokio::test]
async fn memory_comes_back_from_a_panic() {
    let budget = Budget::new(Size::new(MIB));
    let admitted = admit(&budget, 1).await;
    assert_eq!(budget.free(), 0);
    let work = AssertUnwindSafe(move || {
        let _admitted = admitted;
        panic!("a codec");
    });
    assert!(catch_unwind(work).is_err());
    assert_eq!(budget.free(), MIB);
}

#[tokio::test]
async fn what_can_never_fit_is_refused_at_once() {
    let budget = Budget::new(Size::new(10 * MIB));
    let _all = admit(&budget, 10).await;
    for bytes in [10 * MIB + 1, u64::MAX] {
        let error = budget.admit(bytes).await.unwrap_err();
        assert_eq!(error.code(), "bad_image");
    }
    let error = budget.admit(11 * MIB).await.unwrap_err();
    let words = "working on the picture takes some 11MiB of memory, and 10MiB go \
                 (limits.in_flight): send a smaller one";
    assert_eq!(error.message(), words);
    assert_eq!(error.field("retry_after_ms"), None, "another try does not help");
}

#[test]
fn a_budget_and_a_time_are_read_within_their_bounds() {
    fn read<T>(
        text: &'static str,
        read: impl Fn(StrDeserializer<'static, Wrong>) -> Result<T, Wrong>,
    ) -> Result<T, String> {
        read(text.into_deserializer()).map_err(|wrong| wrong.to_string())
    }
    assert_eq!(read("1MiB", in_flight), Ok(Size::new(MIB)));
    assert_eq!(read("64GiB", in_flight), Ok(Size::new(64 << 30)));
    assert_eq!(read("250ms", time), Ok(Time::from_millis(250)));
    for (wrong, error) in [
        (read("1KiB", in_flight).err(), "1KiB for pictures under way\nit is 1MiB to 4095GiB"),
        (read("5TiB", in_flight).err(), "5TiB for pictures under way\nit is 1MiB to 4095GiB"),
        (
            read("0s", time).err(),
            "no time to work in\nwrite how long one picture may take: \"10s\"",
        ),
    ] {
        assert_eq!(wrong.as_deref(), Some(error));
    }
    assert_eq!(read(&IN_FLIGHT.to_string().leak()[..], in_flight), Ok(IN_FLIGHT));
    assert_eq!(read(&TIME.to_string().leak()[..], time), Ok(TIME));
}

#[test]
fn work_is_stopped_once_its_time_is_over() {
    let begun = Instant::now();
    let watch = Watch::begin_at(begun, Time::from_secs(10));
    for (seconds, expected) in [(0, None), (10, None), (11, Some("expired"))] {
        let asked = watch.check_at(begun + Duration::from_secs(seconds));
        assert_eq!(asked.err().map(|error| error.code()), expected, "{seconds} s");
    }
    let error = watch.check_at(begun + Duration::from_secs(11)).unwrap_err();
    let words = "the picture takes more than 10s to work on (limits.time): send a smaller one";
    assert_eq!(error.message(), words);
    assert!(Watch::begin(Time::from_secs(60)).check().is_ok());
}

#[test]
fn each_picture_is_taken_for_its_largest_stage() {
    const PIXELS: u64 = 4000 * 3000;
    let (whole, half) = ((4000, 3000), (2000, 1500));
    let jpeg = Demand {
        file: 3_000_000,
        decoded: whole,
        samples: 300,
        held: 0,
        size: whole,
        largest: whole,
    };
    let table = [
        ("a step holds it twice", jpeg, 2 * 3 * PIXELS),
        (
            "resizing holds it before, after and between",
            Demand { size: half, largest: half, ..jpeg },
            3 * PIXELS + 3 * PIXELS / 4 + 3 * 2000 * 3000,
        ),
        (
            "made smaller as it is decoded",
            Demand { decoded: half, size: half, largest: half, ..jpeg },
            2 * 3 * PIXELS / 4,
        ),
        (
            "the same as planes",
            Demand { samples: 150, decoded: half, size: half, largest: half, ..jpeg },
            2 * 3 * PIXELS / 8,
        ),
        ("progressive", Demand { held: 9 * PIXELS, ..jpeg }, (3 + 9) * PIXELS),
        (
            "enlarged",
            Demand { decoded: (400, 300), ..jpeg },
            // Before, after and between is less than a step's twice.
            2 * 3 * PIXELS,
        ),
        ("padded", Demand { decoded: half, size: half, ..jpeg }, 2 * 3 * PIXELS),
    ];
    for (case, demand, expected) in table {
        assert_eq!(estimate(&demand), expected + demand.file + OVERHEAD, "{case}");
    }
}

#[test]
fn no_claim_is_too_large_to_estimate() {
    let most = (u32::MAX, u32::MAX);
    let (file, held, samples) = (u64::MAX, u64::MAX, u32::MAX);
    let demand = Demand { file, decoded: most, samples, held, size: most, largest: most };
    assert_eq!(estimate(&demand), u64::MAX);
}

#[test]
fn the_default_budget_takes_any_picture_within_the_default_limits() {
    let limits = super::super::codec::Limits::default();
    let whole = (8000, 6250);
    assert_eq!(area(whole), limits.pixels);
    let progressive = Demand {
        file: 32 << 20,
        decoded: whole,
        samples: 300,
        held: 2 * 3 * limits.pixels,
        size: whole,
        largest: whole,
    };
    let webp = Demand { samples: 400, held: 4 * limits.pixels, ..progressive };
    let resized = Demand { samples: 400, held: 0, size: (7999, 6250), ..progressive };
    for demand in [progressive, webp, resized] {
        let bytes = estimate(&demand);
        assert!(bytes <= limits.in_flight.bytes(), "{bytes} of {}", limits.in_flight);
    }
}
