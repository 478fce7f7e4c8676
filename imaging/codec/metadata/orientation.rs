//! How to turn a picture upright: one entry of its EXIF block.

use image::metadata::Orientation;

use super::blocks::exif;
use crate::codec::index::Index;

/// How to turn the picture upright, from its EXIF block; not at all without a block, or without a
/// valid entry in it.
#[must_use]
pub fn orientation(index: &Index<'_>) -> Orientation {
    exif(index).and_then(of_block).unwrap_or(Orientation::NoTransforms)
}

/// `Orientation` of the first directory of a TIFF file (EXIF 3.0, 4.6.5.1.6; TIFF 6.0, section 2).
///
/// EXIF stores it as SHORT. Some writers store it as BYTE or LONG, and viewers obey these too.
fn of_block(tiff: &[u8]) -> Option<Orientation> {
    const TAG: u32 = 0x0112;
    const BYTE: u32 = 1;
    const SHORT: u32 = 3;
    const LONG: u32 = 4;
    const ENTRY: usize = 12;
    let big = match tiff.first_chunk()? {
        b"MM\0*" => true,
        b"II*\0" => false,
        _ => return None,
    };
    let number = |at: usize, length: usize| {
        let bytes = tiff.get(at..)?.get(..length)?;
        let add = |sum: u32, byte: &u8| sum << 8 | u32::from(*byte);
        Some(if big { bytes.iter().fold(0, add) } else { bytes.iter().rev().fold(0, add) })
    };
    let directory = number(4, 4)? as usize;
    let entries = number(directory, 2)? as usize;
    let mut places = (0..entries).map(|at| directory.saturating_add(2 + at * ENTRY));
    let entry = places.find(|&at| number(at, 2) == Some(TAG))?;
    let length = match number(entry + 2, 2)? {
        BYTE => 1,
        SHORT => 2,
        LONG => 4,
        _ => return None,
    };
    let is_single = number(entry + 4, 4)? == 1;
    let value = number(entry + 8, length).filter(|_| is_single)?;
    Orientation::from_exif(u8::try_from(value).ok()?)
}
