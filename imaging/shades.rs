//! Changes and measures of a picture's colours.

use image::{DynamicImage, GrayImage};

use crate::buffers::Buffers;
use crate::error::Error;
use crate::pixels::{copy, from_samples, luma, samples};

/// Grey by the weights of Rec. 601, in 15 bits like OpenCV's; transparency stays. `None` if the
/// picture is grey already.
///
/// # Errors
/// [`NoMemory`](crate::ErrorKind::NoMemory) if the system refuses the memory.
pub(crate) fn grayscale(
    picture: &DynamicImage,
    buffers: &mut Buffers,
) -> Result<Option<DynamicImage>, Error> {
    let size = (picture.width(), picture.height());
    let (colours, channels) = samples(picture);
    let mut grey = match channels {
        3 => buffers.take(colours.len() / 3)?,
        4 => buffers.take(colours.len() / 2)?,
        _ => return Ok(None),
    };
    if channels == 3 {
        for (to, &pixel) in grey.iter_mut().zip(colours.as_chunks().0) {
            *to = luma(pixel);
        }
        return Ok(Some(from_samples(size, 1, grey)));
    }
    for (to, &[r, g, b, alpha]) in grey.as_chunks_mut().0.iter_mut().zip(colours.as_chunks().0) {
        *to = [luma([r, g, b]), alpha];
    }
    Ok(Some(from_samples(size, 2, grey)))
}

/// The brightness of a picture.
///
/// # Errors
/// [`NoMemory`](crate::ErrorKind::NoMemory) if the system refuses the memory.
pub(crate) fn brightness(
    picture: &DynamicImage,
    buffers: &mut Buffers,
) -> Result<GrayImage, Error> {
    let grey = match grayscale(picture, buffers)? {
        Some(grey) => grey,
        None => copy(picture, buffers)?,
    };
    Ok(grey.into_luma8())
}

/// The colours of a picture's opaque part.
pub(crate) struct Colours {
    /// The mean of all pixels.
    pub(crate) mean: [u8; 3],
    /// The mean of the most frequent shade, of 4096 shades.
    pub(crate) dominant: [u8; 3],
}

/// Ignores pixels that are more than half transparent; a picture without any others is black.
pub(crate) fn colours(picture: &DynamicImage) -> Colours {
    let mut shades = vec![Sum::default(); SHADES];
    for_each_opaque(picture, |pixel| count(&mut shades, pixel));
    let mean = shades.iter().fold(Sum::default(), Sum::plus);
    let dominant = shades.iter().rev().max_by_key(|shade| shade.pixels).copied();
    Colours { mean: mean.mean(), dominant: dominant.unwrap_or_default().mean() }
}

/// A colour as `#rrggbb`.
pub(crate) fn hex([r, g, b]: [u8; 3]) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

/// Calls `show` with each pixel that is at least half opaque.
pub(crate) fn for_each_opaque(picture: &DynamicImage, mut show: impl FnMut([u8; 3])) {
    match samples(picture) {
        (samples, 1) => samples.iter().for_each(|&grey| show([grey; 3])),
        (samples, 2) => {
            let opaque = samples.as_chunks::<2>().0.iter().filter(|[_, alpha]| *alpha >= 128);
            opaque.for_each(|&[grey, _]| show([grey; 3]));
        }
        (samples, 3) => samples.as_chunks::<3>().0.iter().for_each(|&pixel| show(pixel)),
        (samples, _) => {
            let opaque = samples.as_chunks::<4>().0.iter().filter(|pixel| pixel[3] >= 128);
            opaque.for_each(|&[r, g, b, _]| show([r, g, b]));
        }
    }
}

/// Four bits of each channel.
const SHADES: usize = 1 << 12;

fn count(shades: &mut [Sum], [r, g, b]: [u8; 3]) {
    let bits = |channel: u8| usize::from(channel >> 4);
    let shade = &mut shades[bits(r) << 8 | bits(g) << 4 | bits(b)];
    shade.pixels += 1;
    shade.channels[0] += u64::from(r);
    shade.channels[1] += u64::from(g);
    shade.channels[2] += u64::from(b);
}

#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    pixels: u64,
    channels: [u64; 3],
}

impl Sum {
    fn plus(mut self, other: &Self) -> Self {
        self.pixels += other.pixels;
        for (sum, more) in self.channels.iter_mut().zip(other.channels) {
            *sum += more;
        }
        self
    }

    fn mean(&self) -> [u8; 3] {
        let pixels = self.pixels.max(1);
        // A mean of samples is a sample.
        self.channels.map(|sum| u8::try_from((sum + pixels / 2) / pixels).unwrap_or(u8::MAX))
    }
}

#[cfg(test)]
mod tests {
    use image::{Rgb, RgbImage, Rgba, RgbaImage};

    use super::*;

    #[test]
    fn grey_is_what_opencv_makes_of_a_colour() {
        let table = [
            ([255, 255, 255], 255),
            ([0, 0, 0], 0),
            ([255, 0, 0], 76),
            ([0, 255, 0], 150),
            ([0, 0, 255], 29),
            ([77, 77, 77], 77),
        ];
        for (colour, expected) in table {
            assert_eq!(luma(colour), expected, "{colour:?}");
        }
    }

    #[test]
    fn transparency_outlives_its_colours() {
        let rgba = RgbaImage::from_pixel(2, 2, Rgba([255, 0, 0, 9]));
        let grey = grayscale(&rgba.into(), &mut Buffers::default()).unwrap().unwrap();
        assert_eq!(grey.as_luma_alpha8().unwrap().get_pixel(1, 1).0, [76, 9]);
    }

    #[test]
    fn the_dominant_colour_is_what_most_pixels_have() {
        let picture =
            RgbImage::from_fn(
                10,
                10,
                |x, _| {
                    if x < 6 { Rgb([200, 16, 32]) } else { Rgb([0, 0, 255]) }
                },
            );
        let colours = colours(&picture.into());
        assert_eq!(hex(colours.dominant), "#c81020");
        assert_eq!(hex(colours.mean), "#780a79");
    }

    #[test]
    fn what_cannot_be_seen_has_no_colour() {
        let picture = RgbaImage::from_pixel(3, 3, Rgba([200, 16, 32, 0]));
        assert_eq!(colours(&picture.into()).mean, [0; 3]);
    }
}
