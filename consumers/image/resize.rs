//! Makes pictures smaller or larger.

use std::cell::RefCell;

use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};
use image::DynamicImage;
use waterway::Error;

use super::codec::Limits;

thread_local! {
    // A worker's own, because it keeps its scratch memory from picture to picture.
    static RESIZER: RefCell<Resizer> = RefCell::default();
}

/// The picture in another size, each side of which is at least 1.
///
/// The filter widens with the factor, so that nothing of the picture falls between its samples.
pub(super) fn resize(picture: &DynamicImage, size: (u32, u32)) -> Result<DynamicImage, Error> {
    let (width, height) = size;
    let mut resized = DynamicImage::new(width, height, picture.color());
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::CatmullRom));
    RESIZER.with_borrow_mut(|resizer| resizer.resize(picture, &mut resized, &options))?;
    Ok(resized)
}

/// A size by a factor, rounded, and at least 1 × 1; nothing if that is beyond the limits.
pub(super) fn zoomed(size: (u32, u32), zoom: f64, limits: &Limits) -> Option<(u32, u32)> {
    let by_zoom = |side: u32| {
        let longer = (f64::from(side) * zoom).round().max(1.0);
        // Checked before it is made a whole number, so that nothing is cut off.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        (longer <= f64::from(u32::MAX)).then_some(longer as u32)
    };
    let (width, height) = (by_zoom(size.0)?, by_zoom(size.1)?);
    limits.admit(width, height).then_some((width, height))
}

/// The largest size of these proportions within a box; the size itself if it is within already.
pub(super) fn fitted(size: (u32, u32), within: (u32, u32)) -> (u32, u32) {
    let across = f64::from(within.0) / f64::from(size.0);
    let down = f64::from(within.1) / f64::from(size.1);
    let factor = across.min(down);
    if factor >= 1.0 {
        return size;
    }
    let by_factor = |side: u32, most: u32| {
        // At most `most`, so nothing is cut off.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let shorter = (f64::from(side) * factor).round() as u32;
        shorter.clamp(1, most)
    };
    (by_factor(size.0, within.0), by_factor(size.1, within.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zoomed_size_is_rounded_and_never_empty_and_within_the_limits() {
        let limits = Limits { pixels: 1_000_000, side: 2000, ..Limits::default() };
        let table = [
            ((100, 50), 1.0, Some((100, 50))),
            ((101, 51), 0.5, Some((51, 26))),
            ((1, 1), 0.01, Some((1, 1))),
            ((1, 1), f64::MIN_POSITIVE, Some((1, 1))),
            ((100, 50), 20.0, Some((2000, 1000))),
            ((100, 50), 20.1, None),
            ((1000, 1000), 1.0, Some((1000, 1000))),
            ((1000, 1000), 1.01, None),
            ((1, 1), f64::MAX, None),
            ((u32::MAX, u32::MAX), f64::MAX, None),
        ];
        for (size, zoom, expected) in table {
            let expected = expected.filter(|&(w, h)| limits.admit(w, h));
            assert_eq!(zoomed(size, zoom, &limits), expected, "{size:?} × {zoom}");
        }
    }

    #[test]
    fn a_fitted_size_keeps_its_proportions_and_never_grows() {
        let table = [
            ((640, 480), (320, 320), (320, 240)),
            ((480, 640), (320, 320), (240, 320)),
            ((100, 50), (320, 320), (100, 50)),
            ((10_000, 1), (100, 100), (100, 1)),
            ((3, 2), (1, 1), (1, 1)),
        ];
        for (size, within, expected) in table {
            assert_eq!(fitted(size, within), expected, "{size:?} into {within:?}");
        }
    }
}
