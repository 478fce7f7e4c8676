//! Writes pictures as files, with jpeg-encoder, png and image-webp.

use std::borrow::Cow;
use std::io::Cursor;

use super::indexed_colour::{EFFORT, IndexedColour, colours_recur};
use super::planar::Rows;
use crate::buffers::Buffers;
use crate::encoding::Encoding;
use crate::error::Error;
use crate::picture::Planes;
#[cfg(feature = "avif")]
use image::codecs::avif::AvifEncoder;
use image::codecs::gif::GifEncoder;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::codecs::webp::WebPEncoder;
use image::{DynamicImage, Frame, GenericImageView, ImageEncoder, RgbImage};
use jpeg_encoder::{ChromaSubsamplingMethod, ColorType, Encoder, SamplingFactor};

pub(super) fn encode(
    picture: &DynamicImage,
    encoding: Encoding,
    profile: Option<&[u8]>,
    buffers: &mut Buffers,
) -> Result<Vec<u8>, Error> {
    let mut file = Vec::new();
    match encoding {
        Encoding::Jpeg(quality) => jpeg(picture, quality, profile, &mut file, buffers)?,
        Encoding::Png => return png(picture, profile, buffers),
        Encoding::Gif => gif(picture, &mut file)?,
        #[cfg(feature = "avif")]
        Encoding::Avif(quality) => {
            let encoder = AvifEncoder::new_with_speed_quality(&mut file, AVIF_SPEED, quality);
            write(picture, encoder.with_num_threads(Some(1)), profile)?;
        }
        #[cfg(not(feature = "avif"))]
        Encoding::Avif(_) => return Err(Error::failed("built without the feature avif")),
        Encoding::Webp => write(picture, WebPEncoder::new_lossless(&mut file), profile)?,
        Encoding::LossyWebp(_) => return Err(Error::failed("lossy WebP is written by libwebp")),
    }
    Ok(file)
}

/// From 1, thorough, to 10, quick. Even the quickest takes some 50 times as long as JPEG.
#[cfg(feature = "avif")]
const AVIF_SPEED: u8 = 10;

/// A PNG of the smallest kind that holds the picture's colours. It carries a profile only of the
/// kind that the profile describes: one for RGB with RGB and palettes, one for greys with greys.
fn png(
    picture: &DynamicImage,
    profile: Option<&[u8]>,
    buffers: &mut Buffers,
) -> Result<Vec<u8>, Error> {
    let is_grey = !picture.color().has_color();
    let indexed =
        if is_grey && profile.is_some() { None } else { IndexedColour::of(picture, buffers)? };
    let grey = match indexed {
        Some(indexed) if profile.is_some() => return indexed.into_png(profile, buffers),
        Some(indexed) => match indexed.into_grey() {
            Ok(grey) => Some(grey),
            Err(indexed) => return indexed.into_png(None, buffers),
        },
        None => None,
    };
    let mut file = Vec::new();
    let (effort, filter) = if colours_recur(grey.as_ref().unwrap_or(picture)) {
        (CompressionType::Level(EFFORT), FilterType::NoFilter)
    } else {
        (CompressionType::Fast, FilterType::Adaptive)
    };
    let encoder = PngEncoder::new_with_quality(Cursor::new(&mut file), effort, filter);
    write(grey.as_ref().unwrap_or(picture), encoder, profile)?;
    Ok(file)
}

/// A GIF cannot carry a profile: viewers assume sRGB.
fn gif(picture: &DynamicImage, file: &mut Vec<u8>) -> Result<(), Error> {
    // From 1, thorough, to 30, quick: how many pixels are used to choose the colours.
    const SPEED: i32 = 10;
    let frame = Frame::new(picture.to_rgba8());
    Ok(GifEncoder::new_with_speed(file, SPEED).encode_frame(frame)?)
}

fn write(
    picture: &DynamicImage,
    mut encoder: impl ImageEncoder,
    profile: Option<&[u8]>,
) -> Result<(), Error> {
    if let Some(profile) = profile {
        encoder.set_icc_profile(profile.to_vec())?;
    }
    Ok(picture.write_with_encoder(encoder)?)
}

fn jpeg(
    picture: &DynamicImage,
    quality: u8,
    profile: Option<&[u8]>,
    file: &mut Vec<u8>,
    buffers: &mut Buffers,
) -> Result<(), Error> {
    let mut encoder = jpeg_encoder(file, quality, profile)?;
    // The default drops three of four chroma samples instead.
    encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Average);
    let (width, height) = (u16::try_from(picture.width())?, u16::try_from(picture.height())?);
    match picture {
        DynamicImage::ImageLuma8(grey) => {
            encoder.encode(grey.as_raw(), width, height, ColorType::Luma)?;
        }
        DynamicImage::ImageRgb8(rgb) => {
            encoder.encode(rgb.as_raw(), width, height, ColorType::Rgb)?;
        }
        other => {
            encoder.encode(on_white(other, buffers)?.as_raw(), width, height, ColorType::Rgb)?;
        }
    }
    Ok(())
}

/// A JPEG from planes, without making pixels of them.
pub(super) fn planes(
    planes: &Planes,
    quality: u8,
    profile: Option<&[u8]>,
) -> Result<Vec<u8>, Error> {
    let (width, height) = planes.luma.dimensions();
    let size = (u16::try_from(width)?, u16::try_from(height)?);
    let mut file = Vec::new();
    let mut encoder = jpeg_encoder(&mut file, quality, profile)?;
    // In halved planes two by two pixels share a sample of colour; finer planes are averaged.
    if planes.chroma[0].dimensions() != (width.div_ceil(2), height.div_ceil(2)) {
        encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Average);
    }
    encoder.encode_image(Rows { planes, size })?;
    Ok(file)
}

fn jpeg_encoder<'a>(
    file: &'a mut Vec<u8>,
    quality: u8,
    profile: Option<&[u8]>,
) -> Result<Encoder<&'a mut Vec<u8>>, Error> {
    let mut encoder = Encoder::new(file, quality);
    encoder.set_sampling_factor(SamplingFactor::R_4_2_0);
    if let Some(profile) = profile {
        encoder.add_icc_profile(profile)?;
    }
    Ok(encoder)
}

/// The picture as it looks on a white page.
///
/// # Errors
/// [`NoMemory`](crate::ErrorKind::NoMemory) if the system refuses the memory.
pub(super) fn on_white(picture: &DynamicImage, buffers: &mut Buffers) -> Result<RgbImage, Error> {
    let rgba = match picture {
        DynamicImage::ImageRgba8(rgba) => Cow::Borrowed(rgba),
        other => Cow::Owned(other.to_rgba8()),
    };
    let (width, height) = picture.dimensions();
    let mut rgb = buffers.take(width as usize * height as usize * 3)?;
    for (to, from) in rgb.as_chunks_mut().0.iter_mut().zip(rgba.pixels()) {
        let [r, g, b, alpha] = from.0;
        *to = [r, g, b].map(|channel| over_white(channel, alpha));
    }
    Ok(RgbImage::from_raw(width, height, rgb).unwrap_or_default())
}

fn over_white(channel: u8, alpha: u8) -> u8 {
    let (channel, alpha) = (u32::from(channel), u32::from(alpha));
    let mixed = (channel * alpha + 255 * (255 - alpha) + 127) / 255;
    u8::try_from(mixed).unwrap_or(u8::MAX)
}
