//! The chunks of a WebP (RFC 9649, section 2).

use super::segment::{Kind, Part, Segment};
use crate::codec::bytes::le32;

/// `RIFF`, the file's length, `WEBP`.
pub(crate) const BEGIN: usize = 12;
/// The start of a chunk, before its content: its name and its length.
const HEADER: u8 = 8;

/// All chunks; the last one may be cut short, and then the picture has no end.
pub(super) fn all(file: &[u8]) -> Part {
    // Bytes after the announced end are not part of the file, unless that end cuts a chunk.
    let announced = le32(file, 4).and_then(|length| file.get(..length as usize + 8));
    let within = announced.map(up_to).filter(|part| part.end.is_some());
    within.unwrap_or_else(|| up_to(file))
}

fn up_to(file: &[u8]) -> Part {
    let mut part = Part::default();
    let mut chunks = Chunks::of(file, BEGIN);
    chunks.by_ref().for_each(|segment| part.push(segment));
    part.end = (chunks.is_whole() && !part.segments.is_empty()).then_some(file.len());
    part
}

/// Goes from chunk to chunk, in a file or in a frame of an animation.
pub(crate) struct Chunks<'a> {
    bytes: &'a [u8],
    at: usize,
    cut: bool,
}

impl<'a> Chunks<'a> {
    /// The chunks from this position on.
    pub(crate) fn of(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at, cut: at > bytes.len() }
    }

    /// Whether every chunk so far was whole and nothing is left.
    pub(crate) fn is_whole(&self) -> bool {
        !self.cut && self.at == self.bytes.len()
    }
}

impl Iterator for Chunks<'_> {
    type Item = Segment;

    fn next(&mut self) -> Option<Segment> {
        let begin = self.at;
        let name = *self.bytes.get(begin..)?.first_chunk()?;
        let length = le32(self.bytes, begin + 4)? as usize;
        let left = self.bytes.len() - begin - usize::from(HEADER);
        self.cut = length > left;
        // Chunks begin at even positions; the last one may lack its padding.
        let padding = u8::from(!length.is_multiple_of(2) && length < left);
        let end = begin + usize::from(HEADER) + length.min(left) + usize::from(padding);
        self.at = end;
        Some(Segment { kind: Kind::Chunk(name), begin, end, header: HEADER, trailer: padding })
    }
}
