//! The EXIF and ICC blocks of a file.

use crate::codec::bytes::be32;
use crate::codec::index::{Index, Kind};
use crate::format::Format;

/// The largest ICC profile that is used, in bytes. Profiles of printers have half of that.
pub(crate) const ICC_MAX: usize = 1 << 20;

pub(super) const APP1: u8 = 0xE1;
pub(super) const APP2: u8 = 0xE2;
const EXIF_HEADER: &[u8] = b"Exif\0\0";
pub(super) const ICC_HEADER: &[u8] = b"ICC_PROFILE\0";

/// The EXIF block of the picture's file, which is itself a TIFF file.
#[must_use]
pub fn exif<'a>(index: &Index<'a>) -> Option<&'a [u8]> {
    let chunk = match index.format() {
        Format::Jpeg => {
            let mut segments = index.contents(Kind::Marker(APP1));
            return segments.find_map(|content| content.strip_prefix(EXIF_HEADER));
        }
        Format::Png => index.chunk(*b"eXIf")?,
        Format::Webp => index.chunk(*b"EXIF")?,
        Format::Gif | Format::Avif => return None,
    };
    // Some writers put the header of a JPEG's segment before the block.
    Some(chunk.strip_prefix(EXIF_HEADER).unwrap_or(chunk))
}

/// The ICC profile, assembled from its parts or unpacked.
#[must_use]
pub fn icc(index: &Index<'_>) -> Option<Vec<u8>> {
    let profile = match index.format() {
        Format::Jpeg => jpeg_icc(index)?,
        Format::Png => png_icc(index)?,
        Format::Webp => {
            let chunk = index.chunk(*b"ICCP")?;
            chunk.get(..ICC_MAX.min(chunk.len()))?.to_vec()
        }
        Format::Gif | Format::Avif => return None,
    };
    // A profile says its own length and has a signature.
    let whole = be32(&profile, 0)? as usize;
    let sound = profile.get(36..40) == Some(b"acsp") && whole <= profile.len();
    (sound && profile.len() <= ICC_MAX).then_some(profile)
}

/// From up to 255 segments, each with its number and the number of all. `None` if a part is missing
/// or repeated, as in libjpeg.
fn jpeg_icc(index: &Index<'_>) -> Option<Vec<u8>> {
    let mut parts: Vec<(u8, u8, &[u8])> = Vec::new();
    for content in index.contents(Kind::Marker(APP2)) {
        if let Some([number, count, part @ ..]) = content.strip_prefix(ICC_HEADER) {
            parts.push((*number, *count, part));
        }
    }
    let count = parts.first()?.1;
    parts.sort_by_key(|(number, ..)| *number);
    let complete = parts.len() == usize::from(count)
        && parts.iter().zip(1..=count).all(|((number, all, _), at)| *number == at && *all == count);
    let length: usize = parts.iter().map(|(.., part)| part.len()).sum();
    (complete && length <= ICC_MAX)
        .then(|| parts.iter().flat_map(|(.., part)| *part).copied().collect())
}

/// From a chunk with a name, a zero byte, the method 0, and the packed profile.
fn png_icc(index: &Index<'_>) -> Option<Vec<u8>> {
    let content = index.chunk(*b"iCCP")?;
    let name = content.iter().take(80).position(|&byte| byte == 0)?;
    let packed = content.get(name + 2..)?;
    miniz_oxide::inflate::decompress_to_vec_zlib_with_limit(packed, ICC_MAX).ok()
}
