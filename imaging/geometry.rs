//! A cut and a change of size in one. Several geometric steps become one of these, so that they
//! cost one pass over the picture.

use crate::error::Error;
use crate::limits::Limits;

/// A rectangle of a picture, in pixels from the upper left corner; its edges may be between pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rect {
    /// From the left.
    pub left: f64,
    /// From the top.
    pub top: f64,
    /// Above 0.
    pub width: f64,
    /// Above 0.
    pub height: f64,
}

impl Rect {
    /// All of a picture of this size.
    #[must_use]
    pub fn of(size: (u32, u32)) -> Self {
        Self { left: 0.0, top: 0.0, width: size.0.into(), height: size.1.into() }
    }
}

/// Cuts a rectangle out of a picture and resizes it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Geometry {
    /// The rectangle; within the picture.
    pub source: Rect,
    /// The new size, each side at least 1.
    pub size: (u32, u32),
}

impl Geometry {
    /// The whole picture, in another size.
    #[must_use]
    pub fn resized(from: (u32, u32), size: (u32, u32)) -> Self {
        Self { source: Rect::of(from), size }
    }

    /// The geometry that leaves a picture of this size unchanged.
    #[must_use]
    pub fn identity(size: (u32, u32)) -> Self {
        Self::resized(size, size)
    }

    /// Whether it leaves a picture of this size unchanged.
    #[must_use]
    pub fn is_identity(&self, size: (u32, u32)) -> bool {
        *self == Self::identity(size)
    }

    /// Whether no side becomes smaller than the rectangle's.
    #[must_use]
    pub fn is_no_smaller(&self) -> bool {
        f64::from(self.size.0) >= self.source.width && f64::from(self.size.1) >= self.source.height
    }

    /// Whether it is more than a cut, and no side becomes smaller.
    #[must_use]
    pub fn is_larger(&self) -> bool {
        let (across, down) = (f64::from(self.size.0), f64::from(self.size.1));
        self.is_no_smaller() && (across > self.source.width || down > self.source.height)
    }

    /// Both in one: `next` applies to the picture that this one makes.
    ///
    /// ```
    /// use imaging::{Geometry, Rect};
    ///
    /// let half = Geometry::resized((400, 200), (200, 100));
    /// let right = Rect { left: 100.0, top: 0.0, width: 100.0, height: 100.0 };
    /// let both = half.then(Geometry { source: right, size: (50, 50) });
    /// assert_eq!(both.source, Rect { left: 200.0, top: 0.0, width: 200.0, height: 200.0 });
    /// assert_eq!(both.size, (50, 50));
    /// ```
    #[must_use]
    pub fn then(self, next: Self) -> Self {
        let across = self.source.width / f64::from(self.size.0);
        let down = self.source.height / f64::from(self.size.1);
        let source = Rect {
            left: self.source.left + next.source.left * across,
            top: self.source.top + next.source.top * down,
            width: next.source.width * across,
            height: next.source.height * down,
        };
        Self { source, size: next.size }
    }

    /// Refuses a result beyond the limits; `step` is the step's name, and `came` the size of the
    /// original picture.
    ///
    /// # Errors
    /// `ErrorKind::StepFailed`, or `ErrorKind::Enlarged` if it enlarges a small picture too much.
    pub fn check(&self, step: &str, came: (u32, u32), limits: &Limits) -> Result<(), Error> {
        check(step, came, self.size, limits)
    }
}

/// Checks whether a step may make a picture of `size` from an original of the size `came`.
///
/// # Errors
/// `ErrorKind::StepFailed`, or `ErrorKind::Enlarged` if it enlarges a small picture too much.
pub(crate) fn check(
    step: &str,
    came: (u32, u32),
    size: (u32, u32),
    limits: &Limits,
) -> Result<(), Error> {
    let (width, height) = size;
    if !limits.admit(width, height) {
        let message =
            format!("{step} would make {width} × {height} pixels, but {limits} are allowed");
        return Err(Error::step_failed(message));
    }
    limits.check_enlarged(step, came, size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn composed_geometries_cut_what_both_would() {
        let rect = |left, top, width, height| Rect { left, top, width, height };
        let crop = Geometry { source: rect(10.0, 20.0, 80.0, 40.0), size: (80, 40) };
        let table = [
            // Alone, and with the identity before or after it.
            (Geometry::identity((100, 100)), crop, rect(10.0, 20.0, 80.0, 40.0)),
            (crop, Geometry::identity((80, 40)), rect(10.0, 20.0, 80.0, 40.0)),
            // A crop of a crop.
            (
                crop,
                Geometry { source: rect(5.0, 5.0, 10.0, 10.0), size: (10, 10) },
                rect(15.0, 25.0, 10.0, 10.0),
            ),
            // A crop of a halved picture, with its edges between pixels.
            (
                Geometry::resized((101, 51), (51, 26)),
                Geometry { source: rect(0.0, 0.0, 17.0, 13.0), size: (17, 13) },
                rect(0.0, 0.0, 101.0 / 3.0, 25.5),
            ),
        ];
        for (first, next, source) in table {
            let both = first.then(next);
            assert_eq!(both.size, next.size);
            for (a, b) in [
                (both.source.left, source.left),
                (both.source.top, source.top),
                (both.source.width, source.width),
                (both.source.height, source.height),
            ] {
                assert!((a - b).abs() < 1e-9, "{first:?} then {next:?}: {both:?}");
            }
        }
        assert!(Geometry::identity((3, 4)).is_identity((3, 4)));
        assert!(!crop.is_identity((100, 100)));
    }

    #[test]
    fn what_would_be_too_large_is_refused() {
        let limits = Limits { pixels: 1000, side: 100, ..Limits::default() };
        let check = |size| Geometry::resized((1, 1), size).check("fill", (1, 1), &limits);
        assert!(check((40, 25)).is_ok());
        let error = check((101, 1)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::StepFailed);
    }
}
