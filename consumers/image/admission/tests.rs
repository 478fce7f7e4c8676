//! The memory and the time that a picture may take.

use imaging::{Demand, Encoding};
use serde::de::IntoDeserializer;
use serde::de::value::{Error as Wrong, StrDeserializer};

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
fn the_default_budget_takes_any_picture_within_the_default_limits() {
    let limits = super::super::limits::Limits::default();
    let whole = (8000, 6250);
    assert_eq!(u64::from(whole.0) * u64::from(whole.1), limits.pixels);
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
        let bytes = demand.bytes();
        assert!(bytes <= limits.in_flight.bytes(), "{bytes} of {}", limits.in_flight);
    }
}
