//! Bounds on the work on a picture: its memory, which the header tells before the work begins, and
//! its time.

use std::time::{Duration, Instant};

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use waterway::{Error, Size, Time, code};

#[cfg(test)]
mod tests;

/// `limits.in_flight` where nobody says otherwise: any one picture within the default limits fits.
pub const IN_FLIGHT: Size = Size::new(768 << 20);

/// `limits.time` where nobody says otherwise.
pub const TIME: Time = Time::from_secs(30);

/// How long one picture may be worked on. It is asked between stages: none is interrupted.
///
/// What a task has waited before, in the queue or for memory, does not count: begin it where the
/// work begins.
#[derive(Debug, Clone, Copy)]
pub struct Watch {
    begun: Instant,
    limit: Duration,
}

impl Watch {
    /// Work of at most so long begins now.
    #[must_use]
    pub fn begin(limit: Time) -> Self {
        Self::begin_at(Instant::now(), limit)
    }

    /// Work of at most so long begins, or began, then.
    #[must_use]
    pub fn begin_at(begun: Instant, limit: Time) -> Self {
        Self { begun, limit: limit.duration() }
    }

    /// Goes on only while there is time left.
    ///
    /// # Errors
    /// `expired`.
    pub fn check(&self) -> Result<(), Error> {
        self.check_at(Instant::now())
    }

    /// The same, then.
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

/// What is known of a picture before it is decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Demand {
    /// The file's length, and the memory for the tables of its colour profile, in bytes.
    pub file: u64,
    /// The size that it is decoded at.
    pub decoded: (u32, u32),
    /// The samples of a pixel, each of them a byte, in hundredths: 300 for RGB.
    pub samples: u32,
    /// What the decoder holds beside it, in bytes.
    pub held: u64,
    /// The size that it is brought to.
    pub size: (u32, u32),
    /// The largest size that steps make of that.
    pub largest: (u32, u32),
    /// What the encoder holds beside the picture, in bytes.
    pub encoder: u64,
}

/// What work takes besides, whatever the picture: tables, and the file that is written.
const OVERHEAD: u64 = 256 << 10;

/// The memory that work on a picture takes at most at a time, in bytes: while it is decoded, while
/// its size is changed, while a step makes another of it, or while it is encoded.
#[must_use]
pub fn estimate(demand: &Demand) -> u64 {
    let Demand { file, decoded, samples, held, size, largest, encoder } = *demand;
    let bytes = |size| (area(size).saturating_mul(samples.into()) / 100).max(area(size));
    let decoding = bytes(decoded).saturating_add(held);
    // Across first, then down: what is between is as wide as the result and as high as it was.
    let between = if size == decoded { 0 } else { bytes((size.0, decoded.1)) };
    let resizing = bytes(decoded).saturating_add(bytes(size)).saturating_add(between);
    let resizing = if size == decoded { 0 } else { resizing };
    let stepping = bytes(largest).saturating_mul(2);
    let encoding = bytes(largest).saturating_add(encoder);
    let most = decoding.max(resizing).max(stepping).max(encoding);
    most.saturating_add(file).saturating_add(OVERHEAD)
}

/// More than any machine has.
const IN_FLIGHT_MAX: u64 = 4095 << 30;

/// Reads `limits.in_flight`: at least 1 MiB, at most 4 TiB.
///
/// # Errors
/// For a size outside of these.
pub fn in_flight<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Size, D::Error> {
    let size = Size::deserialize(deserializer)?;
    if (1 << 20..=IN_FLIGHT_MAX).contains(&size.bytes()) {
        return Ok(size);
    }
    Err(D::Error::custom(format!("{size} for pictures under way\nit is 1MiB to 4095GiB")))
}

/// Reads `limits.time`: above 0.
///
/// # Errors
/// For none at all.
pub fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Time, D::Error> {
    let time = Time::deserialize(deserializer)?;
    if time > Time::default() {
        return Ok(time);
    }
    Err(D::Error::custom("no time to work in\nwrite how long one picture may take: \"10s\""))
}

fn area((width, height): (u32, u32)) -> u64 {
    u64::from(width) * u64::from(height)
}
