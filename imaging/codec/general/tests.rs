//! JPEG files of every kind, compared with the picture from which they were made.

// Sizes and colours in tests are small.
#![allow(clippy::cast_precision_loss)]

use std::sync::LazyLock;

use image::RgbImage;
use proptest::prelude::*;

use super::super::Codec;
use super::*;
use crate::error::ErrorKind;
use crate::samples::photo;
use crate::samples::rare_jpeg::{BLACK, Colours as Stored, RareJpeg, kinds};
use crate::worker::Worker;

/// The mean difference of two pictures, in levels, in the channel where it is largest.
fn differs(one: &RgbImage, other: &RgbImage) -> f64 {
    assert_eq!(one.dimensions(), other.dimensions());
    let mean = |channel: usize| {
        let pairs = one.pixels().zip(other.pixels());
        let sum: u64 = pairs.map(|(a, b)| u64::from(a.0[channel].abs_diff(b.0[channel]))).sum();
        sum as f64 / f64::from(one.width() * one.height())
    };
    (0..3).map(mean).fold(0.0, f64::max)
}

/// The pixels of a picture, in whatever form it comes.
fn pixels(codec: Codec, file: &[u8], options: DecodeOptions) -> Result<RgbImage, Error> {
    let probe = crate::codec::probe(file)?;
    Ok(match Worker::with_codec(codec, 0).decode(file, &probe, options)? {
        Picture::Pixels(pixels) => pixels.to_rgb8(),
        Picture::Planes(planes) => rgb_of_planes(&planes, &mut Buffers::default())?,
    })
}

#[test]
fn every_kind_shows_the_picture_that_it_was_made_of() {
    for (width, height) in [(48, 32), (41, 35)] {
        let photo = photo(width, height);
        for (kind, rare) in kinds().into_iter().filter(|(_, rare)| rare.lost.is_empty()) {
            let file = rare.write(&photo);
            let mut expected = photo.to_rgb8();
            if matches!(rare.colours, Stored::Cmyk | Stored::Ycck) {
                for channel in expected.iter_mut() {
                    let part = u16::from(*channel) * u16::from(BLACK) / 255;
                    *channel = u8::try_from(part).unwrap();
                }
            }
            if rare.colours == Stored::Grey {
                expected = photo.grayscale().to_rgb8();
            }
            let shown = pixels(Codec::Pure, &file, DecodeOptions::PIXELS).unwrap();
            let mean = differs(&shown, &expected);
            assert!(mean < 8.0, "{kind}, {width} × {height}: {mean}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn no_damage_makes_it_panic(
        kind in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        cut in any::<prop::sample::Index>(),
        scale in 0..4_u32,
    ) {
        let mut file = kind.get(&FILES).clone();
        for (at, byte) in changes {
            *at.get_mut(&mut file) = byte;
        }
        file.truncate(file.len().min(2 * cut.index(file.len())));
        if let Ok(probe) = crate::codec::probe(&file)
            && probe.pixels() < 1 << 14
        {
            let options = DecodeOptions { scale: 1 << scale, grey: false, planes: false };
            // Not by the codec, which would make an error of a panic.
            let _ = decode(&file, &probe, options, &mut Buffers::default());
        }
    }
}

static FILES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let photo = photo(40, 24);
    kinds().into_iter().map(|(_, rare)| rare.write(&photo)).collect()
});

#[test]
fn a_kind_that_is_not_decoded_is_named() {
    let photo = photo(40, 30);
    let kind = |rare: RareJpeg| rare.write(&photo);
    let changed = |at: usize, byte: u8| {
        let mut file = kind(RareJpeg::default());
        let frame = file.windows(2).position(|marker| marker == [0xFF, 0xC0]).unwrap();
        file[frame + at] = byte;
        file
    };
    let mut no_height = changed(5, 0);
    let height = no_height.windows(2).position(|marker| marker == [0xFF, 0xC0]).unwrap() + 6;
    no_height[height] = 0;
    for (file, named) in [
        (changed(4, 12), "12-bit JPEG"),
        (changed(1, 0xC3), "lossless JPEG"),
        (changed(1, 0xC5), "hierarchical JPEG"),
        (changed(1, 0xC9), "arithmetic-coded JPEG"),
        (changed(1, 0xCB), "lossless JPEG"),
        (changed(1, 0xCA), "arithmetic-coded JPEG"),
        (changed(1, 0xCD), "hierarchical JPEG"),
        (no_height, "JPEG with its height behind the picture (DNL)"),
    ] {
        // libjpeg-turbo decodes arithmetic codes; all other kinds are refused with it, too.
        let arithmetic = named.starts_with("arithmetic");
        for codec in [Codec::Pure].into_iter().chain((!arithmetic).then_some(Codec::BUILT_IN)) {
            let error = pixels(codec, &file, DecodeOptions::PIXELS).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::BadPicture);
            assert_eq!(error.message(), format!("{named} is not supported"));
        }
    }
}

#[cfg(feature = "turbo")]
mod compared_with_libjpeg_turbo;
