//! Files of many kinds, compared with another decoder.

// Sizes and colours in tests are small.
#![allow(clippy::cast_possible_truncation)]

use image::DynamicImage;
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;

use super::*;
use crate::codec::probe;
use crate::samples::{photo, progressive_jpeg, turned_jpeg};

const PLANES: DecodeOptions = DecodeOptions { scale: 1, grey: false, planes: true };

fn decoded(file: &[u8], options: DecodeOptions) -> Option<Picture> {
    let probe = probe(file).unwrap();
    decode(file, &probe, options, &mut Buffers::default())
}

/// A JPEG after `change` has set the encoder.
fn encoded(
    picture: &DynamicImage,
    colour: ColorType,
    change: impl FnOnce(&mut Encoder<&mut Vec<u8>>),
) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, 92);
    change(&mut encoder);
    let size = (picture.width() as u16, picture.height() as u16);
    encoder.encode(picture.as_bytes(), size.0, size.1, colour).unwrap();
    file
}

fn photos() -> impl Iterator<Item = DynamicImage> {
    [(64, 48), (161, 119), (17, 3), (8, 8), (1, 1), (3, 130)].into_iter().map(|(w, h)| photo(w, h))
}

/// A kind's name, a file of it, and how many pixels share a sample of colour, if that is known.
type Kind = (&'static str, Vec<u8>, Option<(u32, u32)>);

fn kinds(photo: &DynamicImage) -> Vec<Kind> {
    let rgb = |change: fn(&mut Encoder<&mut Vec<u8>>)| encoded(photo, ColorType::Rgb, change);
    let grey = DynamicImage::ImageLuma8(photo.to_luma8());
    vec![
        ("4:4:4", rgb(|it| it.set_sampling_factor(SamplingFactor::F_1_1)), Some((1, 1))),
        ("4:2:2", rgb(|it| it.set_sampling_factor(SamplingFactor::F_2_1)), Some((2, 1))),
        ("4:4:0", rgb(|it| it.set_sampling_factor(SamplingFactor::F_1_2)), Some((1, 2))),
        ("4:2:0", rgb(|it| it.set_sampling_factor(SamplingFactor::F_2_2)), Some((2, 2))),
        ("with restarts", rgb(|it| it.set_restart_interval(3)), None),
        ("that begins anew all the time", rgb(|it| it.set_restart_interval(1)), None),
        ("grey", encoded(&grey, ColorType::Luma, |_| {}), None),
        (
            "with codes of its own",
            encoded(&grey, ColorType::Luma, |it| it.set_optimized_huffman_tables(true)),
            None,
        ),
        ("turned", turned_jpeg(photo, 6), None),
    ]
}

/// Brightness from zune-jpeg.
fn brightness(file: &[u8]) -> Vec<u8> {
    let options = DecoderOptions::default().jpeg_set_out_colorspace(ColorSpace::Luma);
    JpegDecoder::new_with_options(ZCursor::new(file), options).decode().unwrap()
}

fn luma(picture: &Picture) -> &GrayImage {
    match picture {
        Picture::Planes(planes) => &planes.luma,
        Picture::Pixels(pixels) => pixels.as_luma8().unwrap(),
    }
}

/// The means of the squares of a plane, without incomplete squares.
fn means(plane: &GrayImage, by: u32) -> impl Iterator<Item = (u32, u32, u32)> {
    let (across, down) = (plane.width() / by, plane.height() / by);
    (0..down).flat_map(move |y| (0..across).map(move |x| (x, y))).map(move |(x, y)| {
        let squares = (0..by * by).map(|at| (x * by + at % by, y * by + at / by));
        let sum: u32 = squares.map(|(x, y)| u32::from(plane.get_pixel(x, y).0[0])).sum();
        (x, y, (sum + by * by / 2) / (by * by))
    })
}

#[test]
fn the_usual_kinds_are_decoded_as_others_do() {
    for photo in photos() {
        for (kind, file, shared) in kinds(&photo) {
            let picture = decoded(&file, PLANES).unwrap_or_else(|| panic!("{kind} is not taken"));
            let probe = probe(&file).unwrap();
            assert_eq!(picture.size(), probe.stored(), "{kind}");
            for (ours, theirs) in luma(&picture).iter().zip(brightness(&file)) {
                assert!(ours.abs_diff(theirs) <= 1, "{kind}: {ours} is not {theirs}");
            }
            if let (Picture::Planes(planes), Some((across, down))) = (&picture, shared) {
                let (width, height) = picture.size();
                let size = (width.div_ceil(across), height.div_ceil(down));
                assert!(planes.chroma.iter().all(|plane| plane.dimensions() == size), "{kind}");
            }
            let grey = decoded(&file, DecodeOptions { grey: true, ..PLANES }).unwrap();
            assert_eq!(luma(&grey), luma(&picture), "{kind}");
            assert!(matches!(grey, Picture::Pixels(_)), "{kind}");
        }
    }
}

#[test]
fn colours_are_decoded_as_others_do() {
    for photo in photos() {
        let file =
            encoded(&photo, ColorType::Rgb, |it| it.set_sampling_factor(SamplingFactor::F_1_1));
        let options = DecoderOptions::default().jpeg_set_out_colorspace(ColorSpace::YCbCr);
        let theirs = JpegDecoder::new_with_options(ZCursor::new(&file), options).decode().unwrap();
        let Some(Picture::Planes(planes)) = decoded(&file, PLANES) else { panic!("no planes") };
        let ours = planes.luma.iter().zip(planes.chroma[0].iter().zip(planes.chroma[1].iter()));
        for ((luma, (blue, red)), theirs) in ours.zip(theirs.chunks_exact(3)) {
            for (ours, theirs) in [luma, blue, red].into_iter().zip(theirs) {
                assert!(ours.abs_diff(*theirs) <= 1, "{ours} is not {theirs}");
            }
        }
    }
}

#[test]
fn a_shrunk_picture_has_the_mean_of_what_it_stands_for() {
    for photo in photos() {
        for (kind, file, _) in kinds(&photo) {
            let Some(whole) = decoded(&file, PLANES) else { panic!("{kind} is not taken") };
            for by in [2, 4, 8] {
                let small = decoded(&file, DecodeOptions { scale: by, ..PLANES }).unwrap();
                let (width, height) = whole.size();
                assert_eq!(small.size(), (width.div_ceil(by), height.div_ceil(by)), "{kind}");
                for (x, y, mean) in means(luma(&whole), by) {
                    let found = u32::from(luma(&small).get_pixel(x, y).0[0]);
                    // The smaller picture does not lose values that the larger one clamps at black
                    // and white.
                    assert!(
                        found.abs_diff(mean) <= 3,
                        "{kind}, {by}: {found}, not {mean} at {x}, {y}"
                    );
                }
                if let (Picture::Planes(whole), Picture::Planes(small)) = (&whole, &small) {
                    for (whole, small) in whole.chroma.iter().zip(&small.chroma) {
                        for (x, y, mean) in means(whole, by) {
                            let found = u32::from(small.get_pixel(x, y).0[0]);
                            assert!(found.abs_diff(mean) <= 1, "{kind}, {by}: colour {found}");
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn what_is_unusual_damaged_or_cut_short_is_left_to_others() {
    let photo = photo(64, 48);
    let rgba = DynamicImage::ImageRgba8(photo.to_rgba8());
    let file = encoded(&photo, ColorType::Rgb, |_| {});
    let changed = |find: &[u8], at: usize, to: u8| {
        let begin = memchr::memmem::find(&file, find).unwrap();
        let mut changed = file.clone();
        changed[begin + at] = to;
        changed
    };
    let restarts = encoded(&photo, ColorType::Rgb, |it| it.set_restart_interval(2));
    let first_restart = memchr::memmem::find(&restarts, &[0xFF, 0xD0]).unwrap();
    let mut out_of_turn = restarts.clone();
    out_of_turn[first_restart + 1] = 0xD3;
    let mut one_less = restarts;
    one_less.drain(first_restart..first_restart + 2);
    let mut short_of_data = file.clone();
    let length = file.len();
    short_of_data.drain(length - 200..length - 2);
    let mut rgb = file.clone();
    rgb.splice(2..2, *b"\xFF\xEE\0\x0EAdobe\0\x64\0\0\0\0\0");
    let table = [
        ("progressive", progressive_jpeg(&photo)),
        ("inks", encoded(&rgba, ColorType::Cmyk, |_| {})),
        ("RGB", rgb),
        ("twelve bits", changed(&[0xFF, 0xC0], 4, 12)),
        ("arithmetic codes", changed(&[0xFF, 0xC0], 1, 0xC9)),
        ("no height", changed(&[0xFF, 0xC0], 6, 0)),
        ("a table that is not there", changed(&[0xFF, 0xC0], 12, 3)),
        ("half of the coefficients", changed(&[0xFF, 0xDA], 12, 20)),
        ("restarts out of turn", out_of_turn),
        ("a restart less", one_less),
        ("cut short", file[..length / 2].to_vec()),
        ("short of data", short_of_data),
    ];
    for (kind, file) in table {
        for scale in [1, 2, 8] {
            if probe(&file).is_ok() {
                let picture = decoded(&file, DecodeOptions { scale, ..PLANES });
                assert!(picture.is_none(), "{kind} was taken");
            }
        }
    }
    assert!(decoded(&file, DecodeOptions::PIXELS).is_none(), "pixels are not made");
    assert!(decoded(&file, DecodeOptions { scale: 3, ..PLANES }).is_none());
}
