//! Makes pictures smaller or larger.

use fast_image_resize::{Filter, FilterType, ResizeAlg, ResizeOptions};
use image::{ColorType, DynamicImage};
use waterway::Error;

use super::codec::Limits;
use super::geometry::{Geometry, Rect};
use super::picture::Picture;
use super::pixels::{from_samples, premultiplied};
use super::scratch;

/// The picture in another size, each side of which is at least 1.
///
/// The filter widens with the factor, so that nothing of the picture falls between its samples.
/// Colours count by their alpha, so that what cannot be seen does not bleed into what can.
pub(super) fn resize(picture: &DynamicImage, size: (u32, u32)) -> Result<DynamicImage, Error> {
    cut_and_resize(picture, &Geometry::resized((picture.width(), picture.height()), size))
}

/// Cuts and resizes in one pass.
pub(super) fn reshape(picture: &mut DynamicImage, geometry: &Geometry) -> Result<(), Error> {
    let Geometry { source, size } = *geometry;
    if geometry.is_identity((picture.width(), picture.height())) {
        return Ok(());
    }
    if let Some((left, top)) = whole_pixels(source, size) {
        let cut = picture.crop_imm(left, top, size.0, size.1);
        Picture::Pixels(std::mem::replace(picture, cut)).recycle();
        return Ok(());
    }
    // Premultiplied in place: the resizer would premultiply a copy of the whole picture.
    premultiplied(picture, |picture| {
        let reshaped = resample(picture, size, &cut_out(picture, source).use_alpha(false))?;
        Picture::Pixels(std::mem::replace(picture, reshaped)).recycle();
        Ok(())
    })
}

pub(super) fn cut_and_resize(
    picture: &DynamicImage,
    geometry: &Geometry,
) -> Result<DynamicImage, Error> {
    resample(picture, geometry.size, &cut_out(picture, geometry.source))
}

fn cut_out(picture: &DynamicImage, source: Rect) -> ResizeOptions {
    // What composing fractions left over may reach beyond the edge by less than a pixel's 2⁻³⁰.
    let (right, bottom) = (f64::from(picture.width()), f64::from(picture.height()));
    let (left, top) = (source.left.clamp(0.0, right), source.top.clamp(0.0, bottom));
    let (across, down) = (source.width.min(right - left), source.height.min(bottom - top));
    options(FilterType::CatmullRom).crop(left, top, across, down)
}

/// A smaller version, each pixel of which is the mean of what it stands for. Alpha is a sample like
/// the others.
pub(super) fn shrunk_by_area(
    picture: &DynamicImage,
    size: (u32, u32),
) -> Result<DynamicImage, Error> {
    resample(picture, size, &options(FilterType::Box).use_alpha(false))
}

/// A larger version of what lies within a margin of two pixels, softened by the cubic B-spline
/// between its pixels: a variance of a third of a pixel. Alpha is a sample like the others.
pub(super) fn enlarged_smoothly(
    picture: &DynamicImage,
    size: (u32, u32),
) -> Result<DynamicImage, Error> {
    let filter = FilterType::Custom(Filter::new("cubic B-spline", b_spline, 2.0)?);
    let within = |side: u32| f64::from(side) - 4.0;
    let options = options(filter)
        .crop(2.0, 2.0, within(picture.width()), within(picture.height()))
        .use_alpha(false);
    resample(picture, size, &options)
}

/// As Pillow's `LANCZOS`: a small version for hashes that others compute too.
pub(super) fn resized_by_lanczos(
    picture: &DynamicImage,
    size: (u32, u32),
) -> Result<DynamicImage, Error> {
    resample(picture, size, &options(FilterType::Lanczos3))
}

fn b_spline(x: f64) -> f64 {
    let x = x.abs();
    if x < 1.0 {
        (4.0 - 6.0 * x * x + 3.0 * x * x * x) / 6.0
    } else if x < 2.0 {
        (2.0 - x).powi(3) / 6.0
    } else {
        0.0
    }
}

fn options(filter: FilterType) -> ResizeOptions {
    ResizeOptions::new().resize_alg(ResizeAlg::Convolution(filter))
}

fn resample(
    picture: &DynamicImage,
    (width, height): (u32, u32),
    options: &ResizeOptions,
) -> Result<DynamicImage, Error> {
    let mut resized = blank(picture.color(), (width, height))?;
    scratch::with_resizer(|resizer| resizer.resize(picture, &mut resized, options))?;
    Ok(resized)
}

/// A picture to be written over, in memory that was in use before where there is some.
fn blank(color: ColorType, (width, height): (u32, u32)) -> Result<DynamicImage, Error> {
    let channels = usize::from(color.channel_count());
    let samples = scratch::take(width as usize * height as usize * channels)?;
    Ok(from_samples((width, height), channels, samples))
}

/// The corner of a cut that leaves its pixels as they are.
fn whole_pixels(source: Rect, size: (u32, u32)) -> Option<(u32, u32)> {
    let same = source.width.to_bits() == f64::from(size.0).to_bits()
        && source.height.to_bits() == f64::from(size.1).to_bits();
    // Within the picture, so nothing is cut off.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    (same && source.left.fract() == 0.0 && source.top.fract() == 0.0)
        .then_some((source.left as u32, source.top as u32))
}

/// A small version of a picture whose longest side is at most this, for what needs no detail.
pub(super) fn thumbnail(picture: &DynamicImage, longest: u32) -> Result<DynamicImage, Error> {
    let size = (picture.width(), picture.height());
    match fitted(size, (longest, longest)) {
        same if same == size => Ok(picture.clone()),
        smaller => resize(picture, smaller),
    }
}

/// A size by a factor, rounded, and at least 1 × 1; nothing if that is beyond the limits.
pub(super) fn zoomed(size: (u32, u32), zoom: f64, limits: &Limits) -> Option<(u32, u32)> {
    let (width, height) = scaled(size, zoom)?;
    limits.admit(width, height).then_some((width, height))
}

/// A size by a factor, rounded, and at least 1 × 1; nothing if no number holds it.
pub(super) fn scaled(size: (u32, u32), zoom: f64) -> Option<(u32, u32)> {
    let by_zoom = |side: u32| {
        let longer = (f64::from(side) * zoom).round().max(1.0);
        // Checked before it is made a whole number, so that nothing is cut off.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        (longer <= f64::from(u32::MAX)).then_some(longer as u32)
    };
    Some((by_zoom(size.0)?, by_zoom(size.1)?))
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
