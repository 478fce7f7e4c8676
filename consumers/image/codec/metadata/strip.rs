//! A file without what it need not say: its picture stays bit by bit.

use image::metadata::Orientation;

use super::{APP2, Chunk, PNG, SOS, WEBP, chunks, exif, jpeg};
use crate::image::codec::Format;
use crate::image::scratch;

/// The same file without EXIF, XMP, comments and thumbnails, but with what it takes to show it
/// right; its ICC profile stays when `profile` says so. Nothing when the file is damaged, or its
/// picture would not stand upright without its EXIF block.
#[must_use]
pub fn stripped(file: &[u8], format: Format, profile: bool) -> Option<Vec<u8>> {
    let turned = exif(file, format).and_then(Orientation::from_exif_chunk);
    if turned.is_some_and(|orientation| orientation != Orientation::NoTransforms) {
        return None;
    }
    match format {
        Format::Jpeg => stripped_jpeg(file, profile),
        Format::Png => stripped_png(file, profile),
        Format::Webp => stripped_webp(file, profile),
        Format::Gif => stripped_gif(file),
        Format::Avif => None,
    }
}

/// The kept part of a file, with this beginning. `None` when the system has no memory for it: the
/// picture is then processed like any other, and refused there.
fn begun(file: &[u8], begin: &[u8]) -> Option<Vec<u8>> {
    let mut kept = scratch::reserved(file.len()).ok()?;
    kept.extend_from_slice(begin);
    Some(kept)
}

/// Keeps tables and frames; of the application's segments JFIF's own (without its thumbnail),
/// Adobe's, which tells how colours are stored, and the profile.
fn stripped_jpeg(file: &[u8], profile: bool) -> Option<Vec<u8>> {
    const APP0: u8 = 0xE0;
    const APP14: u8 = 0xEE;
    const COMMENT: u8 = 0xFE;
    const JFIF: usize = 14;
    let mut kept = begun(file, file.get(..2)?)?;
    for segment in jpeg(file) {
        match segment.marker {
            SOS => {
                // From here on all that is the picture's, up to its end and no further: what some
                // cameras put behind it is not.
                let scans = file.get(segment.begin..)?;
                let end = memchr::memmem::rfind(scans, &[0xFF, 0xD9])? + 2;
                kept.extend_from_slice(&scans[..end]);
                return Some(kept);
            }
            APP0 if segment.content.starts_with(b"JFIF\0") => {
                let content = segment.content.get(..JFIF)?;
                kept.extend([0xFF, APP0, 0, 16]);
                kept.extend_from_slice(&content[..JFIF - 2]);
                // A thumbnail of no size.
                kept.extend([0, 0]);
            }
            APP14 if segment.content.starts_with(b"Adobe") => kept.extend_from_slice(segment.whole),
            APP2 if profile && segment.content.starts_with(b"ICC_PROFILE\0") => {
                kept.extend_from_slice(segment.whole);
            }
            APP0..=0xEF | COMMENT => {}
            _ => kept.extend_from_slice(segment.whole),
        }
    }
    None
}

/// Keeps the chunks that change how it looks.
fn stripped_png(file: &[u8], profile: bool) -> Option<Vec<u8>> {
    let mut kept = begun(file, file.get(..PNG.begin)?)?;
    for Chunk { kind, whole, .. } in chunks(file, &PNG) {
        let colours = matches!(&kind, b"iCCP" | b"sRGB" | b"gAMA" | b"cHRM" | b"cICP");
        let looks = matches!(
            &kind,
            b"IHDR" | b"PLTE" | b"tRNS" | b"IDAT" | b"acTL" | b"fcTL" | b"fdAT" | b"pHYs" | b"sBIT"
        );
        if looks || colours && profile {
            kept.extend_from_slice(whole);
        }
        if kind == *b"IEND" {
            kept.extend_from_slice(whole);
            return Some(kept);
        }
    }
    None
}

/// Keeps the picture's chunks, and says in the header that the others are gone.
fn stripped_webp(file: &[u8], profile: bool) -> Option<Vec<u8>> {
    const ICC: u8 = 0x20;
    const EXIF: u8 = 0x08;
    const XMP: u8 = 0x04;
    let announced = u32::from_le_bytes(*file.get(4..)?.first_chunk()?) as usize;
    // Decoders read on behind an announced end that comes too soon; what they read would be missing.
    if announced.checked_add(8)? != file.len() {
        return None;
    }
    let mut kept = begun(file, file.get(..WEBP.begin)?)?;
    let mut read = WEBP.begin;
    for Chunk { kind, whole, .. } in chunks(file, &WEBP) {
        read += whole.len();
        match &kind {
            b"VP8X" => {
                let begin = kept.len() + 8;
                kept.extend_from_slice(whole);
                let gone = EXIF | XMP | if profile { 0 } else { ICC };
                *kept.get_mut(begin)? &= !gone;
            }
            b"ICCP" if profile => kept.extend_from_slice(whole),
            b"VP8 " | b"VP8L" | b"ALPH" | b"ANIM" | b"ANMF" => kept.extend_from_slice(whole),
            _ => {}
        }
    }
    // So they do in a last chunk that is longer than the file.
    if read < file.len() {
        return None;
    }
    let length = u32::try_from(kept.len().checked_sub(8)?).ok()?;
    kept[4..8].copy_from_slice(&length.to_le_bytes());
    (kept.len() > WEBP.begin).then_some(kept)
}

/// Drops comments and the applications' own extensions, but for how often an animation repeats.
fn stripped_gif(file: &[u8]) -> Option<Vec<u8>> {
    const HEADER: usize = 13;
    let palette = |flags: u8| if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) };
    let mut at = HEADER + palette(*file.get(10)?);
    let mut kept = begun(file, file.get(..at)?)?;
    loop {
        let begin = at;
        let keep = match *file.get(at)? {
            b';' => {
                kept.push(b';');
                return Some(kept);
            }
            b'!' => {
                let (label, first) = (*file.get(at + 1)?, file.get(at + 3..));
                at = blocks_end(file, at + 2)?;
                match label {
                    // Graphic control.
                    0xF9 => true,
                    0xFF => first.is_some_and(|name| {
                        name.starts_with(b"NETSCAPE2.0") || name.starts_with(b"ANIMEXTS1.0")
                    }),
                    _ => false,
                }
            }
            b',' => {
                at = blocks_end(file, at + 10 + palette(*file.get(at + 9)?) + 1)?;
                true
            }
            _ => return None,
        };
        if keep {
            kept.extend_from_slice(file.get(begin..at)?);
        }
    }
}

/// Behind a row of blocks, each of which begins with its length, up to the empty one.
fn blocks_end(file: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let length = usize::from(*file.get(at)?);
        at += 1 + length;
        if length == 0 {
            return Some(at);
        }
    }
}
