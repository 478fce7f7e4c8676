//! GIF files: what their header says, and the gif crate.

use std::io::Cursor;

use gif::{ColorOutput, DecodeOptions, MemoryLimit};
use image::DynamicImage;
use waterway::Error;

use super::bytes::{grey, le16};
use super::index::Index;
use super::{Format, Probe, damaged, undecodable};
use crate::image::pixels::from_samples;
use crate::image::scratch;

const CHANNELS: usize = 4;

pub(super) fn probe(index: &Index<'_>) -> Result<Probe, Error> {
    let file = index.file();
    let size = le16(file, 6)
        .zip(le16(file, 8))
        .ok_or_else(|| damaged(Format::Gif, "it ends within its header"))?;
    // Those that the file has all of.
    let frames = index.pictures();
    let mut probe = Probe::new(index, (size.0.into(), size.1.into()), frames == 0)?;
    probe.frames = frames.max(1);
    // The frame beside its canvas.
    probe.held = probe.pixels() * CHANNELS as u64;
    Ok(probe)
}

/// The first frame on the picture's own canvas, which is transparent where the frame is not.
pub(super) fn decode(file: &[u8], probe: &Probe) -> Result<DynamicImage, Error> {
    let failed = |error| undecodable(Format::Gif, error);
    let mut options = DecodeOptions::new();
    options.set_color_output(ColorOutput::RGBA);
    // Both sizes are within the limits when the frame is within the canvas.
    options.check_frame_consistency(true);
    options.set_memory_limit(MemoryLimit::Unlimited);
    let mut decoder = options.read_info(Cursor::new(file)).map_err(failed)?;
    let frame = decoder
        .next_frame_info()
        .map_err(failed)?
        .ok_or_else(|| damaged(Format::Gif, "it has no frame"))?;
    let (left, top) = (usize::from(frame.left), usize::from(frame.top));
    let (width, height) = (usize::from(frame.width), usize::from(frame.height));

    let mut pixels = grey(width * height, CHANNELS)?;
    if let Err(error) = decoder.read_into_buffer(&mut pixels)
        && !probe.truncated
    {
        return Err(failed(error));
    }

    let size = (probe.width as usize, probe.height as usize);
    if (width, height) == size {
        return Ok(from_samples(probe.stored(), CHANNELS, pixels));
    }
    let stride = size.0 * CHANNELS;
    let mut canvas = scratch::filled(stride * size.1, 0)?;
    if width > 0 {
        let rows = canvas.chunks_exact_mut(stride).skip(top);
        for (row, source) in rows.zip(pixels.chunks_exact(width * CHANNELS)) {
            if let Some(place) = row.get_mut(left * CHANNELS..(left + width) * CHANNELS) {
                place.copy_from_slice(source);
            }
        }
    }
    scratch::give(pixels);
    Ok(from_samples(probe.stored(), CHANNELS, canvas))
}
