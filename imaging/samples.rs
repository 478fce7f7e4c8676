//! Pictures for tests, made by formulas.

// The names describe the samples, and writing a sample does not fail.
#![allow(missing_docs, clippy::missing_panics_doc, clippy::must_use_candidate, clippy::unwrap_used)]
#![allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_sign_loss)]

pub mod profiles;
pub mod rare_jpeg;

use image::codecs::gif::GifEncoder;
use image::{DynamicImage, Frame, ImageEncoder, Rgb, RgbImage};
use jpeg_encoder::{ColorType, Encoder};

use crate::encoding::Encoding;
use crate::worker::Worker;

/// Resembles a photograph: soft slopes, an edge, and noise that does not repeat.
pub fn photo(width: u32, height: u32) -> DynamicImage {
    let mut noise = 0x2545_F491_u32;
    RgbImage::from_fn(width, height, |x, y| {
        noise ^= noise << 13;
        noise ^= noise >> 17;
        noise ^= noise << 5;
        let slope = |part: u32, whole: u32| part * 200 / whole.max(1);
        let edge = if (x / 16 + y / 16) % 2 == 0 { 30 } else { 0 };
        let channel = |base: u32, shift: u32| ((base + edge + (noise >> shift) % 16) % 256) as u8;
        Rgb([
            channel(slope(x, width), 0),
            channel(slope(y, height), 8),
            channel(slope(x + y, width + height), 16),
        ])
    })
    .into()
}

/// A picture whose corners show how it is turned: red at the upper left, then clockwise green, blue
/// and white. 48 × 32.
pub fn corners() -> DynamicImage {
    RgbImage::from_fn(48, 32, |x, y| match (x < 24, y < 16) {
        (true, true) => Rgb([255, 0, 0]),
        (false, true) => Rgb([0, 255, 0]),
        (false, false) => Rgb([0, 0, 255]),
        (true, false) => Rgb([255, 255, 255]),
    })
    .into()
}

pub fn jpeg(picture: &DynamicImage) -> Vec<u8> {
    Worker::new(0).encode(&picture.clone().into(), Encoding::Jpeg(90), None).unwrap()
}

pub fn progressive_jpeg(picture: &DynamicImage) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, 90);
    encoder.set_progressive(true);
    let size = (picture.width() as u16, picture.height() as u16);
    encoder.encode(picture.as_bytes(), size.0, size.1, ColorType::Rgb).unwrap();
    file
}

pub fn png(picture: &DynamicImage) -> Vec<u8> {
    Worker::new(0).encode(&picture.clone().into(), Encoding::Png, None).unwrap()
}

pub fn webp(picture: &DynamicImage) -> Vec<u8> {
    Worker::new(0).encode(&picture.clone().into(), Encoding::Webp, None).unwrap()
}

/// Lossy WebP files of 240 × 180 pixels, which libwebp wrote: one is opaque, one transparent.
pub fn lossy_webps() -> [Vec<u8>; 2] {
    [
        include_bytes!("../tests/references/reports/lossy.webp").to_vec(),
        include_bytes!("../tests/references/reports/lossy_alpha.webp").to_vec(),
    ]
}

pub fn gif(picture: &DynamicImage) -> Vec<u8> {
    let mut file = Vec::new();
    GifEncoder::new(&mut file).encode_frame(Frame::new(picture.to_rgba8())).unwrap();
    file
}

/// An animation that repeats the same picture.
pub fn animated_gif(picture: &DynamicImage, frames: usize) -> Vec<u8> {
    let mut file = Vec::new();
    let frames = vec![Frame::new(picture.to_rgba8()); frames];
    GifEncoder::new(&mut file).encode_frames(frames).unwrap();
    file
}

pub fn animated_png(picture: &DynamicImage, frames: u32) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, picture.width(), picture.height());
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_animated(frames, 0).unwrap();
    let mut writer = encoder.write_header().unwrap();
    (0..frames).for_each(|_| writer.write_image_data(picture.to_rgb8().as_raw()).unwrap());
    writer.finish().unwrap();
    file
}

/// Built by hand: the container's headers, then each frame as a file's bitstream.
pub fn animated_webp(picture: &DynamicImage, frames: usize) -> Vec<u8> {
    let le24 = |number: u32| number.to_le_bytes()[..3].to_vec();
    let chunk = |name: &[u8; 4], content: &[u8]| {
        let padding = vec![0; content.len() % 2];
        [name, &(content.len() as u32).to_le_bytes()[..], content, &padding].concat()
    };
    let sides = [le24(picture.width() - 1), le24(picture.height() - 1)].concat();
    let place = vec![0; 6];
    let (duration, flags) = (le24(100), vec![0]);
    let bitstream = webp(picture).split_off(12);
    let frame = chunk(b"ANMF", &[place, sides.clone(), duration, flags, bitstream].concat());
    let mut body = b"WEBP".to_vec();
    body.extend(chunk(b"VP8X", &[vec![2, 0, 0, 0], sides].concat()));
    body.extend(chunk(b"ANIM", &[0; 6]));
    (0..frames).for_each(|_| body.extend(&frame));
    chunk(b"RIFF", &body)
}

/// One of each kind.
pub fn one_of_each(picture: &DynamicImage) -> [(&'static str, Vec<u8>); 5] {
    [
        ("jpeg", jpeg(picture)),
        ("progressive jpeg", progressive_jpeg(picture)),
        ("png", png(picture)),
        ("webp", webp(picture)),
        ("gif", gif(picture)),
    ]
}

/// A TIFF block with nothing but the orientation.
pub fn exif(orientation: u8) -> Vec<u8> {
    let mut tiff = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\0\0\0\0\0\0\0".to_vec();
    tiff[19] = orientation;
    tiff
}

/// A JPEG with an orientation, as a camera writes it.
pub fn turned_jpeg(picture: &DynamicImage, orientation: u8) -> Vec<u8> {
    let mut segment = vec![0xFF, 0xE1, 0, 0];
    segment.extend(b"Exif\0\0");
    segment.extend(exif(orientation));
    let length = (segment.len() - 2) as u16;
    segment[2..4].copy_from_slice(&length.to_be_bytes());
    let mut file = jpeg(picture);
    file.splice(2..2, segment);
    file
}

pub fn turned_png(picture: &DynamicImage, orientation: u8) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = image::codecs::png::PngEncoder::new(&mut file);
    encoder.set_exif_metadata(exif(orientation)).unwrap();
    picture.write_with_encoder(encoder).unwrap();
    file
}

pub fn turned_webp(picture: &DynamicImage, orientation: u8) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = image::codecs::webp::WebPEncoder::new_lossless(&mut file);
    encoder.set_exif_metadata(exif(orientation)).unwrap();
    picture.write_with_encoder(encoder).unwrap();
    file
}
