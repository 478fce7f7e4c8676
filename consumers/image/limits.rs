//! The limits on a picture: `[consumer.<name>.limits]`.

use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use waterway::setting::Size;
use waterway::{Error, Time};

use super::admission;
use super::code::BAD_IMAGE;

/// Bounds on one picture, and on all pictures in work. Each is checked against the file's headers,
/// before memory is taken for the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Pixels of a picture, both as sent and zoomed.
    #[serde(deserialize_with = "pixels")]
    #[schemars(range(min = 1))]
    pub pixels: u64,
    /// Longest side in px. Formats have bounds of their own: 16383 px for WebP, 32768 px for AVIF,
    /// 65500 px for JPEG; a larger result is `step_failed`.
    #[serde(deserialize_with = "side")]
    #[schemars(range(min = 1, max = SIDE_MAX))]
    pub side: u32,
    /// How many times its pixels a zoom or step may make of a picture; 2 megapixels are always
    /// allowed. More is `bad_header`.
    #[serde(deserialize_with = "at_least_one")]
    #[schemars(range(min = 1))]
    pub enlarge: u32,
    /// Longest file.
    #[serde(deserialize_with = "at_least_one")]
    #[schemars(extend("x-bound" = "above 0"))]
    pub bytes: Size,
    /// Frames of an animation that are looked at. Only the first is worked on, so no animation is
    /// refused for its length, and `[]` passes on all frames.
    #[serde(deserialize_with = "at_least_one")]
    #[schemars(range(min = 1))]
    pub frames: u32,
    /// Scans of a progressive JPEG; encoders make about ten. Each costs a pass over the whole picture,
    /// however few bytes it has.
    #[serde(deserialize_with = "at_least_one")]
    #[schemars(range(min = 1))]
    pub scans: u32,
    /// Pixels of a JPEG times its scans.
    #[serde(deserialize_with = "pixels")]
    #[schemars(range(min = 1))]
    pub scanned: u64,
    /// Memory of all pictures in progress, estimated from their headers. A picture begins in its turn,
    /// when its share is free.
    #[serde(deserialize_with = "admission::in_flight")]
    #[schemars(extend("x-bound" = admission::in_flight_bound()))]
    pub in_flight: Size,
    /// Working time of one picture, checked between stages; waiting does not count.
    #[serde(deserialize_with = "admission::time")]
    #[schemars(extend("x-bound" = "above 0"))]
    pub time: Time,
    /// Memory that a worker keeps from one picture to the next.
    pub buffers: Size,
}

impl Limits {
    /// The limits on one picture's sides, pixels and scans.
    #[must_use]
    pub fn picture(&self) -> imaging::Limits {
        let &Self { pixels, side, enlarge, scans, scanned, .. } = self;
        imaging::Limits { pixels, side, enlarge, scans, scanned }
    }

    /// Refuses a file that is longer than `bytes`.
    ///
    /// # Errors
    /// `bad_image`.
    pub fn check_length(&self, file: &[u8]) -> Result<(), Error> {
        if file.len() as u64 <= self.bytes.bytes() {
            return Ok(());
        }
        let message =
            format!("the picture has {} bytes, at most {} are allowed", file.len(), self.bytes);
        Err(Error::new(BAD_IMAGE, message))
    }
}

impl Default for Limits {
    fn default() -> Self {
        let imaging::Limits { pixels, side, enlarge, scans, scanned } = imaging::Limits::default();
        Self {
            pixels,
            side,
            enlarge,
            bytes: Size::new(64 << 20),
            frames: 1000,
            scans,
            scanned,
            in_flight: admission::IN_FLIGHT,
            time: admission::TIME,
            buffers: Size::new(32 << 20),
        }
    }
}

fn pixels<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let pixels = u64::deserialize(deserializer)?;
    if pixels > 0 {
        return Ok(pixels);
    }
    Err(D::Error::custom("a picture of 0 pixels: a limit is at least 1"))
}

const SIDE_MAX: u32 = imaging::Limits::SIDE_MAX;

fn side<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let side = u32::deserialize(deserializer)?;
    if (1..=SIDE_MAX).contains(&side) {
        return Ok(side);
    }
    let message = format!("a side of {side} pixels: it is 1 to {SIDE_MAX}");
    Err(D::Error::custom(message))
}

/// For limits on bytes, frames and scans, and for `enlarge`.
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
        for key in ["pixels", "side", "enlarge", "frames", "scans", "scanned"] {
            assert!(from_value::<Limits>(json!({key: 0})).is_err(), "{key}");
            assert!(from_value::<Limits>(json!({key: 1})).is_ok(), "{key}");
        }
        assert!(from_value::<Limits>(json!({"bytes": "0B"})).is_err());
        assert!(from_value::<Limits>(json!({"bytes": "1B"})).is_ok());
    }
}
