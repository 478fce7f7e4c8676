//! What a picture may be and take: `[consumer.<name>.limits]`.

use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use waterway::{Error, Size, Time};

use super::admission;
use super::code::BAD_IMAGE;
use super::codec::Probe;

/// Bounds of one picture, and of all that are worked on at a time. Each is decided by what a file
/// says of itself, before memory is taken for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// The most pixels, width × height, as it came and at any step after.
    #[serde(deserialize_with = "pixels")]
    pub pixels: u64,
    /// The longest side in pixels; no format that is written holds more than the default.
    #[serde(deserialize_with = "side")]
    pub side: u32,
    /// The longest file.
    #[serde(deserialize_with = "at_least_one")]
    pub bytes: Size,
    /// The most frames of an animation; of more than one the first is worked on.
    #[serde(deserialize_with = "at_least_one")]
    pub frames: u32,
    /// The most scans of a progressive JPEG. Encoders write some ten; each costs a pass over the
    /// whole picture, however few bytes it has.
    #[serde(deserialize_with = "at_least_one")]
    pub scans: u32,
    /// The most pixels that all scans of a progressive JPEG go over together: its pixels times its
    /// scans. It bounds the time of a large picture that has few bytes in each of many scans.
    #[serde(deserialize_with = "pixels")]
    pub scanned: u64,
    /// The memory of all pictures that are worked on at a time, by what their headers say.
    #[serde(deserialize_with = "admission::in_flight")]
    pub in_flight: Size,
    /// How long the work on one picture may take; looked at between its stages.
    #[serde(deserialize_with = "admission::time")]
    pub time: Time,
    /// The memory that a worker keeps from one picture to the next.
    pub buffers: Size,
}

impl Limits {
    /// The longest side that WebP can hold, the narrowest of the formats that are written.
    pub const SIDE_MAX: u32 = 16_383;

    /// Whether a picture of this size is within the limits.
    #[must_use]
    pub fn admit(&self, width: u32, height: u32) -> bool {
        width.max(height) <= self.side && u64::from(width) * u64::from(height) <= self.pixels
    }

    /// Refuses a picture that says it is more than goes.
    ///
    /// # Errors
    /// `bad_image`.
    pub fn check(&self, probe: &Probe) -> Result<(), Error> {
        let Probe { width, height, frames, scans, .. } = *probe;
        let refused = |message| Err(Error::new(BAD_IMAGE, message));
        if !self.admit(width, height) {
            return refused(format!("the picture is {width} × {height} pixels, and {self} go"));
        }
        if frames > self.frames {
            let most = self.frames;
            return refused(format!("the picture has {frames} frames, and at most {most} go"));
        }
        if scans > self.scans {
            let most = self.scans;
            return refused(format!("the picture has {scans} scans, and at most {most} go"));
        }
        let scanned = probe.pixels().saturating_mul(scans.into());
        if scans > 1 && scanned > self.scanned {
            let most = self.scanned;
            return refused(format!(
                "the picture's {scans} scans go over {scanned} pixels, and at most {most} go"
            ));
        }
        Ok(())
    }

    /// Refuses a file that is longer than goes.
    ///
    /// # Errors
    /// `bad_image`.
    pub fn check_length(&self, file: &[u8]) -> Result<(), Error> {
        if file.len() as u64 <= self.bytes.bytes() {
            return Ok(());
        }
        let message =
            format!("the picture has {} bytes, and at most {} go", file.len(), self.bytes);
        Err(Error::new(BAD_IMAGE, message))
    }
}

impl Default for Limits {
    /// 50 megapixels, as imgproxy has it.
    fn default() -> Self {
        Self {
            pixels: 50_000_000,
            side: Self::SIDE_MAX,
            bytes: Size::new(64 << 20),
            frames: 1000,
            scans: 50,
            // The largest picture in as many scans as encoders make of one.
            scanned: 500_000_000,
            in_flight: admission::IN_FLIGHT,
            time: admission::TIME,
            buffers: Size::new(32 << 20),
        }
    }
}

impl fmt::Display for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at most {} pixels with no side above {}", self.pixels, self.side)
    }
}

fn pixels<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let pixels = u64::deserialize(deserializer)?;
    if pixels > 0 {
        return Ok(pixels);
    }
    Err(D::Error::custom("a picture of 0 pixels: a limit is at least 1"))
}

fn side<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let side = u32::deserialize(deserializer)?;
    if (1..=Limits::SIDE_MAX).contains(&side) {
        return Ok(side);
    }
    let message = format!("a side of {side} pixels: it is 1 to {}", Limits::SIDE_MAX);
    Err(D::Error::custom(message))
}

/// Of bytes, frames, scans.
fn at_least_one<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default + PartialOrd,
{
    let count = T::deserialize(deserializer)?;
    if count > T::default() {
        return Ok(count);
    }
    Err(D::Error::custom("0 would let no picture through: a limit is at least 1"))
}

#[cfg(test)]
mod tests {
    use serde_json::{from_value, json};

    use super::Limits;

    #[test]
    fn a_limit_that_lets_no_picture_through_is_a_mistake() {
        for key in ["pixels", "side", "frames", "scans", "scanned"] {
            assert!(from_value::<Limits>(json!({key: 0})).is_err(), "{key}");
            assert!(from_value::<Limits>(json!({key: 1})).is_ok(), "{key}");
        }
        assert!(from_value::<Limits>(json!({"bytes": "0B"})).is_err());
        assert!(from_value::<Limits>(json!({"bytes": "1B"})).is_ok());
    }
}
