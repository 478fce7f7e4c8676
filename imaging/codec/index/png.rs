//! The chunks of a PNG (PNG, third edition, section 5).

use super::segment::{Kind, Part, Segment};
use crate::codec::bytes::be32;

/// The position after the signature.
pub(crate) const BEGIN: usize = 8;
/// The start of a chunk, before its content: its length and its name.
const HEADER: u8 = 8;
/// The length of the checksum after a chunk's content.
const SUM: usize = 4;

/// The chunks up to IEND; a chunk that is cut short does not count.
pub(super) fn all(file: &[u8]) -> Part {
    let mut part = Part::default();
    let mut at = BEGIN;
    while let Some(segment) = chunk(file, at) {
        at = segment.end;
        part.push(segment);
        if segment.kind == Kind::Chunk(*b"IEND") {
            part.end = Some(at);
            break;
        }
    }
    part
}

fn chunk(file: &[u8], begin: usize) -> Option<Segment> {
    let length = be32(file, begin)? as usize;
    let name = *file.get(begin + 4..)?.first_chunk()?;
    let content = begin + usize::from(HEADER) + length;
    let sum = file.len().checked_sub(content)?.min(SUM);
    let trailer = u8::try_from(sum).ok()?;
    let end = content + sum;
    Some(Segment { kind: Kind::Chunk(name), begin, end, header: HEADER, trailer })
}
