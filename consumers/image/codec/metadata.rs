//! What a file says beside its picture: EXIF and ICC blocks, and the file without what it need not
//! say.
//!
//! Every function is lenient: what is damaged is as if it were not there.

use super::Format;
use super::bytes::be32;

mod strip;

pub use strip::stripped;

/// The largest ICC profile that is taken; those of printers have half as much.
pub(super) const ICC_MAX: usize = 1 << 20;

/// The EXIF block, a TIFF file, as it stands in the picture's.
#[must_use]
pub fn exif(file: &[u8], format: Format) -> Option<&[u8]> {
    match format {
        Format::Jpeg => jpeg(file)
            .filter(|segment| segment.marker == APP1)
            .find_map(|segment| segment.content.strip_prefix(b"Exif\0\0")),
        Format::Png => {
            chunks(file, &PNG).find(|chunk| chunk.kind == *b"eXIf").map(|chunk| chunk.content)
        }
        Format::Webp => {
            let chunk = chunks(file, &WEBP).find(|chunk| chunk.kind == *b"EXIF")?;
            Some(chunk.content.strip_prefix(b"Exif\0\0").unwrap_or(chunk.content))
        }
        Format::Gif | Format::Avif => None,
    }
}

/// The ICC profile, put together or unpacked where the file has it in parts or packed.
#[must_use]
pub fn icc(file: &[u8], format: Format) -> Option<Vec<u8>> {
    let profile = match format {
        Format::Jpeg => jpeg_icc(file)?,
        Format::Png => png_icc(file)?,
        Format::Webp => {
            let chunk = chunks(file, &WEBP).find(|chunk| chunk.kind == *b"ICCP")?;
            chunk.content.get(..ICC_MAX.min(chunk.content.len()))?.to_vec()
        }
        Format::Gif | Format::Avif => return None,
    };
    // A profile says its own length and has a signature.
    let whole = be32(&profile, 0)? as usize;
    let sound = profile.get(36..40) == Some(b"acsp") && whole <= profile.len();
    (sound && profile.len() <= ICC_MAX).then_some(profile)
}

/// Of up to 255 segments, each with its number and how many there are.
fn jpeg_icc(file: &[u8]) -> Option<Vec<u8>> {
    let mut parts: Vec<(u8, u8, &[u8])> = Vec::new();
    for segment in jpeg(file).filter(|segment| segment.marker == APP2) {
        if let Some([number, count, part @ ..]) = segment.content.strip_prefix(b"ICC_PROFILE\0") {
            parts.push((*number, *count, part));
        }
    }
    let count = parts.first()?.1;
    parts.sort_by_key(|(number, ..)| *number);
    parts.dedup_by_key(|(number, ..)| *number);
    let complete = parts.len() == usize::from(count)
        && parts.iter().zip(1..=count).all(|((number, all, _), at)| *number == at && *all == count);
    let length: usize = parts.iter().map(|(.., part)| part.len()).sum();
    (complete && length <= ICC_MAX)
        .then(|| parts.iter().flat_map(|(.., part)| *part).copied().collect())
}

/// A name, a zero, the method zero, and then packed.
fn png_icc(file: &[u8]) -> Option<Vec<u8>> {
    let content = chunks(file, &PNG).find(|chunk| chunk.kind == *b"iCCP")?.content;
    let name = content.iter().take(80).position(|&byte| byte == 0)?;
    let packed = content.get(name + 2..)?;
    miniz_oxide::inflate::decompress_to_vec_zlib_with_limit(packed, ICC_MAX).ok()
}

const APP1: u8 = 0xE1;
const APP2: u8 = 0xE2;
const SOS: u8 = 0xDA;

/// A segment of a JPEG: from its marker to its end, and what is in it.
#[derive(Clone, Copy)]
struct Segment<'a> {
    marker: u8,
    /// Where in the file its marker is.
    begin: usize,
    whole: &'a [u8],
    content: &'a [u8],
}

/// The segments before the first scan; that one's header is the last.
fn jpeg(file: &[u8]) -> impl Iterator<Item = Segment<'_>> {
    let mut rest = file.get(2..).unwrap_or_default();
    let mut ended = false;
    std::iter::from_fn(move || {
        if ended {
            return None;
        }
        // Fill bytes may stand before a marker.
        let filling = rest.iter().take_while(|&&byte| byte == 0xFF).count();
        let at = filling.checked_sub(1)?;
        let [_, marker, high, low, ..] = *rest.get(at..)? else { return None };
        let length = usize::from(u16::from_be_bytes([high, low]));
        let begin = file.len() - rest.len() + at;
        let whole = rest.get(at..at + 2 + length)?;
        let content = whole.get(4..)?;
        rest = rest.get(at + 2 + length..)?;
        ended = marker == SOS;
        Some(Segment { marker, begin, whole, content })
    })
}

/// How the chunks of a file stand one after the other.
struct Layout {
    /// Where the first one begins.
    begin: usize,
    /// Whether the length stands before the kind, most significant byte first; else behind it,
    /// least first.
    length_first: bool,
    /// What stands behind a chunk's content.
    tail: usize,
    /// Whether chunks begin at even places.
    even: bool,
}

const PNG: Layout = Layout { begin: 8, length_first: true, tail: 4, even: false };
const WEBP: Layout = Layout { begin: 12, length_first: false, tail: 0, even: true };

#[derive(Clone, Copy)]
struct Chunk<'a> {
    kind: [u8; 4],
    whole: &'a [u8],
    content: &'a [u8],
}

/// The chunks that are whole.
fn chunks<'a>(file: &'a [u8], layout: &'static Layout) -> impl Iterator<Item = Chunk<'a>> {
    let mut rest = file.get(layout.begin..).unwrap_or_default();
    std::iter::from_fn(move || {
        let (first, second) = (*rest.first_chunk::<4>()?, *rest.get(4..)?.first_chunk::<4>()?);
        let (kind, length) = if layout.length_first {
            (second, u32::from_be_bytes(first))
        } else {
            (first, u32::from_le_bytes(second))
        };
        let content = rest.get(8..)?.get(..length as usize)?;
        let padding = if layout.even { content.len() % 2 } else { 0 };
        // The last one may lack its padding.
        let end = (8 + content.len() + layout.tail + padding).min(rest.len());
        let (whole, behind) = rest.split_at(end);
        rest = behind;
        Some(Chunk { kind, whole, content })
    })
}

#[cfg(test)]
mod tests;
