//! The samples of a picture as bytes, for all four kinds of picture.

use fast_image_resize::MulDiv;
use image::{DynamicImage, GrayAlphaImage, GrayImage, RgbImage, RgbaImage};

use crate::buffers::Buffers;
use crate::colour::Colour;
use crate::error::Error;

/// The samples, pixel by pixel, and how many each pixel has: 1 to 4. With 2 and 4, the last of
/// each pixel is its alpha.
pub(crate) fn samples(picture: &DynamicImage) -> (&[u8], usize) {
    (picture.as_bytes(), channels(picture))
}

/// The same samples, mutable.
pub(crate) fn samples_mut(picture: &mut DynamicImage) -> (&mut [u8], usize) {
    let channels = channels(picture);
    let samples: &mut [u8] = match picture {
        DynamicImage::ImageLuma8(grey) => grey,
        DynamicImage::ImageLumaA8(grey) => grey,
        DynamicImage::ImageRgb8(rgb) => rgb,
        DynamicImage::ImageRgba8(rgba) => rgba,
        // `Work` has only these kinds.
        _ => &mut [],
    };
    (samples, channels)
}

/// A picture of these samples; an empty one if their number does not match the size.
pub(crate) fn from_samples(size: (u32, u32), channels: usize, samples: Vec<u8>) -> DynamicImage {
    let (width, height) = size;
    match channels {
        1 => GrayImage::from_raw(width, height, samples).unwrap_or_default().into(),
        2 => GrayAlphaImage::from_raw(width, height, samples).unwrap_or_default().into(),
        3 => RgbImage::from_raw(width, height, samples).unwrap_or_default().into(),
        _ => RgbaImage::from_raw(width, height, samples).unwrap_or_default().into(),
    }
}

/// A copy of a picture.
///
/// # Errors
/// [`NoMemory`](crate::ErrorKind::NoMemory) if the system refuses the memory.
pub(crate) fn copy(picture: &DynamicImage, buffers: &mut Buffers) -> Result<DynamicImage, Error> {
    let (samples, channels) = samples(picture);
    let mut copied = buffers.take(samples.len())?;
    copied.copy_from_slice(samples);
    Ok(from_samples((picture.width(), picture.height()), channels, copied))
}

/// How many samples a pixel has.
pub(crate) fn channels(picture: &DynamicImage) -> usize {
    picture.color().channel_count().into()
}

/// Whether pixels may be transparent.
pub(crate) fn has_alpha(picture: &DynamicImage) -> bool {
    picture.color().has_alpha()
}

/// Changes every colour sample by a table; alpha stays.
pub(crate) fn look_up(picture: &mut DynamicImage, table: &[u8; 256]) {
    let (samples, channels) = samples_mut(picture);
    match channels {
        1 | 3 => samples.iter_mut().for_each(|sample| *sample = table[usize::from(*sample)]),
        2 => samples.as_chunks_mut::<2>().0.iter_mut().for_each(|[grey, _]| {
            *grey = table[usize::from(*grey)];
        }),
        _ => samples.as_chunks_mut::<4>().0.iter_mut().for_each(|[colour @ .., _]| {
            *colour = colour.map(|sample| table[usize::from(sample)]);
        }),
    }
}

/// A table for [`look_up`], from a function of a sample between 0 and 1; its values are clamped.
pub(crate) fn table(of: impl Fn(f64) -> f64) -> [u8; 256] {
    std::array::from_fn(|sample| {
        // A sample is below 256, so its position is exact; the rounded value is between 0 and 255.
        #[allow(clippy::cast_precision_loss)]
        let sample = sample as f64 / 255.0;
        to_sample(of(sample) * 255.0)
    })
}

/// The nearest sample.
pub(crate) fn to_sample(value: f64) -> u8 {
    // Clamped first, so the cast loses nothing.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let sample = value.round().clamp(0.0, 255.0) as u8;
    sample
}

/// Calls a function on the picture with its colours multiplied by alpha, so that invisible colours
/// do not bleed into visible ones.
pub(crate) fn premultiplied(
    picture: &mut DynamicImage,
    change: impl FnOnce(&mut DynamicImage) -> Result<(), Error>,
) -> Result<(), Error> {
    if !has_alpha(picture) {
        return change(picture);
    }
    let alpha = MulDiv::new();
    alpha.multiply_alpha_inplace(picture)?;
    change(picture)?;
    alpha.divide_alpha_inplace(picture)?;
    Ok(())
}

/// Grey by the weights of Rec. 601, in 15 bits like OpenCV's.
pub(crate) fn luma([r, g, b]: [u8; 3]) -> u8 {
    let weighed = 9798 * u32::from(r) + 19235 * u32::from(g) + 3735 * u32::from(b);
    // The weights' sum is 1 << 15, so the result is a byte.
    #[allow(clippy::cast_possible_truncation)]
    let grey = ((weighed + (1 << 14)) >> 15) as u8;
    grey
}

/// A product of two samples as parts of 255, rounded.
pub(crate) fn times(a: u8, b: u8) -> u8 {
    let product = u32::from(a) * u32::from(b) + 128;
    // Exactly rounded division by 255; at most 255.
    #[allow(clippy::cast_possible_truncation)]
    let rounded = ((product + (product >> 8)) >> 8) as u8;
    rounded
}

/// One sample over another, by alpha.
pub(crate) fn over(above: u8, below: u8, alpha: u8) -> u8 {
    let (above, below, alpha) = (u32::from(above), u32::from(below), u32::from(alpha));
    let mixed = above * alpha + below * (255 - alpha) + 128;
    // As above: a mean of two samples is a sample.
    #[allow(clippy::cast_possible_truncation)]
    let rounded = ((mixed + (mixed >> 8)) >> 8) as u8;
    rounded
}

/// The picture with alpha, opaque if it had none.
pub(crate) fn with_alpha(picture: DynamicImage) -> DynamicImage {
    match picture {
        DynamicImage::ImageLuma8(_) => picture.to_luma_alpha8().into(),
        DynamicImage::ImageRgb8(_) => picture.to_rgba8().into(),
        alpha => alpha,
    }
}

/// The picture in a kind that can hold this colour too: with alpha if the colour has it, and in
/// colour if it is not a grey.
pub(crate) fn taking(picture: DynamicImage, colour: Colour) -> DynamicImage {
    let picture = match picture {
        DynamicImage::ImageLuma8(_) if !colour.is_grey() => picture.to_rgb8().into(),
        DynamicImage::ImageLumaA8(_) if !colour.is_grey() => picture.to_rgba8().into(),
        other => other,
    };
    if colour.is_opaque() { picture } else { with_alpha(picture) }
}

/// Multiplies the colours by their alpha.
pub(crate) fn premultiply(picture: &mut DynamicImage) -> Result<(), Error> {
    Ok(MulDiv::new().multiply_alpha_inplace(picture)?)
}
