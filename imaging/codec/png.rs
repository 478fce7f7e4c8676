//! PNG files: their header, and decoding by the png crate.

mod pixel_chunks;
#[cfg(test)]
mod tests;

use std::io::ErrorKind;

use image::{DynamicImage, GrayAlphaImage, GrayImage, RgbImage, RgbaImage};
use png::{ColorType, Decoder, DecodingError, Transformations};

use self::pixel_chunks::PixelChunks;
use super::begin::begin;
use super::bytes::{be32, grey};
use super::index::{Index, Kind};
use crate::buffers::Buffers;
use crate::codec::fault::{damaged, undecodable};
use crate::error::Error;
use crate::format::Format;
use crate::probe::Probe;

pub(super) fn probe(index: &Index<'_>) -> Result<Probe, Error> {
    let no_header = || damaged(Format::Png, "it does not begin with a header");
    let header = match index.head().first() {
        Some(chunk) if chunk.kind == Kind::Chunk(*b"CgBI") => {
            let message = "PNG in Apple's form for apps (CgBI) is not supported";
            return Err(Error::bad_picture(message));
        }
        Some(chunk) if chunk.kind == Kind::Chunk(*b"IHDR") => index.content(chunk),
        _ => return Err(no_header()),
    };
    if header.len() != 13 {
        return Err(no_header());
    }
    let size = be32(header, 0).zip(be32(header, 4)).ok_or_else(no_header)?;
    begin(index, size, !index.has_end())
}

pub(super) fn decode(
    file: &[u8],
    probe: &Probe,
    buffers: &mut Buffers,
) -> Result<DynamicImage, Error> {
    let failed = |error| undecodable(Format::Png, error);
    let mut decoder = Decoder::new(PixelChunks::new(file));
    decoder.set_transformations(Transformations::normalize_to_color8());
    // Like viewers; data that are really damaged cannot be decompressed.
    decoder.ignore_checksums(true);
    let mut reader = decoder.read_info().map_err(failed)?;
    let (width, height) = probe.stored();
    if reader.info().size() != (width, height) {
        return Err(damaged(Format::Png, "its headers disagree"));
    }
    let (color, _) = reader.output_color_type();
    let mut pixels = grey(width as usize * height as usize, color.samples(), buffers)?;
    match reader.next_frame(&mut pixels) {
        Ok(_) => {}
        // The rows that were read before the end are kept.
        Err(DecodingError::IoError(error))
            if probe.truncated && error.kind() == ErrorKind::UnexpectedEof => {}
        Err(error) => return Err(failed(error)),
    }
    let picture = match color {
        ColorType::Grayscale => {
            GrayImage::from_raw(width, height, pixels).map(DynamicImage::ImageLuma8)
        }
        ColorType::GrayscaleAlpha => {
            GrayAlphaImage::from_raw(width, height, pixels).map(DynamicImage::ImageLumaA8)
        }
        ColorType::Rgb => RgbImage::from_raw(width, height, pixels).map(DynamicImage::ImageRgb8),
        ColorType::Rgba => RgbaImage::from_raw(width, height, pixels).map(DynamicImage::ImageRgba8),
        ColorType::Indexed => None,
    };
    picture.ok_or_else(|| damaged(Format::Png, "its size does not fit its data"))
}
