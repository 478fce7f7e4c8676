//! What is done to a picture's colours, and read from them.

use image::{DynamicImage, GrayImage};
use waterway::Error;

use super::pixels::{copy, from_samples, luma, samples};
use super::scratch;

/// Grey by Rec. 601's weights, in 15 bits as OpenCV has them; transparency stays. Nothing for a
/// picture that is grey already.
///
/// # Errors
/// `refused` when the system has no memory for it.
pub(super) fn grayscale(picture: &DynamicImage) -> Result<Option<DynamicImage>, Error> {
    let size = (picture.width(), picture.height());
    let (colours, channels) = samples(picture);
    let mut grey = match channels {
        3 => scratch::take(colours.len() / 3)?,
        4 => scratch::take(colours.len() / 2)?,
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

/// A picture's brightness alone.
///
/// # Errors
/// `refused` when the system has no memory for it.
pub(super) fn brightness(picture: &DynamicImage) -> Result<GrayImage, Error> {
    let grey = grayscale(picture)?.map_or_else(|| copy(picture), Ok)?;
    Ok(grey.into_luma8())
}

/// The colours of a picture's opaque part.
pub(super) struct Colours {
    /// The mean of all pixels.
    pub(super) mean: [u8; 3],
    /// The mean of the most frequent shade, of 4096 that are told apart.
    pub(super) dominant: [u8; 3],
}

/// Pixels that are more than half transparent do not count; a picture of none but these is black.
pub(super) fn colours(picture: &DynamicImage) -> Colours {
    let mut shades = vec![Sum::default(); SHADES];
    for_each_opaque(picture, |pixel| count(&mut shades, pixel));
    let mean = shades.iter().fold(Sum::default(), Sum::plus);
    let dominant = shades.iter().rev().max_by_key(|shade| shade.pixels).copied();
    Colours { mean: mean.mean(), dominant: dominant.unwrap_or_default().mean() }
}

/// A colour as `#rrggbb`.
pub(super) fn hex([r, g, b]: [u8; 3]) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

/// Shows each pixel that is at least half opaque.
pub(super) fn for_each_opaque(picture: &DynamicImage, mut show: impl FnMut([u8; 3])) {
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
        // The mean of samples is one.
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
        let grey = grayscale(&rgba.into()).unwrap().unwrap();
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
