//! The chunks of a PNG (PNG, third edition, section 5).

use super::{Kind, Part, Segment};
use crate::image::codec::bytes::be32;

/// Behind the signature.
pub(in crate::image::codec) const BEGIN: usize = 8;
/// What stands before a chunk's content: its length and its name.
const HEADER: u8 = 8;
/// What stands behind a chunk's content: its sum.
const SUM: usize = 4;

/// The chunks up to IEND; one that is cut short is none.
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
