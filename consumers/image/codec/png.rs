//! PNG files: what their header says, and the png crate.

use std::io::{Cursor, ErrorKind};

use image::{DynamicImage, GrayAlphaImage, GrayImage, RgbImage, RgbaImage};
use png::{ColorType, Decoder, DecodingError, Transformations};
use waterway::Error;

use super::bytes::{be32, grey};
use super::index::{Index, Kind};
use super::{Format, Probe, damaged, undecodable};

pub(super) fn probe(index: &Index<'_>) -> Result<Probe, Error> {
    let no_header = || damaged(Format::Png, "it does not begin with a header");
    let first = index.head().first().filter(|chunk| chunk.kind == Kind::Chunk(*b"IHDR"));
    let header = index.content(first.ok_or_else(no_header)?);
    if header.len() != 13 {
        return Err(no_header());
    }
    let size = be32(header, 0).zip(be32(header, 4)).ok_or_else(no_header)?;
    let mut probe = Probe::new(index, size, !index.has_end())?;
    // Of an animation: how many frames it says it has.
    let frames = index.chunk(*b"acTL").and_then(|control| be32(control, 0));
    probe.frames = frames.unwrap_or_default().max(1);
    Ok(probe)
}

pub(super) fn decode(file: &[u8], probe: &Probe) -> Result<DynamicImage, Error> {
    let failed = |error| undecodable(Format::Png, error);
    let mut decoder = Decoder::new(Cursor::new(file));
    decoder.set_transformations(Transformations::normalize_to_color8());
    // Either may unpack to many times its size, and neither is used.
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    let mut reader = decoder.read_info().map_err(failed)?;
    let (width, height) = probe.stored();
    if reader.info().size() != (width, height) {
        return Err(damaged(Format::Png, "its headers disagree"));
    }
    let (color, _) = reader.output_color_type();
    let mut pixels = grey(width as usize * height as usize, color.samples())?;
    match reader.next_frame(&mut pixels) {
        Ok(frame) if (frame.width, frame.height) != (width, height) => {
            return Err(damaged(Format::Png, "its first frame is not of its size"));
        }
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
