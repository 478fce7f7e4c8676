//! Tests of times, sizes and rates.

use std::fmt;
use std::str::FromStr;

use proptest::prelude::*;

use super::{Period, Rate, Size, Time, UnitError};

fn check<T>(read: &[(&str, &str)], refused: &[(&str, &str, &str)])
where
    T: FromStr<Err = UnitError> + fmt::Display + fmt::Debug + PartialEq,
{
    for (text, shown) in read {
        assert_eq!(text.parse::<T>().unwrap().to_string(), *shown, "{text}");
    }
    for (text, message, help) in refused {
        let error = text.parse::<T>().unwrap_err();
        assert_eq!((error.message.as_str(), error.help.as_str()), (*message, *help), "{text}");
    }
}

#[test]
fn times() {
    let help = r#"a time is a whole number and a unit: "250ms", "30s", "5m", "2h", "1d""#;
    check::<Time>(
        &[
            ("250ms", "250ms"),
            ("30s", "30s"),
            ("60s", "1m"),
            ("1500ms", "1500ms"),
            ("48h", "2d"),
            ("0s", "0s"),
            ("365d", "365d"),
        ],
        &[
            ("30", "30 has no unit", "write \"30s\""),
            ("30sec", "\"30sec\" is not a time", help),
            ("1.5s", "\"1.5s\" is not a time", help),
            ("-1s", "\"-1s\" is not a time", help),
            ("", "\"\" is not a time", help),
            ("366d", "\"366d\" is longer than a year", help),
            ("99999999999999999999s", "\"99999999999999999999s\" is too large a time", help),
            ("999999999999999999d", "\"999999999999999999d\" is too large a time", help),
        ],
    );
}

#[test]
fn sizes() {
    let help = r#"a size is a whole number and a unit: "512B", "64KiB", "8MiB", "1GiB""#;
    check::<Size>(
        &[
            ("512B", "512B"),
            ("64KiB", "64KiB"),
            ("1024KiB", "1MiB"),
            ("1MB", "1MB"),
            ("1KB", "1kB"),
            ("0B", "0B"),
            ("18446744073709551615B", "18446744073709551615B"),
        ],
        &[
            ("65536", "65536 has no unit", "write \"65536B\""),
            ("64kib", "\"64kib\" is not a size", help),
            ("MiB", "\"MiB\" is not a size", help),
            ("18446744073709551615KiB", "\"18446744073709551615KiB\" is too large a size", help),
        ],
    );
}

#[test]
fn rates() {
    let help = r#"a rate is a count in a period: "60/s", "100/m", "1000/h", or "off""#;
    check::<Rate>(
        &[("60/s", "60/s"), ("100/m", "100/m"), ("5/h", "5/h"), ("1/d", "1/d"), ("off", "off")],
        &[
            ("60", "60 has no unit", "write \"60/s\""),
            ("0/s", "\"0/s\" allows nothing", "write \"off\" for no limit"),
            ("60/x", "\"60/x\" is not a rate", help),
            ("+6/s", "\"+6/s\" is not a rate", help),
            ("/s", "\"/s\" is not a rate", help),
            ("on", "\"on\" is not a rate", help),
            ("4294967296/s", "\"4294967296/s\" is too large a rate", help),
        ],
    );
}

proptest! {
    #[test]
    fn displayed_values_parse_to_the_same_values(millis in 0..=Time::MAX.0, bytes: u64, count in 1_u32.., period in 0_usize..4) {
        let period = [Period::Second, Period::Minute, Period::Hour, Period::Day][period];
        let rate = Rate::Per { count: count.try_into().unwrap(), period };
        prop_assert_eq!(Time(millis).to_string().parse(), Ok(Time(millis)));
        prop_assert_eq!(Size(bytes).to_string().parse(), Ok(Size(bytes)));
        prop_assert_eq!(rate.to_string().parse(), Ok(rate));
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "[0-9]{0,30}.{0,4}") {
        let _ = (text.parse::<Time>(), text.parse::<Size>(), text.parse::<Rate>());
    }
}
