//! A file without unnecessary metadata: its picture stays the same, bit by bit.
//!
//! The parts to keep are listed, and all others are removed: EXIF, XMP, IPTC, comments, maker
//! notes, thumbnails, further pictures, gain maps, bytes after the picture's end, and unknown
//! parts.

use image::metadata::Orientation;

use super::blocks::{APP2, ICC_HEADER, icc};
use super::orientation::orientation;
use crate::codec::bytes::le32;
use crate::codec::index::webp::Chunks;
use crate::codec::index::{Index, Kind};
use crate::format::Format;
use crate::memory;

/// The same file with only the parts that are needed to show the picture right. Its colour profile
/// stays if `profile` is true and it is sound.
///
/// `None` if the picture has no end, if it needs its EXIF block to be upright, if the index does
/// not list all of the file, or if private data are in a place from which they cannot be removed.
#[must_use]
pub fn stripped(index: &Index<'_>, profile: bool) -> Option<Vec<u8>> {
    if orientation(index) != Orientation::NoTransforms || !index.is_complete() {
        return None;
    }
    match index.format() {
        Format::Jpeg => stripped_jpeg(index, profile),
        Format::Png => stripped_png(index, profile),
        Format::Webp => stripped_webp(index, profile),
        Format::Gif => stripped_gif(index),
        Format::Avif => None,
    }
}

/// The start of the stripped file. `None` if the system refuses the memory for it: the picture is then
/// processed like any other, and refused there.
fn begun(index: &Index<'_>) -> Option<Vec<u8>> {
    let mut kept = memory::reserved(index.file().len()).ok()?;
    kept.extend_from_slice(index.beginning());
    Some(kept)
}

/// Keeps tables, frames and scans. Of the application segments it keeps JFIF's (without its
/// thumbnail), Adobe's, which says how colours are stored, and the profile.
fn stripped_jpeg(index: &Index<'_>, profile: bool) -> Option<Vec<u8>> {
    const APP0: u8 = 0xE0;
    const APP14: u8 = 0xEE;
    const EOI: u8 = 0xD9;
    /// Name, version, density, and the size of the thumbnail.
    const JFIF: usize = 14;
    /// Name, version, two fields of flags, transform.
    const ADOBE: usize = 12;
    if index.pictures() == 0 || !index.has_end() {
        return None;
    }
    let profile = profile && icc(index).is_some();
    let mut kept = begun(index)?;
    for segment in index.head() {
        let (content, whole) = (index.content(segment), index.whole(segment));
        match segment.kind {
            Kind::Marker(APP0) if content.starts_with(b"JFIF\0") && content.len() >= JFIF => {
                kept.extend([0xFF, APP0, 0, 16]);
                kept.extend_from_slice(&content[..JFIF - 2]);
                // A thumbnail of 0 × 0.
                kept.extend([0, 0]);
            }
            Kind::Marker(APP14) if content.starts_with(b"Adobe") && content.len() >= ADOBE => {
                kept.extend([0xFF, APP14, 0, 14]);
                kept.extend_from_slice(&content[..ADOBE]);
            }
            Kind::Marker(APP2) if profile && content.starts_with(ICC_HEADER) => {
                kept.extend_from_slice(whole);
            }
            kind if shows(kind) => kept.extend_from_slice(whole),
            _ => {}
        }
    }
    for segment in index.tail().iter().filter(|segment| shows(segment.kind)) {
        let whole = index.whole(segment);
        // A reserved marker within a scan could hide anything: the picture is encoded again.
        if segment.kind == Kind::Scan && has_reserved(whole) {
            return None;
        }
        kept.extend_from_slice(whole);
    }
    kept.extend([0xFF, EOI]);
    Some(kept)
}

/// Whether the data of a scan contain a reserved marker (ITU-T T.81, table B.1).
fn has_reserved(scan: &[u8]) -> bool {
    memchr::memchr_iter(0xFF, scan).any(|at| matches!(scan.get(at + 1), Some(0x01..=0xBF)))
}

/// Frames, tables, scans and restart intervals (ITU-T T.81, table B.1).
fn shows(kind: Kind) -> bool {
    matches!(kind, Kind::Scan | Kind::Marker(0xC0..=0xCF | 0xDA..=0xDF))
}

/// Chunks of a PNG that change how it looks, and their longest valid lengths (PNG, third edition,
/// section 11): decoders skip longer ones.
const PNG_CHUNKS: [(&[u8; 4], usize); 10] = [
    (b"IHDR", 13),
    (b"PLTE", 768),
    (b"tRNS", 256),
    (b"IDAT", usize::MAX),
    (b"acTL", 8),
    (b"fcTL", 26),
    (b"fdAT", usize::MAX),
    (b"pHYs", 9),
    (b"sBIT", 4),
    (b"bKGD", 6),
];

/// The same for chunks that define its colours.
const PNG_COLOURS: [(&[u8; 4], usize); 7] = [
    (b"iCCP", usize::MAX),
    (b"sRGB", 1),
    (b"gAMA", 4),
    (b"cHRM", 32),
    (b"cICP", 4),
    (b"mDCV", 24),
    (b"cLLI", 8),
];

fn stripped_png(index: &Index<'_>, profile: bool) -> Option<Vec<u8>> {
    /// IEND with its checksum. A file may have content in it, or lack the checksum.
    const END: &[u8] = b"\0\0\0\0IEND\xAE\x42\x60\x82";
    if !index.has_end() {
        return None;
    }
    let mut sound = profile && icc(index).is_some();
    let mut kept = begun(index)?;
    for segment in index.head() {
        let Kind::Chunk(name) = segment.kind else { continue };
        let length = segment.content().len();
        let listed = |list: &[(&[u8; 4], usize)]| {
            list.iter().any(|&(known, longest)| *known == name && length <= longest)
        };
        let keeps = match &name {
            // Decoders read only the first one.
            b"iCCP" => std::mem::take(&mut sound),
            _ => listed(&PNG_CHUNKS) || profile && listed(&PNG_COLOURS),
        };
        if keeps {
            kept.extend_from_slice(index.whole(segment));
        }
    }
    kept.extend_from_slice(END);
    Some(kept)
}

/// Keeps the picture's chunks, and removes the others' flags from the header.
fn stripped_webp(index: &Index<'_>, profile: bool) -> Option<Vec<u8>> {
    const ICC: u8 = 0x20;
    const EXIF: u8 = 0x08;
    const XMP: u8 = 0x04;
    let announced = le32(index.file(), 4)? as usize;
    // If the announced end cuts a chunk, decoders read on after it; those bytes would be missing.
    if index.end() != announced.checked_add(8) {
        return None;
    }
    let (mut sound, mut has_picture) = (profile && icc(index).is_some(), false);
    let mut kept = begun(index)?;
    for segment in index.head() {
        let Kind::Chunk(name) = segment.kind else { continue };
        let (content, whole) = (index.content(segment), index.whole(segment));
        match &name {
            b"VP8X" => {
                let begin = kept.len() + 8;
                kept.extend_from_slice(whole);
                let gone = EXIF | XMP | if sound { 0 } else { ICC };
                *kept.get_mut(begin).filter(|_| content.len() == 10)? &= !gone;
            }
            b"ANIM" if content.len() != 6 => return None,
            b"ANMF" if !is_only_picture(content) => return None,
            b"ICCP" if std::mem::take(&mut sound) => kept.extend_from_slice(whole),
            b"VP8 " | b"VP8L" | b"ALPH" | b"ANIM" | b"ANMF" => {
                has_picture |= matches!(&name, b"VP8 " | b"VP8L" | b"ANMF");
                kept.extend_from_slice(whole);
            }
            _ => {}
        }
    }
    let length = u32::try_from(kept.len().checked_sub(8)?).ok()?;
    kept[4..8].copy_from_slice(&length.to_le_bytes());
    has_picture.then_some(kept)
}

/// Whether a frame of an animation contains only the chunks of its picture.
fn is_only_picture(frame: &[u8]) -> bool {
    /// The start of the frame, before its own chunks.
    const FRAME: usize = 16;
    let mut chunks = Chunks::of(frame, FRAME);
    let mut known = [*b"ALPH", *b"VP8 ", *b"VP8L"].map(Kind::Chunk).into_iter();
    // In this order, each at most once.
    chunks.by_ref().all(|chunk| known.any(|kind| kind == chunk.kind)) && chunks.is_whole()
}

/// Keeps images, their controls, and the number of an animation's repetitions.
fn stripped_gif(index: &Index<'_>) -> Option<Vec<u8>> {
    const GRAPHIC_CONTROL: u8 = 0xF9;
    const APPLICATION: u8 = 0xFF;
    /// A block with the application's name, and a block with the number 1 and a count.
    const LOOP: usize = 12 + 4;
    if index.pictures() == 0 {
        return None;
    }
    let mut kept = begun(index)?;
    for segment in index.head() {
        let content = index.content(segment);
        match segment.kind {
            Kind::Image => kept.extend_from_slice(index.whole(segment)),
            // Decoders read its first four bytes.
            Kind::Extension(GRAPHIC_CONTROL) if content[0] >= 4 => {
                kept.extend([b'!', GRAPHIC_CONTROL, 4]);
                kept.extend_from_slice(&content[1..=4]);
                kept.push(0);
            }
            Kind::Extension(APPLICATION) if is_loop(content) && content.len() > LOOP => {
                kept.extend([b'!', APPLICATION]);
                kept.extend_from_slice(&content[..LOOP]);
                kept.push(0);
            }
            _ => {}
        }
    }
    kept.push(b';');
    Some(kept)
}

fn is_loop(content: &[u8]) -> bool {
    let names: [&[u8]; 2] = [b"\x0BNETSCAPE2.0\x03\x01", b"\x0BANIMEXTS1.0\x03\x01"];
    names.iter().any(|name| content.starts_with(name))
}
