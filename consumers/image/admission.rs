//! Bounds on the work on all pictures at a time: their memory, and the time of each.

use std::time::{Duration, Instant};

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use waterway::setting::Size;
use waterway::{Error, Time, code};

#[cfg(test)]
mod tests;

/// The default of `limits.in_flight`: any one picture within the default limits fits.
pub const IN_FLIGHT: Size = Size::new(768 << 20);

/// The default of `limits.time`.
pub const TIME: Time = Time::from_secs(30);

/// How long one picture may be worked on. It is checked between stages; no stage is interrupted.
///
/// The time that a task has waited before, in the queue or for memory, does not count: begin it
/// where the work begins.
#[derive(Debug, Clone, Copy)]
pub struct Watch {
    begun: Instant,
    limit: Duration,
}

impl Watch {
    /// For work that begins now and takes at most this long.
    #[must_use]
    pub fn begin(limit: Time) -> Self {
        Self::begin_at(Instant::now(), limit)
    }

    /// For work that begins or began at this moment and takes at most this long.
    #[must_use]
    pub fn begin_at(begun: Instant, limit: Time) -> Self {
        Self { begun, limit: limit.duration() }
    }

    /// Checks that there is time left.
    ///
    /// # Errors
    /// `expired`.
    pub fn check(&self) -> Result<(), Error> {
        self.check_at(Instant::now())
    }

    /// Checks that there is time left at this moment.
    ///
    /// # Errors
    /// `expired`.
    pub fn check_at(&self, now: Instant) -> Result<(), Error> {
        if now.saturating_duration_since(self.begun) <= self.limit {
            return Ok(());
        }
        let message = format!(
            "the picture takes more than {:?} to work on (limits.time): send a smaller one",
            self.limit
        );
        Err(Error::new(code::EXPIRED, message))
    }
}

const IN_FLIGHT_MIN: Size = Size::new(1 << 20);

/// More than any machine has.
const IN_FLIGHT_MAX: Size = Size::new(4095 << 30);

/// The bound of `limits.in_flight`, in words.
pub(super) fn in_flight_bound() -> String {
    format!("`\"{IN_FLIGHT_MIN}\"` to `\"{IN_FLIGHT_MAX}\"`")
}

/// Reads `limits.in_flight`: at least 1 MiB, at most 4 TiB.
///
/// # Errors
/// For a size outside this range.
pub fn in_flight<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Size, D::Error> {
    let size = Size::deserialize(deserializer)?;
    if (IN_FLIGHT_MIN..=IN_FLIGHT_MAX).contains(&size) {
        return Ok(size);
    }
    Err(D::Error::custom(format!(
        "{size} for pictures under way\nit is {IN_FLIGHT_MIN} to {IN_FLIGHT_MAX}"
    )))
}

/// Reads `limits.time`: more than 0.
///
/// # Errors
/// For a time of 0.
pub fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Time, D::Error> {
    let time = Time::deserialize(deserializer)?;
    if time > Time::default() {
        return Ok(time);
    }
    Err(D::Error::custom("no time to work in\nwrite how long one picture may take: \"10s\""))
}
