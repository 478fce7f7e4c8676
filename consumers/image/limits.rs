//! What a picture may be and take: `[consumer.<name>.limits]`.

use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use waterway::{Error, Size, Time, code};

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
    /// The longest side in pixels. What a format cannot hold of that is told when it is written.
    #[serde(deserialize_with = "side")]
    pub side: u32,
    /// The most pixels that a zoom or a step may make of a picture, as a multiple of the pixels that
    /// it came with: 16 by default, at least 1. [`Self::PIXELS_ALWAYS`] are allowed in any case.
    #[serde(deserialize_with = "at_least_one")]
    pub enlarge: u32,
    /// The longest file.
    #[serde(deserialize_with = "at_least_one")]
    pub bytes: Size,
    /// The most frames of an animation that are worked on. Only the first is, so that no animation is
    /// refused for its length; one that nothing is done to is passed on whole.
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
    /// The longest side that GIF and JPEG can say.
    pub const SIDE_MAX: u32 = 65_535;

    /// A zoom or a step may make this many pixels even from the smallest picture. That takes some
    /// 25 ms.
    pub const PIXELS_ALWAYS: u64 = 2_000_000;

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
        let Probe { width, height, scans, .. } = *probe;
        let refused = |message| Err(Error::new(BAD_IMAGE, message));
        if !self.admit(width, height) {
            return refused(format!("the picture is {width} × {height} pixels, and {self} go"));
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

    /// Refuses a zoom or a step that makes far more pixels than the picture came with: a file of a
    /// few bytes must not cost as much work as a photo. `what` names the zoom or the step.
    ///
    /// # Errors
    /// `bad_header`.
    pub fn check_enlarged(
        &self,
        what: impl fmt::Display,
        came: (u32, u32),
        made: (u32, u32),
    ) -> Result<(), Error> {
        let pixels = |(width, height)| u64::from(width) * u64::from(height);
        let most = pixels(came).saturating_mul(self.enlarge.into()).max(Self::PIXELS_ALWAYS);
        if pixels(made) <= most {
            return Ok(());
        }
        let message = format!(
            "{what} would make {} × {} pixels of {} × {}, and at most {most} pixels are allowed \
             (limits.enlarge)",
            made.0, made.1, came.0, came.1,
        );
        Err(Error::new(code::BAD_HEADER, message))
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
            enlarge: 16,
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
    fn a_small_picture_is_made_larger_up_to_a_fixed_size_and_a_large_one_by_a_factor() {
        let limits = Limits::default();
        for (came, made, allowed) in [
            ((1, 1), (2000, 1000), true),
            ((1, 1), (2001, 1000), false),
            ((1, 1), (7000, 7000), false),
            ((400, 300), (1600, 1200), true),
            ((400, 300), (2000, 1000), true),
            ((400, 400), (1600, 1600), true),
            ((400, 400), (1601, 1600), false),
            // Exact where the product needs more than 31 bits.
            ((16_383, 16_383), (4_294_443_024, 1), true),
            ((16_383, 16_383), (4_294_443_025, 1), false),
        ] {
            let checked = limits.check_enlarged("a zoom", came, made);
            assert_eq!(checked.is_ok(), allowed, "{came:?} to {made:?}");
            let code = checked.as_ref().err().map_or("", waterway::Error::code);
            assert!(allowed || code == "bad_header", "{code}");
        }
        let twice = Limits { enlarge: 2, ..limits };
        assert!(twice.check_enlarged("a zoom", (2000, 1000), (2000, 2000)).is_ok());
        assert!(twice.check_enlarged("a zoom", (2000, 1000), (2001, 2000)).is_err());
    }

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
