//! Times, sizes and rates, which are written with their units.

use std::fmt;
use std::marker::PhantomData;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// A length of time, in whole milliseconds, of at most a year.
///
/// Written `"250ms"`, `"30s"`, `"5m"`, `"2h"` or `"1d"`.
///
/// ```
/// use waterway::Time;
///
/// let time: Time = "90s".parse().unwrap();
/// assert_eq!(time.duration(), std::time::Duration::from_secs(90));
/// assert_eq!(Time::from_secs(120).to_string(), "2m");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(u64);

/// A number of bytes.
///
/// Written `"512B"`, `"64KiB"`, `"8MiB"`, `"1GiB"` or `"1TiB"`,
/// or in powers of ten, `"1kB"` (or `"1KB"`), `"1MB"`, `"1GB"` or `"1TB"`.
///
/// ```
/// use waterway::setting::Size;
///
/// assert_eq!("8MiB".parse::<Size>().unwrap().bytes(), 8 << 20);
/// assert_eq!(Size::new(65536).to_string(), "64KiB");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Size(u64);

/// How often something may be done: at most a number of times in a period, or without a limit.
///
/// Written `"60/s"`, `"100/m"`, `"1000/h"`, `"10000/d"` or `"off"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Rate {
    /// Without a limit.
    #[default]
    Off,
    /// At most `count` times in a period.
    Per {
        /// The number of times.
        count: NonZeroU32,
        /// The period.
        period: Period,
    },
}

/// The period of a [`Rate`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Period {
    /// `s`
    Second,
    /// `m`
    Minute,
    /// `h`
    Hour,
    /// `d`
    Day,
}

/// Why a text is not a time, a size or a rate, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitError {
    /// The mistake in words.
    pub message: String,
    /// What to write instead.
    pub help: String,
}

const TIME_HELP: &str = r#"a time is a whole number and a unit: "250ms", "30s", "5m", "2h", "1d""#;
const SIZE_HELP: &str = r#"a size is a whole number and a unit: "512B", "64KiB", "8MiB", "1GiB""#;
const RATE_HELP: &str = r#"a rate is a count in a period: "60/s", "100/m", "1000/h", or "off""#;

/// Milliseconds of each unit, the largest first.
const TIME_UNITS: [(&str, u64); 5] =
    [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

/// Bytes of each unit, the largest first; of two units of one size, the first is used for display.
const SIZE_UNITS: [(&str, u64); 10] = [
    ("TiB", 1 << 40),
    ("TB", 1_000_000_000_000),
    ("GiB", 1 << 30),
    ("GB", 1_000_000_000),
    ("MiB", 1 << 20),
    ("MB", 1_000_000),
    ("KiB", 1 << 10),
    ("kB", 1000),
    ("KB", 1000),
    ("B", 1),
];

impl Time {
    /// The longest time: far longer than any use needs, and safe to add to a clock.
    pub const MAX: Self = Self::from_secs(365 * 86_400);

    /// A time in seconds.
    #[must_use]
    pub const fn from_secs(seconds: u64) -> Self {
        Self(seconds * 1000)
    }

    /// A time in milliseconds.
    #[must_use]
    pub const fn from_millis(milliseconds: u64) -> Self {
        Self(milliseconds)
    }

    /// The time as the standard library's type.
    #[must_use]
    pub const fn duration(self) -> Duration {
        Duration::from_millis(self.0)
    }
}

impl Size {
    /// A size in bytes.
    #[must_use]
    pub const fn new(bytes: u64) -> Self {
        Self(bytes)
    }

    /// The number of bytes.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        self.0
    }

    /// The number of bytes as a `usize`, or `usize::MAX` if it does not fit.
    #[must_use]
    pub fn as_usize(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl Rate {
    /// The bound of a rate, in words.
    pub(crate) const BOUND: &str = "count 1 to 4294967295, or `\"off\"`";
}

impl Period {
    /// The length of the period.
    #[must_use]
    pub const fn duration(self) -> Duration {
        Duration::from_secs(match self {
            Self::Second => 1,
            Self::Minute => 60,
            Self::Hour => 3600,
            Self::Day => 86_400,
        })
    }
}

impl From<Time> for Duration {
    fn from(time: Time) -> Self {
        time.duration()
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 { f.write_str("0s") } else { write_in_units(self.0, &TIME_UNITS, f) }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 { f.write_str("0B") } else { write_in_units(self.0, &SIZE_UNITS, f) }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Per { count, period } = self else { return f.write_str("off") };
        let period = match period {
            Period::Second => 's',
            Period::Minute => 'm',
            Period::Hour => 'h',
            Period::Day => 'd',
        };
        write!(f, "{count}/{period}")
    }
}

impl FromStr for Time {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let time = parse_in_units(text, &TIME_UNITS, "time", "s", TIME_HELP)?;
        if time > Self::MAX.0 {
            return Err(UnitError::new(format!("{text:?} is longer than a year"), TIME_HELP));
        }
        Ok(Self(time))
    }
}

impl FromStr for Size {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        parse_in_units(text, &SIZE_UNITS, "size", "B", SIZE_HELP).map(Self)
    }
}

impl FromStr for Rate {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        if text == "off" {
            return Ok(Self::Off);
        }
        let wrong = || UnitError::new(format!("{text:?} is not a rate"), RATE_HELP);
        let Some((count, period)) = text.split_once('/') else {
            return Err(match digits(text) {
                Some(_) => UnitError::without_unit(text, "/s"),
                None => wrong(),
            });
        };
        let count = digits(count).ok_or_else(wrong)?;
        let period = match period {
            "s" => Period::Second,
            "m" => Period::Minute,
            "h" => Period::Hour,
            "d" => Period::Day,
            _ => return Err(wrong()),
        };
        let count = u32::try_from(count)
            .map_err(|_| UnitError::new(format!("{text:?} is too large a rate"), RATE_HELP))?;
        let count = NonZeroU32::new(count).ok_or_else(|| {
            UnitError::new(format!("{text:?} allows nothing"), "write \"off\" for no limit")
        })?;
        Ok(Self::Per { count, period })
    }
}

impl UnitError {
    fn new(message: String, help: impl Into<String>) -> Self {
        Self { message, help: help.into() }
    }

    fn without_unit(number: impl fmt::Display, unit: &str) -> Self {
        Self::new(format!("{number} has no unit"), format!("write \"{number}{unit}\""))
    }
}

impl fmt::Display for UnitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.message, self.help)
    }
}

impl std::error::Error for UnitError {}

fn write_in_units(value: u64, units: &[(&str, u64)], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let exact = units.iter().find(|(_, size)| value.is_multiple_of(*size));
    let (unit, size) = exact.copied().unwrap_or(("", 1));
    write!(f, "{}{unit}", value / size)
}

fn parse_in_units(
    text: &str,
    units: &[(&str, u64)],
    what: &str,
    usual: &str,
    help: &str,
) -> Result<u64, UnitError> {
    let wrong = || UnitError::new(format!("{text:?} is not a {what}"), help);
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    if number.is_empty() {
        return Err(wrong());
    }
    if unit.is_empty() {
        return Err(UnitError::without_unit(number, usual));
    }
    let (_, size) = units.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
    digits(number)
        .and_then(|number| number.checked_mul(*size))
        .ok_or_else(|| UnitError::new(format!("{text:?} is too large a {what}"), help))
}

/// The number in a text of digits alone: the standard library would also accept a leading `+`.
fn digits(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// Reads a `T` from text; for a number without a unit, the error suggests the unit.
struct UnitVisitor<T> {
    expecting: &'static str,
    unit: &'static str,
    is: PhantomData<T>,
}

impl<T: FromStr<Err = UnitError>> Visitor<'_> for UnitVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expecting)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(|UnitError { message, help }| E::custom(format!("{message}\n{help}")))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
        let UnitError { message, help } = UnitError::without_unit(number, self.unit);
        Err(E::custom(format!("{message}\n{help}")))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
        match u64::try_from(number) {
            Ok(number) => self.visit_u64(number),
            Err(_) => Err(E::custom(format!("expected {}, found {number}", self.expecting))),
        }
    }
}

macro_rules! deserialize_with_unit {
    ($($type:ty: $expecting:literal, $unit:literal;)*) => {$(
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let (expecting, unit) = ($expecting, $unit);
                deserializer.deserialize_any(UnitVisitor { expecting, unit, is: PhantomData })
            }
        }
    )*};
}

deserialize_with_unit! {
    Time: "a time such as \"30s\"", "s";
    Size: "a size such as \"64KiB\"", "B";
    Rate: "a rate such as \"60/s\"", "/s";
}

mod schema;
#[cfg(test)]
mod tests;
