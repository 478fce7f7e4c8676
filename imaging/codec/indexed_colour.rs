//! Indexed colour, PNG's form of pictures with at most 256 colours: a palette, and an index for each
//! pixel.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use foldhash::fast::FixedState;
use image::DynamicImage;
use png::{BitDepth, ColorType, DeflateCompression, Encoder, Filter, Info};

use crate::buffers::Buffers;
use crate::error::Error;
use crate::pixels::samples;

/// The most colours that a palette holds.
const COLOURS_MAX: usize = 256;
/// The most colours whose indices take less than a byte.
const PACKED_MAX: usize = 16;
/// From 1 to 9. For a chart of 800 × 600 with 64 colours, the encoder for photos makes 114 kB in
/// 0.9 ms; indices take 33 kB in 1.5 ms with 1, 25 kB in 2.3 ms with 2, and 23 kB in 3.9 ms with 6.
pub(super) const EFFORT: u8 = 2;

/// A picture as a list of colours and an index for each pixel.
pub(super) struct IndexedColour {
    size: (u32, u32),
    /// Colours with transparency are first, because a PNG lists the alpha of the first colours
    /// only.
    colours: Vec<[u8; 4]>,
    /// The index of each pixel in `colours`.
    indices: Vec<u8>,
}

impl IndexedColour {
    /// Counts the colours. `None` if there are too many, which the first pixels of a photo show,
    /// and for greys if indices would not save room.
    ///
    /// # Errors
    /// [`NoMemory`](crate::ErrorKind::NoMemory) if the system refuses the memory.
    pub(super) fn of(picture: &DynamicImage, buffers: &mut Buffers) -> Result<Option<Self>, Error> {
        let size = (picture.width(), picture.height());
        let (samples, channels) = samples(picture);
        let most = if channels == 1 { PACKED_MAX } else { COLOURS_MAX };
        let mut indices = buffers.take(samples.len() / channels)?;
        let colours = match channels {
            1 => indexed(samples.as_chunks().0, &mut indices, most, |&[grey]| opaque([grey; 3])),
            2 => {
                let pairs = samples.as_chunks().0;
                indexed(pairs, &mut indices, most, |&[grey, alpha]| [grey, grey, grey, alpha])
            }
            3 => indexed(samples.as_chunks().0, &mut indices, most, |&colour| opaque(colour)),
            _ => indexed(samples.as_chunks().0, &mut indices, most, |&colour| colour),
        };
        let Some(mut colours) = colours else {
            buffers.give(indices);
            return Ok(None);
        };
        let places = transparent_first(&mut colours);
        for index in &mut indices {
            *index = places[usize::from(*index)];
        }
        Ok(Some(Self { size, colours, indices }))
    }

    /// The picture in grey, if all its colours are greys and indices would not save room.
    ///
    /// # Errors
    /// Returns itself in all other cases.
    pub(super) fn into_grey(self) -> Result<DynamicImage, Self> {
        let is_grey = |&[r, g, b, alpha]: &[u8; 4]| r == g && g == b && alpha == u8::MAX;
        if self.colours.len() <= PACKED_MAX || !self.colours.iter().all(is_grey) {
            return Err(self);
        }
        let Self { size, colours, mut indices } = self;
        for index in &mut indices {
            *index = colours[usize::from(*index)][0];
        }
        Ok(crate::pixels::from_samples(size, 1, indices))
    }

    /// The PNG, with this ICC profile.
    ///
    /// # Errors
    /// [`Failed`](crate::ErrorKind::Failed) if the encoder refuses it.
    pub(super) fn into_png(
        self,
        profile: Option<&[u8]>,
        buffers: &mut Buffers,
    ) -> Result<Vec<u8>, Error> {
        let Self { size: (width, height), colours, mut indices } = self;
        let transparent = colours.iter().take_while(|colour| colour[3] < u8::MAX).count();
        let mut info = Info::with_size(width, height);
        info.color_type = ColorType::Indexed;
        info.bit_depth = depth(colours.len());
        info.palette = Some(colours.iter().flat_map(|&[r, g, b, _]| [r, g, b]).collect());
        if transparent > 0 {
            info.trns = Some(colours[..transparent].iter().map(|colour| colour[3]).collect());
        }
        info.icc_profile = profile.map(Cow::Borrowed);
        let packed = pack(&mut indices, width as usize, info.bit_depth as usize);
        let mut file = Vec::new();
        let mut encoder = Encoder::with_info(&mut file, info)?;
        encoder.set_deflate_compression(DeflateCompression::Level(EFFORT));
        encoder.set_filter(Filter::NoFilter);
        encoder.write_header()?.write_image_data(&indices[..packed])?;
        buffers.give(indices);
        Ok(file)
    }
}

/// Whether colours recur as in a drawing or a screenshot with smoothed edges: there are more than a
/// palette holds, but far fewer than pixels. The first pixels of a photo show that its colours do
/// not recur.
pub(super) fn colours_recur(picture: &DynamicImage) -> bool {
    /// The least number of pixels that share a colour, on average.
    const SHARED_BY: usize = 16;
    const MOST: usize = 4096;
    let (samples, channels) = samples(picture);
    let most = (samples.len() / channels / SHARED_BY).min(MOST);
    let mut known = HashSet::with_capacity_and_hasher(most, FixedState::default());
    match channels {
        3 => samples.as_chunks::<3>().0.iter().all(|&colour| {
            known.insert(u32::from_ne_bytes(opaque(colour)));
            known.len() <= most
        }),
        4 => samples.as_chunks::<4>().0.iter().all(|&colour| {
            known.insert(u32::from_ne_bytes(colour));
            known.len() <= most
        }),
        _ => false,
    }
}

fn opaque([r, g, b]: [u8; 3]) -> [u8; 4] {
    [r, g, b, u8::MAX]
}

/// Finds the colours in the order of their first pixels; `None` if there are more than `most`.
fn indexed<T: PartialEq>(
    pixels: &[T],
    indices: &mut [u8],
    most: usize,
    colour: impl Fn(&T) -> [u8; 4],
) -> Option<Vec<[u8; 4]>> {
    let mut known = HashMap::with_capacity_and_hasher(most, FixedState::default());
    let mut colours: Vec<[u8; 4]> = Vec::new();
    let mut last: Option<(&T, u8)> = None;
    for (pixel, to) in pixels.iter().zip(indices) {
        *to = match last {
            Some((before, index)) if before == pixel => index,
            _ => {
                let colour = colour(pixel);
                let next = colours.len();
                let index = *known.entry(u32::from_ne_bytes(colour)).or_insert(next);
                if index == next {
                    if next == most {
                        return None;
                    }
                    colours.push(colour);
                }
                // Less than `most`, which is at most 256.
                u8::try_from(index).ok()?
            }
        };
        last = Some((pixel, *to));
    }
    Some(colours)
}

/// Moves the colours with transparency to the front; returns the new index of each old one.
fn transparent_first(colours: &mut [[u8; 4]]) -> [u8; COLOURS_MAX] {
    let mut order: Vec<(u8, [u8; 4])> = (0..=u8::MAX).zip(colours.iter().copied()).collect();
    order.sort_by_key(|(_, colour)| colour[3] == u8::MAX);
    let mut places = [0; COLOURS_MAX];
    for ((to, place), (from, colour)) in colours.iter_mut().zip(0..=u8::MAX).zip(order) {
        *to = colour;
        places[usize::from(from)] = place;
    }
    places
}

/// The bits of an index.
fn depth(colours: usize) -> BitDepth {
    match colours {
        0..=2 => BitDepth::One,
        3..=4 => BitDepth::Two,
        5..=PACKED_MAX => BitDepth::Four,
        _ => BitDepth::Eight,
    }
}

/// Packs the indices of each row into bytes, the first into the highest bits (PNG, third edition,
/// 7.2), in place. Returns the number of bytes.
fn pack(indices: &mut [u8], width: usize, bits: usize) -> usize {
    let (each, mut packed) = (8 / bits, 0);
    if each == 1 || width == 0 {
        return indices.len();
    }
    for row in (0..indices.len()).step_by(width) {
        for begin in (row..row + width).step_by(each) {
            let end = (begin + each).min(row + width);
            let mut byte = 0;
            for (at, &index) in indices[begin..end].iter().enumerate() {
                byte |= index << (8 - bits * (at + 1));
            }
            indices[packed] = byte;
            packed += 1;
        }
    }
    packed
}

#[cfg(test)]
// Sizes and colours in tests are small.
#[allow(clippy::cast_possible_truncation)]
mod tests {
    use image::{GrayAlphaImage, GrayImage, LumaA, Rgb, RgbImage, Rgba, RgbaImage};
    use proptest::prelude::*;

    use super::*;
    use crate::codec::pixels;
    use crate::worker::Worker;
    use crate::{Encoding, Limits, samples};

    fn png(picture: &DynamicImage, profile: Option<&[u8]>) -> Vec<u8> {
        Worker::new(0).encode(&picture.clone().into(), Encoding::Png, profile).unwrap()
    }

    /// The colour type and the bits of a sample.
    fn kind(file: &[u8]) -> (u8, u8) {
        (file[25], file[24])
    }

    const GREY: u8 = 0;
    const RGB: u8 = 2;
    const PALETTE: u8 = 3;

    #[test]
    fn a_png_takes_the_smallest_kind_that_holds_its_colours() {
        let colours = |count: u32| {
            let colour = move |x: u32, y: u32| {
                let [low, high, ..] = ((y * 32 + x) % count).to_le_bytes();
                Rgb([low, high, 7])
            };
            DynamicImage::from(RgbImage::from_fn(32, 32, colour))
        };
        let greys = |count: u32| colours(count).to_rgb8().pixels().map(|it| it.0[0]).collect();
        let luma = |count| DynamicImage::from(GrayImage::from_raw(32, 32, greys(count)).unwrap());
        let clear = RgbaImage::from_fn(32, 32, |x, _| Rgba([x as u8, 1, 2, 8 * x as u8]));
        let clear_greys = GrayAlphaImage::from_fn(32, 32, |x, _| LumaA([x as u8, 8 * x as u8]));
        let profile: &[u8] = &moxcms::ColorProfile::new_display_p3().encode().unwrap();
        let table = [
            (colours(2), None, (PALETTE, 1)),
            (colours(4), None, (PALETTE, 2)),
            (colours(5), None, (PALETTE, 4)),
            (colours(16), None, (PALETTE, 4)),
            (colours(17), None, (PALETTE, 8)),
            (colours(256), None, (PALETTE, 8)),
            (colours(256), Some(profile), (PALETTE, 8)),
            (colours(257), None, (RGB, 8)),
            (luma(3), None, (PALETTE, 2)),
            (luma(17), None, (GREY, 8)),
            (luma(17).to_rgb8().into(), None, (GREY, 8)),
            (luma(3).to_rgba8().into(), None, (PALETTE, 2)),
            // A profile for RGB does not describe a file of greys, and a profile for greys does not
            // describe a palette.
            (luma(17).to_rgb8().into(), Some(profile), (PALETTE, 8)),
            (luma(3), Some(profile), (GREY, 8)),
            (clear.into(), None, (PALETTE, 8)),
            (clear_greys.into(), None, (PALETTE, 8)),
        ];
        for (at, (picture, profile, expected)) in table.iter().enumerate() {
            let file = png(picture, *profile);
            assert_eq!(kind(&file), *expected, "{at}");
            let shown = pixels(&file, &Limits::default()).unwrap();
            assert!(shown.to_rgba8() == picture.to_rgba8(), "{at}");
            let (index, _) = crate::codec::read(&file).unwrap();
            let carried = crate::codec::metadata::icc(&index);
            assert_eq!(carried.as_deref(), *profile, "{at}");
        }
    }

    #[test]
    fn a_graphic_comes_back_smaller_than_its_samples_and_a_photo_as_before() {
        let graphic = RgbImage::from_fn(300, 200, |x, y| {
            if (x / 9 + y / 7) % 5 == 0 { Rgb([0x1F, 0x77, 0xB4]) } else { Rgb([255; 3]) }
        });
        let file = png(&graphic.into(), None);
        assert!(file.len() < 300 * 200 / 8, "{}: less than a bit a pixel", file.len());
        assert_eq!(kind(&png(&samples::photo(64, 64), None)), (RGB, 8));
    }

    #[test]
    fn a_graphic_with_smooth_edges_is_compressed_by_what_recurs_in_it() {
        let smooth = |x: u32, y: u32| {
            let [x, y] = [x % 32, y % 32].map(|at| at.abs_diff(16) as u8);
            Rgb([x * 15, y * 15, 200 + x])
        };
        let graphic = DynamicImage::from(RgbImage::from_fn(320, 320, smooth));
        assert!(colours_recur(&graphic) && !colours_recur(&samples::photo(320, 320)));
        let file = png(&graphic, None);
        assert_eq!(kind(&file), (RGB, 8));
        assert!(file.len() < 320 * 320 / 10, "{}", file.len());
        assert!(pixels(&file, &Limits::default()).unwrap() == graphic);
    }

    proptest! {
        #[test]
        fn every_pixel_keeps_its_colour(
            width in 1..40_u32,
            channels in 1..=4_usize,
            noise in prop::collection::vec(0..5_u8, 40 * 40 * 4),
        ) {
            let height = 3;
            let samples: Vec<u8> = noise.iter().map(|level| level * 60).collect();
            let length = (width * height) as usize * channels;
            let picture =
                crate::pixels::from_samples((width, height), channels, samples[..length].to_vec());
            let shown = pixels(&png(&picture, None), &Limits::default()).unwrap();
            prop_assert!(shown.to_rgba8() == picture.to_rgba8());
        }
    }
}
