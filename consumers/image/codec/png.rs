//! PNG files: what their header says, and the png crate.

mod pixel_chunks;
#[cfg(test)]
mod tests;

use std::io::ErrorKind;

use image::{DynamicImage, GrayAlphaImage, GrayImage, RgbImage, RgbaImage};
use png::{ColorType, Decoder, DecodingError, Transformations};
use waterway::Error;

use self::pixel_chunks::PixelChunks;
use super::bytes::{be32, grey};
use super::index::{Index, Kind};
use super::{BAD_IMAGE, Format, Probe, damaged, undecodable};

pub(super) fn probe(index: &Index<'_>) -> Result<Probe, Error> {
    let no_header = || damaged(Format::Png, "it does not begin with a header");
    let header = match index.head().first() {
        Some(chunk) if chunk.kind == Kind::Chunk(*b"CgBI") => {
            let message = "PNG in Apple's form for apps (CgBI) is not supported";
            return Err(Error::new(BAD_IMAGE, message));
        }
        Some(chunk) if chunk.kind == Kind::Chunk(*b"IHDR") => index.content(chunk),
        _ => return Err(no_header()),
    };
    if header.len() != 13 {
        return Err(no_header());
    }
    let size = be32(header, 0).zip(be32(header, 4)).ok_or_else(no_header)?;
    Probe::new(index, size, !index.has_end())
}

pub(super) fn decode(file: &[u8], probe: &Probe) -> Result<DynamicImage, Error> {
    let failed = |error| undecodable(Format::Png, error);
    let mut decoder = Decoder::new(PixelChunks::new(file));
    decoder.set_transformations(Transformations::normalize_to_color8());
    // As viewers do; what is really damaged cannot be unpacked.
    decoder.ignore_checksums(true);
    let mut reader = decoder.read_info().map_err(failed)?;
    let (width, height) = probe.stored();
    if reader.info().size() != (width, height) {
        return Err(damaged(Format::Png, "its headers disagree"));
    }
    let (color, _) = reader.output_color_type();
    let mut pixels = grey(width as usize * height as usize, color.samples())?;
    match reader.next_frame(&mut pixels) {
        Ok(_) => {}
        // What was read before the end stands in its rows.
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
    picture.ok_or_else(|| damaged(Format::Png, "its size is not its data's"))
}
