//! WebP files: their chunks, and decoding by image-webp.

mod bitstream;
mod chunks;
mod lossless;
#[cfg(feature = "turbo")]
pub(super) mod lossy;
#[cfg(test)]
mod tests;

use std::io::Cursor;

use image::codecs::webp::WebPDecoder;
use image::{DynamicImage, ImageDecoder};

use self::bitstream::Bitstream;
use self::chunks::ALPHA;
use super::begin::begin;
use super::bytes::{le16, le24, le32};
use super::canvas::on_canvas;
use super::index::{self, Index, Kind, Segment};
use crate::buffers::Buffers;
use crate::codec::fault::{damaged, undecodable};
use crate::error::Error;
use crate::format::Format;
use crate::pixels::from_samples;
use crate::probe::Probe;

/// The start of a frame's chunk in an animation, before the frame's own chunks.
const ANIMATION_FRAME: usize = 16;

/// The first byte of every lossless bitstream, and its size.
const LOSSLESS_HEADER: usize = 5;

/// The contents of the chunks.
#[derive(Default)]
struct Chunks<'a> {
    canvas: Option<(u32, u32)>,
    /// Whether the header announces transparency: otherwise viewers ignore it.
    announces_alpha: bool,
    /// The size of the current frame, if it is the one that is decoded.
    frame: Option<(u32, u32)>,
    /// The size of the largest bitstream: the decoder takes its memory by that, not by the canvas.
    stream: (u32, u32),
    frames: u32,
    /// The memory for the tables of a lossless bitstream, in bytes; `None` if they cannot be read.
    tables: Option<u64>,
    /// The part of the file that is decoded.
    picture: Bitstream<'a>,
}

pub(super) fn probe(index: &Index<'_>) -> Result<Probe, Error> {
    let file = index.file();
    let chunks = Chunks::of(file, index.head().iter().copied(), true);
    if chunks.picture.stream.is_none() {
        return Err(damaged(Format::Webp, "it has no picture"));
    }
    let size = chunks.canvas.unwrap_or(chunks.stream);
    if chunks.stream.0 > size.0 || chunks.stream.1 > size.1 {
        return Err(damaged(Format::Webp, "its content is larger than its header says"));
    }
    let length = le32(file, 4).unwrap_or(0) as usize;
    let truncated = !index.has_end() || file.len() < length.saturating_add(8);
    let mut probe = begin(index, size, truncated)?;
    let Some(tables) = chunks.tables else {
        return Err(damaged(Format::Webp, "its prefix codes cannot be read"));
    };
    // The frame before it is put on the canvas, and the small pictures of a lossless bitstream; or
    // the planes of a lossy one, and its transparency as pixels and on its own.
    let held = if chunks.picture.alpha.is_some() { 7 } else { 5 };
    // And a copy of the bitstream, if there are other chunks around it.
    let copy = if chunks.canvas.is_some() { file.len() as u64 } else { 0 };
    probe.held = probe.pixels() * held + tables + copy;
    probe.lossy_webp = chunks.picture.stream.is_some_and(|(kind, _)| kind == *b"VP8 ");
    Ok(probe)
}

/// The first frame on its canvas. The decoder shows nothing of a file that was cut within its
/// picture.
pub(super) fn decode(
    file: &[u8],
    probe: &Probe,
    buffers: &mut Buffers,
) -> Result<DynamicImage, Error> {
    let failed = |error| undecodable(Format::Webp, error);
    let chunks = index::webp::Chunks::of(file, index::webp::BEGIN);
    let bitstream = Chunks::of(file, chunks, false).picture;
    let no_picture = || damaged(Format::Webp, "it has no picture");
    let alone = bitstream.alone(file)?.ok_or_else(no_picture)?;
    let decoder = WebPDecoder::new(Cursor::new(alone)).map_err(failed)?;
    let size = decoder.dimensions();
    let within = (bitstream.left + size.0, bitstream.top + size.1);
    let canvas = probe.stored();
    if bitstream.said.unwrap_or(canvas) != size || within.0 > canvas.0 || within.1 > canvas.1 {
        return Err(damaged(Format::Webp, "its headers disagree"));
    }
    let channels = usize::from(decoder.color_type().channel_count());
    let mut pixels = buffers.take(size.0 as usize * size.1 as usize * channels)?;
    decoder.read_image(&mut pixels).map_err(failed)?;
    on_canvas(
        from_samples(size, channels, pixels),
        (bitstream.left, bitstream.top),
        canvas,
        buffers,
    )
}

impl<'a> Chunks<'a> {
    /// The memory of the tables is counted only if `tables` is set, because that takes time.
    fn of(file: &'a [u8], chunks: impl Iterator<Item = Segment>, tables: bool) -> Self {
        let mut read = Self { tables: tables.then_some(0), ..Self::default() };
        read.read(file, chunks, false);
        read
    }

    /// Reads a row of chunks. A frame has such a row of its own, within which frames are ignored: a
    /// file could nest them deeper than any stack.
    fn read(&mut self, bytes: &'a [u8], chunks: impl Iterator<Item = Segment>, in_frame: bool) {
        for chunk in chunks {
            if let Kind::Chunk(name) = chunk.kind {
                self.take(name, &bytes[chunk.content()], in_frame);
            }
        }
    }

    fn take(&mut self, kind: [u8; 4], content: &'a [u8], in_frame: bool) {
        match &kind {
            b"VP8X" if self.canvas.is_none() => {
                let size = le24(content, 4).zip(le24(content, 7));
                self.announces_alpha = content.first().is_some_and(|flags| flags & ALPHA != 0);
                self.canvas = size.map(|(width, height)| (width + 1, height + 1));
            }
            b"VP8 " => {
                // Each has two upper bits with a hint to scale it, which programs ignore.
                let side = |at| le16(content, at).map(|bits| u32::from(bits & 0x3FFF));
                self.grow(side(6).zip(side(8)));
                self.found(kind, content, in_frame);
            }
            b"VP8L" => {
                let packed = le32(content, 1);
                let size = packed.map(|bits| ((bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1));
                self.grow(size);
                self.found(kind, content, in_frame);
                if !in_frame || self.frame.is_some() {
                    self.need(content.get(LOSSLESS_HEADER..), size);
                }
            }
            b"ALPH" => {
                let size = if in_frame { self.frame } else { self.canvas };
                // The lowest two bits tell how it is compressed.
                if let (Some((&head, stream)), true) = (content.split_first(), size.is_some()) {
                    if self.picture.stream.is_none() && (in_frame || self.announces_alpha) {
                        self.picture.alpha = Some(content);
                    }
                    if head & 3 == 1 {
                        self.need(Some(stream), size);
                    }
                }
            }
            b"ANMF" if !in_frame => {
                self.frames = self.frames.saturating_add(1);
                let size = le24(content, 6).zip(le24(content, 9));
                self.frame = size
                    .filter(|_| self.frames == 1)
                    .map(|(width, height)| (width + 1, height + 1));
                if self.frame.is_some() && self.picture.stream.is_none() {
                    // Positions are counted in twos.
                    let place = |at| le24(content, at).map_or(0, |half| 2 * half);
                    self.picture =
                        Bitstream { left: place(0), top: place(3), ..Bitstream::default() };
                }
                self.read(content, index::webp::Chunks::of(content, ANIMATION_FRAME), true);
            }
            _ => {}
        }
    }

    /// The first bitstream is the picture's; in an animation, that of the first frame.
    fn found(&mut self, kind: [u8; 4], content: &'a [u8], in_frame: bool) {
        if self.picture.stream.is_none() && (!in_frame || self.frame.is_some()) {
            self.picture.stream = Some((kind, content));
            self.picture.said = if in_frame { self.frame } else { self.canvas };
        }
    }

    /// The tables of one bitstream are in memory at a time.
    fn need(&mut self, stream: Option<&[u8]>, size: Option<(u32, u32)>) {
        if self.tables.is_none() {
            return;
        }
        let tables = stream.zip(size).and_then(|(stream, size)| lossless::tables(stream, size));
        self.tables = self.tables.zip(tables).map(|(most, tables)| most.max(tables));
    }

    fn grow(&mut self, size: Option<(u32, u32)>) {
        let (width, height) = size.unwrap_or_default();
        self.stream = (self.stream.0.max(width), self.stream.1.max(height));
    }
}
