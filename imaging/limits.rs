//! How large a picture may be: the original, and the results of steps.

use std::fmt;

use crate::error::{Error, ErrorKind};
use crate::probe::Probe;

/// Bounds on one picture. Each is checked against the file's headers, before memory is taken for
/// the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most pixels, width × height, of the original and after every step.
    pub pixels: u64,
    /// The longest side in pixels. An [`Encoding`](crate::Encoding) may have a lower limit of its
    /// own.
    pub side: u32,
    /// The most pixels that a zoom or a step may make of a picture, as a multiple of the
    /// original's pixels. [`Self::PIXELS_ALWAYS`] are allowed in any case.
    pub enlarge: u32,
    /// The most scans of a progressive JPEG. Encoders write some ten. Each costs a pass over the
    /// whole picture, however few bytes it has.
    pub scans: u32,
    /// The most pixels of all scans of a progressive JPEG together: its pixels times its scans. It
    /// bounds the time for a large picture with few bytes in each of many scans.
    pub scanned: u64,
}

impl Limits {
    /// The longest side that GIF and JPEG can express.
    pub const SIDE_MAX: u32 = 65_535;

    /// A zoom or a step may make this many pixels even from the smallest picture. That takes some
    /// 25 ms.
    pub const PIXELS_ALWAYS: u64 = 2_000_000;

    /// Whether a picture of this size is within the limits.
    #[must_use]
    pub fn admit(&self, width: u32, height: u32) -> bool {
        width.max(height) <= self.side && u64::from(width) * u64::from(height) <= self.pixels
    }

    /// Refuses a picture whose headers are beyond the limits.
    ///
    /// # Errors
    /// [`BadPicture`](ErrorKind::BadPicture).
    pub fn check(&self, probe: &Probe) -> Result<(), Error> {
        let Probe { width, height, scans, .. } = *probe;
        let refused = |message| Err(Error::bad_picture(message));
        if !self.admit(width, height) {
            return refused(format!(
                "the picture is {width} × {height} pixels, but {self} are allowed"
            ));
        }
        if scans > self.scans {
            let most = self.scans;
            return refused(format!(
                "the picture has {scans} scans, but at most {most} are allowed"
            ));
        }
        let scanned = probe.pixels().saturating_mul(scans.into());
        if scans > 1 && scanned > self.scanned {
            let most = self.scanned;
            return refused(format!(
                "the picture's {scans} scans have {scanned} pixels together, but at most {most} are \
                 allowed"
            ));
        }
        Ok(())
    }

    /// Refuses a zoom or a step that makes far more pixels than the original has: a file of a few
    /// bytes must not cost the work of a photo. `what` is the name of the zoom or the step.
    ///
    /// # Errors
    /// [`Enlarged`](ErrorKind::Enlarged).
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
        Err(Error::new(ErrorKind::Enlarged, message))
    }
}

impl Default for Limits {
    /// 50 megapixels, like imgproxy's default.
    fn default() -> Self {
        Self {
            pixels: 50_000_000,
            side: Self::SIDE_MAX,
            enlarge: 16,
            scans: 50,
            // The largest picture with the usual number of scans.
            scanned: 500_000_000,
        }
    }
}

impl fmt::Display for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at most {} pixels with no side above {}", self.pixels, self.side)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            let kind = checked.err().map(|error| error.kind());
            assert_eq!(kind, (!allowed).then_some(ErrorKind::Enlarged), "{came:?} to {made:?}");
        }
        let twice = Limits { enlarge: 2, ..limits };
        assert!(twice.check_enlarged("a zoom", (2000, 1000), (2000, 2000)).is_ok());
        assert!(twice.check_enlarged("a zoom", (2000, 1000), (2001, 2000)).is_err());
    }
}
