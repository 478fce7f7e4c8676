//! The blocks of a GIF (version 89a, sections 18 to 26).

use super::segment::{Kind, Part, Segment};

/// The signature and the screen's descriptor.
const HEADER: usize = 13;
const PLAIN_TEXT: u8 = 0x01;
const GRAPHIC_CONTROL: u8 = 0xF9;
/// The start of an extension, before its blocks: its introducer and its label.
const LABELLED: u8 = 2;

/// The position of the first block, and all whole blocks.
pub(super) fn all(file: &[u8]) -> (usize, Part) {
    let begin = file.get(10).map_or(file.len(), |&flags| HEADER + palette(flags));
    let mut part = Part::default();
    let mut at = begin;
    loop {
        match file.get(at) {
            Some(b'!' | b',') => {
                let Some(segment) = block(file, at) else { break };
                at = segment.end;
                part.pictures = part.pictures.saturating_add((segment.kind == Kind::Image).into());
                part.push(segment);
            }
            Some(b';') => {
                part.end = Some(at + 1);
                break;
            }
            // Viewers skip bytes that do not begin a block.
            Some(_) => at += 1,
            None => break,
        }
    }
    (begin, part)
}

fn block(file: &[u8], begin: usize) -> Option<Segment> {
    let (kind, end, header) = match *file.get(begin)? {
        b'!' => {
            let label = *file.get(begin + 1)?;
            let end = blocks_end(file, begin + 2)?;
            match (label, file.get(end..end + 2)) {
                // It controls the text after it, and belongs to that.
                (GRAPHIC_CONTROL, Some(&[b'!', PLAIN_TEXT])) => {
                    (Kind::Extension(PLAIN_TEXT), blocks_end(file, end + 2)?, LABELLED)
                }
                _ => (Kind::Extension(label), end, LABELLED),
            }
        }
        // Its position and size, its palette, the code size, then blocks.
        b',' => {
            let palette = palette(*file.get(begin + 9)?);
            (Kind::Image, blocks_end(file, begin + 11 + palette)?, 1)
        }
        _ => return None,
    };
    Some(Segment { kind, begin, end, header, trailer: 0 })
}

/// The length in bytes of the palette that a descriptor's flags announce.
fn palette(flags: u8) -> usize {
    if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) }
}

/// The end of a row of blocks, each of which begins with its length, including the empty one.
fn blocks_end(file: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let length = usize::from(*file.get(at)?);
        at += 1 + length;
        if length == 0 {
            return Some(at);
        }
    }
}
