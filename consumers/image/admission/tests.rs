//! The memory and the time that a picture may take.

use serde::de::IntoDeserializer;
use serde::de::value::{Error as Wrong, StrDeserializer};

use super::super::codec::Encoding;
use super::*;

const MIB: u64 = 1 << 20;

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
        assert_eq!(asked.as_ref().err().map(Error::code), expected, "{seconds} s");
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
        encoder: 0,
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
        ("encoded by one that holds much", Demand { encoder: 8 * PIXELS, ..jpeg }, 11 * PIXELS),
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
    let demand =
        Demand { file, decoded: most, samples, held, size: most, largest: most, encoder: held };
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
        encoder: 0,
    };
    let webp = Demand { samples: 400, held: 4 * limits.pixels, ..progressive };
    let resized = Demand { samples: 400, held: 0, size: (7999, 6250), ..progressive };
    let lossy = Encoding::LossyWebp(Encoding::WEBP_QUALITY).held(limits.pixels);
    let written = Demand { samples: 400, held: 0, encoder: lossy, ..progressive };
    for demand in [progressive, webp, resized, written] {
        let bytes = estimate(&demand);
        assert!(bytes <= limits.in_flight.bytes(), "{bytes} of {}", limits.in_flight);
    }
}
