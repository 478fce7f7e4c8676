//! Planes for codecs that know nothing but pixels: taken out of interleaved YCbCr as it was
//! decoded, and shown to an encoder row by row.

use image::GrayImage;
use jpeg_encoder::{ImageBuffer, JpegColorType};
use waterway::Error;

use crate::image::picture::Planes;
use crate::image::scratch;

/// What a pixel of interleaved YCbCr takes, in bytes.
const PIXEL: usize = 3;

/// Brightness as it is, and of colour the mean of each two by two pixels.
///
/// # Errors
/// `refused` when the system has no memory for it.
pub(super) fn taken_apart(pixels: &[u8], (width, height): (u32, u32)) -> Result<Planes, Error> {
    let (across, down) = (width as usize, height as usize);
    let half = (across.div_ceil(2), down.div_ceil(2));
    let mut luma = scratch::take(across * down)?;
    let mut blue = scratch::take(half.0 * half.1)?;
    let mut red = scratch::take(half.0 * half.1)?;
    let pitch = across * PIXEL;
    // One pixel more than there are, so that the last one of an odd row has a neighbour.
    let mut sums = vec![0; (across + 1) * PIXEL];
    let rows = pixels.chunks(2 * pitch).zip(luma.chunks_mut(2 * across));
    let colours = blue.chunks_exact_mut(half.0).zip(red.chunks_exact_mut(half.0));
    for ((two, lumas), (blues, reds)) in rows.zip(colours) {
        for (row, to) in two.chunks_exact(pitch).zip(lumas.chunks_exact_mut(across)) {
            for (to, pixel) in to.iter_mut().zip(row.chunks_exact(PIXEL)) {
                *to = pixel[0];
            }
        }
        let upper = &two[..pitch];
        // An odd picture's last row is its own neighbour.
        let lower = two.get(pitch..2 * pitch).unwrap_or(upper);
        for (sum, (&above, &below)) in sums.iter_mut().zip(upper.iter().zip(lower)) {
            *sum = u16::from(above) + u16::from(below);
        }
        sums.copy_within(pitch - PIXEL..pitch, pitch);
        let pairs = sums.chunks_exact(2 * PIXEL);
        for (pair, (blue, red)) in pairs.zip(blues.iter_mut().zip(reds)) {
            *blue = mean(pair[1], pair[PIXEL + 1]);
            *red = mean(pair[2], pair[PIXEL + 2]);
        }
    }
    let plane =
        |(width, height), samples| GrayImage::from_raw(width, height, samples).unwrap_or_default();
    let chroma = [blue, red].map(|samples| plane((width.div_ceil(2), height.div_ceil(2)), samples));
    Ok(Planes { luma: plane((width, height), luma), chroma })
}

/// Of four samples, which are two sums of two.
fn mean(left: u16, right: u16) -> u8 {
    u8::try_from((left + right + 2) / 4).unwrap_or(u8::MAX)
}

/// Planes as an encoder wants them, each sample of colour for the pixels that it stands for. An
/// encoder that takes the first of each two by two gets it back as it is.
pub(super) struct Rows<'a> {
    pub(super) planes: &'a Planes,
    /// Width and height, which no JPEG has more of.
    pub(super) size: (u16, u16),
}

impl ImageBuffer for Rows<'_> {
    fn get_jpeg_color_type(&self) -> JpegColorType {
        JpegColorType::Ycbcr
    }

    fn width(&self) -> u16 {
        self.size.0
    }

    fn height(&self) -> u16 {
        self.size.1
    }

    fn fill_buffers(&self, y: u16, buffers: &mut [Vec<u8>; 4]) {
        let (width, y) = (usize::from(self.size.0), usize::from(y));
        let [luma, blue, red, _] = buffers;
        luma.extend_from_slice(&self.planes.luma.as_raw()[y * width..][..width]);
        for (plane, to) in self.planes.chroma.iter().zip([blue, red]) {
            // Both sides are shared by as many pixels, or by one.
            let across = plane.width() as usize;
            let shared = width.div_ceil(across);
            let row = y / usize::from(self.size.1).div_ceil(plane.height() as usize);
            let row = &plane.as_raw()[row * across..][..across];
            let begin = to.len();
            to.resize(begin + across * shared, 0);
            for (to, sample) in to[begin..].chunks_exact_mut(shared).zip(row) {
                to.fill(*sample);
            }
            to.truncate(begin + width);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn planes_hold_each_pixels_brightness_and_the_mean_of_four_colours(
            width in 1..9_u32,
            height in 1..9_u32,
            noise in prop::collection::vec(any::<u8>(), 8 * 8 * PIXEL),
        ) {
            let (across, down) = (width as usize, height as usize);
            let pixels = &noise[..across * down * PIXEL];
            let planes = taken_apart(pixels, (width, height)).unwrap();
            let sample = |x: usize, y: usize, which: usize| {
                u32::from(pixels[(y.min(down - 1) * across + x.min(across - 1)) * PIXEL + which])
            };
            for (x, y, luma) in planes.luma.enumerate_pixels() {
                prop_assert_eq!(u32::from(luma.0[0]), sample(x as usize, y as usize, 0));
            }
            for (which, plane) in (1..).zip(&planes.chroma) {
                prop_assert_eq!(plane.dimensions(), (width.div_ceil(2), height.div_ceil(2)));
                for (x, y, colour) in plane.enumerate_pixels() {
                    let (x, y) = (2 * x as usize, 2 * y as usize);
                    let four = [(x, y), (x + 1, y), (x, y + 1), (x + 1, y + 1)];
                    let sum: u32 = four.iter().map(|&(x, y)| sample(x, y, which)).sum();
                    prop_assert_eq!(u32::from(colour.0[0]), (sum + 2) / 4);
                }
            }
        }
    }
}
