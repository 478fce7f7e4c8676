//! GIF files: their first frame, decoded by the gif crate.

use std::io::{Cursor, Read};
use std::ops::Range;

use gif::{ColorOutput, DecodeOptions, MemoryLimit};
use image::DynamicImage;

use super::begin::begin;
use super::bytes::{grey, le16};
use super::canvas::on_canvas;
use super::index::Index;
use crate::buffers::Buffers;
use crate::codec::fault::{damaged, undecodable};
use crate::error::Error;
use crate::format::Format;
use crate::pixels::from_samples;
use crate::probe::Probe;

/// The signature, the canvas, the flags of the global colour table, its background colour, its
/// aspect.
const HEADER: usize = 13;
/// The position of the global colour table's flags in the header.
const FLAGS: usize = 10;
/// A frame's position and size, and the flags of its own colour table.
const DESCRIPTOR: usize = 10;
const HAS_TABLE: u8 = 0x80;
const INTERLACED: u8 = 0x40;
/// The length of the largest colour table in bytes.
const TABLE_MAX: usize = 3 * 256;
const CHANNELS: usize = 4;

pub(super) fn probe(index: &Index<'_>) -> Result<Probe, Error> {
    let file = index.file();
    let frame = first_frame(file)?;
    let side = |at| le16(file, at).map_or(0, u32::from);
    // A frame that reaches beyond the canvas enlarges it, as in viewers; also if the header says 0.
    let width = side(6).max(frame.left + frame.width);
    let height = side(8).max(frame.top + frame.height);
    let mut probe = begin(index, (width, height), !frame.is_whole)?;
    // The frame in addition to its canvas.
    probe.held = probe.pixels() * CHANNELS as u64;
    Ok(probe)
}

/// The first frame on the picture's own canvas, which is transparent where the frame is not.
pub(super) fn decode(
    file: &[u8],
    probe: &Probe,
    buffers: &mut Buffers,
) -> Result<DynamicImage, Error> {
    let failed = |error| undecodable(Format::Gif, error);
    let frame = first_frame(file)?;
    let mut options = DecodeOptions::new();
    // Like viewers, it skips unknown extensions.
    options.allow_unknown_blocks(true);
    options.set_color_output(ColorOutput::RGBA);
    // The frame is within the canvas, which is within the limits.
    options.set_memory_limit(MemoryLimit::Unlimited);
    let mut decoder = options.read_info(frame.alone(file)).map_err(failed)?;
    decoder.next_frame_info().map_err(failed)?;

    let area = frame.width as usize * frame.height as usize;
    let mut pixels = grey(area, CHANNELS, buffers)?;
    if !pixels.is_empty()
        && let Err(error) = decoder.read_into_buffer(&mut pixels)
        && !probe.truncated
    {
        return Err(failed(error));
    }

    let picture = from_samples((frame.width, frame.height), CHANNELS, pixels);
    on_canvas(picture, (frame.left, frame.top), probe.stored(), buffers)
}

fn first_frame(file: &[u8]) -> Result<FirstFrame, Error> {
    FirstFrame::of(file).ok_or_else(|| damaged(Format::Gif, "it has no frame"))
}

/// The first frame, with the colours and the transparency that it is decoded with.
struct FirstFrame {
    left: u32,
    top: u32,
    width: u32,
    height: u32,
    is_interlaced: bool,
    /// Its own colour table, or the global one; empty if there is neither.
    table: Range<usize>,
    /// The length of its codes, and its blocks up to the last whole one.
    data: Range<usize>,
    /// Whether all of its blocks are present.
    is_whole: bool,
    /// The four bytes of the graphic control extension, which name the transparent colour.
    control: Option<[u8; 4]>,
}

impl FirstFrame {
    fn of(file: &[u8]) -> Option<Self> {
        const CONTROL: u8 = 0xF9;
        let flags = *file.get(FLAGS)?;
        let global = HEADER..HEADER + table_length(flags);
        let (mut at, mut control) = (global.end, None);
        loop {
            match file.get(at)? {
                b'!' => {
                    if let [b'!', CONTROL, length, fields @ ..] = &file[at..]
                        && *length >= 4
                    {
                        control = fields.first_chunk().copied();
                    }
                    let (end, is_whole) = blocks_end(file, at + 2);
                    at = if is_whole { end } else { return None };
                }
                b',' => break,
                b';' => return None,
                // Pillow skips unknown bytes between blocks, too.
                _ => at += 1,
            }
        }
        let side = |place| le16(file, at + place).map(u32::from);
        let own_flags = *file.get(at + DESCRIPTOR - 1)?;
        let own = at + DESCRIPTOR..at + DESCRIPTOR + table_length(own_flags);
        let (end, is_whole) = blocks_end(file, own.end + 1);
        let end = end.min(file.len());
        Some(Self {
            left: side(1)?,
            top: side(3)?,
            width: side(5)?,
            height: side(7)?,
            is_interlaced: own_flags & INTERLACED != 0,
            data: own.end.min(end)..end,
            table: if own.is_empty() { global } else { own },
            is_whole,
            control,
        })
    }

    /// A file with only this frame, without extensions that could be damaged, in which every index
    /// has a colour.
    fn alone<'a>(&self, file: &'a [u8]) -> impl Read + use<'a> {
        let mut begin = file[..HEADER].to_vec();
        begin[FLAGS] |= HAS_TABLE | 7;
        let table = file.get(self.table.clone()).unwrap_or_default();
        begin.extend(table);
        // Without a table the specification recommends black and white (GIF89a, 21). An index
        // beyond the table is black in Pillow and libvips.
        let missing = if table.is_empty() { u8::MAX } else { 0 };
        begin.resize(HEADER + TABLE_MAX, missing);
        begin[HEADER..HEADER + 3].copy_from_slice(table.get(..3).unwrap_or(&[0; 3]));
        if let Some(control) = self.control {
            begin.extend([&b"!\xF9\x04"[..], &control, b"\0"].concat());
        }
        begin.push(b',');
        for side in [self.left, self.top, self.width, self.height] {
            begin.extend_from_slice(&side.to_le_bytes()[..2]);
        }
        begin.push(if self.is_interlaced { INTERLACED } else { 0 });
        // A cut block has the length of its rest.
        let cut =
            if self.is_whole { &[] } else { file.get(self.data.end + 1..).unwrap_or_default() };
        let length = Cursor::new([u8::try_from(cut.len()).unwrap_or_default()]);
        let whole = Cursor::new(begin).chain(&file[self.data.clone()]);
        whole.chain(length).chain(cut).chain(&b"\0;"[..])
    }
}

/// The length in bytes of the colour table that these flags announce.
fn table_length(flags: u8) -> usize {
    if flags & HAS_TABLE == 0 { 0 } else { 3 << ((flags & 7) + 1) }
}

/// The end of the last whole block of a row of blocks, each of which begins with its length, and
/// whether that is the empty block that ends the row.
fn blocks_end(file: &[u8], mut at: usize) -> (usize, bool) {
    loop {
        let Some(&length) = file.get(at) else { return (at, false) };
        let end = at + 1 + usize::from(length);
        if end > file.len() {
            return (at, false);
        }
        at = end;
        if length == 0 {
            return (at, true);
        }
    }
}

#[cfg(test)]
mod tests;
