//! Resizes pictures.

use std::mem;

use fast_image_resize::{Filter, FilterType, ResizeAlg, ResizeOptions};
use image::{ColorType, DynamicImage};

use crate::buffers::Buffers;
use crate::error::Error;
use crate::geometry::{Geometry, Rect};
use crate::limits::Limits;
use crate::pixels::{from_samples, premultiplied};

/// The picture in another size, with sides of at least 1.
///
/// The filter widens with the factor, so that nothing of the picture falls between its samples.
/// Colours count by their alpha, so that invisible colours do not bleed into visible ones.
pub(crate) fn resize(
    picture: &DynamicImage,
    size: (u32, u32),
    buffers: &mut Buffers,
) -> Result<DynamicImage, Error> {
    let whole = Geometry::resized((picture.width(), picture.height()), size);
    cut_and_resize(picture, &whole, buffers)
}

/// Cuts and resizes in one pass.
pub(crate) fn reshape(
    picture: &mut DynamicImage,
    geometry: &Geometry,
    buffers: &mut Buffers,
) -> Result<(), Error> {
    let Geometry { source, size } = *geometry;
    if geometry.is_identity((picture.width(), picture.height())) {
        return Ok(());
    }
    if let Some((left, top)) = whole_pixels(source, size) {
        let cut = picture.crop_imm(left, top, size.0, size.1);
        buffers.recycle(mem::replace(picture, cut));
        return Ok(());
    }
    // Premultiplied in place: the resizer would premultiply a copy of the whole picture.
    premultiplied(picture, |picture| {
        let options = cut_out(picture, source).use_alpha(false);
        let reshaped = resample(picture, size, &options, buffers)?;
        buffers.recycle(mem::replace(picture, reshaped));
        Ok(())
    })
}

pub(crate) fn cut_and_resize(
    picture: &DynamicImage,
    geometry: &Geometry,
    buffers: &mut Buffers,
) -> Result<DynamicImage, Error> {
    resample(picture, geometry.size, &cut_out(picture, geometry.source), buffers)
}

fn cut_out(picture: &DynamicImage, source: Rect) -> ResizeOptions {
    // Rounding while geometries are composed may reach beyond the edge by less than 2⁻³⁰ of a
    // pixel.
    let (right, bottom) = (f64::from(picture.width()), f64::from(picture.height()));
    let (left, top) = (source.left.clamp(0.0, right), source.top.clamp(0.0, bottom));
    let (across, down) = (source.width.min(right - left), source.height.min(bottom - top));
    options(FilterType::CatmullRom).crop(left, top, across, down)
}

/// A smaller version in which each pixel is the mean of its area. Alpha is a sample like the
/// others.
pub(crate) fn shrunk_by_area(
    picture: &DynamicImage,
    size: (u32, u32),
    buffers: &mut Buffers,
) -> Result<DynamicImage, Error> {
    resample(picture, size, &options(FilterType::Box).use_alpha(false), buffers)
}

/// A larger version of the part within a margin of two pixels. The cubic B-spline between its
/// pixels softens it, by a variance of a third of a pixel. Alpha is a sample like the others.
pub(crate) fn enlarged_smoothly(
    picture: &DynamicImage,
    size: (u32, u32),
    buffers: &mut Buffers,
) -> Result<DynamicImage, Error> {
    let filter = FilterType::Custom(Filter::new("cubic B-spline", b_spline, 2.0)?);
    let within = |side: u32| f64::from(side) - 4.0;
    let options = options(filter)
        .crop(2.0, 2.0, within(picture.width()), within(picture.height()))
        .use_alpha(false);
    resample(picture, size, &options, buffers)
}

/// Like Pillow's `LANCZOS`: a small version for hashes that other programs compute too.
pub(crate) fn resized_by_lanczos(
    picture: &DynamicImage,
    size: (u32, u32),
    buffers: &mut Buffers,
) -> Result<DynamicImage, Error> {
    resample(picture, size, &options(FilterType::Lanczos3), buffers)
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
    buffers: &mut Buffers,
) -> Result<DynamicImage, Error> {
    let mut resized = blank(picture.color(), (width, height), buffers)?;
    buffers.resize(picture, &mut resized, options)?;
    Ok(resized)
}

/// A picture to be written over, in memory that was in use before where there is some.
fn blank(
    color: ColorType,
    (width, height): (u32, u32),
    buffers: &mut Buffers,
) -> Result<DynamicImage, Error> {
    let channels = usize::from(color.channel_count());
    let samples = buffers.take(width as usize * height as usize * channels)?;
    Ok(from_samples((width, height), channels, samples))
}

/// The corner of a cut that does not change pixels.
fn whole_pixels(source: Rect, size: (u32, u32)) -> Option<(u32, u32)> {
    let same = source.width.to_bits() == f64::from(size.0).to_bits()
        && source.height.to_bits() == f64::from(size.1).to_bits();
    // Within the picture, so the cast loses nothing.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    (same && source.left.fract() == 0.0 && source.top.fract() == 0.0)
        .then_some((source.left as u32, source.top as u32))
}

/// A small version of a picture whose longest side is at most this, for what needs no detail.
pub(crate) fn thumbnail(
    picture: &DynamicImage,
    longest: u32,
    buffers: &mut Buffers,
) -> Result<DynamicImage, Error> {
    let size = (picture.width(), picture.height());
    match fitted(size, (longest, longest)) {
        same if same == size => Ok(picture.clone()),
        smaller => resize(picture, smaller, buffers),
    }
}

/// A size multiplied by a factor, rounded, and at least 1 × 1; `None` if it is beyond the limits.
#[must_use]
pub fn zoomed(size: (u32, u32), zoom: f64, limits: &Limits) -> Option<(u32, u32)> {
    let (width, height) = scaled(size, zoom)?;
    limits.admit(width, height).then_some((width, height))
}

/// A size multiplied by a factor, rounded, and at least 1 × 1; `None` if a side is too large a
/// number.
#[must_use]
pub fn scaled(size: (u32, u32), zoom: f64) -> Option<(u32, u32)> {
    let by_zoom = |side: u32| {
        let longer = (f64::from(side) * zoom).round().max(1.0);
        // Checked before the cast, so nothing is lost.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        (longer <= f64::from(u32::MAX)).then_some(longer as u32)
    };
    Some((by_zoom(size.0)?, by_zoom(size.1)?))
}

/// The largest size of these proportions within a box; the size itself if it already fits.
pub(crate) fn fitted(size: (u32, u32), within: (u32, u32)) -> (u32, u32) {
    let across = f64::from(within.0) / f64::from(size.0);
    let down = f64::from(within.1) / f64::from(size.1);
    let factor = across.min(down);
    if factor >= 1.0 {
        return size;
    }
    let by_factor = |side: u32, most: u32| {
        // At most `most`, so nothing is lost.
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
