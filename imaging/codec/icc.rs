//! Puts ICC profiles into JPEG files, and takes them out (ICC.1:2022, B.4).

use std::borrow::Cow;

use super::metadata::ICC_MAX;
use super::segments::{headers, is_profile};
use crate::error::Error;
use crate::memory;

/// The start of each part, before its number from 1 on and the number of parts.
const NAME: &[u8] = b"ICC_PROFILE\0";
/// A segment's length counts itself and fits into 16 bits.
const PART_MAX: usize = 0xFFFF - 2 - NAME.len() - 2;
const SOI: usize = 2;

/// The file with the profile in it, in parts; unchanged if the profile is absent or has too many
/// parts.
///
/// # Errors
/// `ErrorKind::NoMemory` if the system refuses the memory for it.
pub(super) fn into_jpeg(file: Vec<u8>, profile: Option<&[u8]>) -> Result<Vec<u8>, Error> {
    let Some(profile) = profile.filter(|profile| !profile.is_empty()) else { return Ok(file) };
    let parts = profile.chunks(PART_MAX);
    let Ok(count) = u8::try_from(parts.len()) else { return Ok(file) };
    let at = SOI + jfif(&file);
    let mut with = memory::reserved(file.len() + profile.len() + parts.len() * 18)?;
    with.extend_from_slice(&file[..at]);
    for (number, part) in (1..=count).zip(parts) {
        // At most 0xFFFF by PART_MAX.
        let length = u16::try_from(2 + NAME.len() + 2 + part.len()).unwrap_or(u16::MAX);
        with.extend_from_slice(&[0xFF, 0xE2]);
        with.extend_from_slice(&length.to_be_bytes());
        with.extend_from_slice(NAME);
        with.extend_from_slice(&[number, count]);
        with.extend_from_slice(part);
    }
    with.extend_from_slice(&file[at..]);
    Ok(with)
}

/// The file without its profile if that is longer than the limit, because libjpeg-turbo would keep
/// it.
///
/// # Errors
/// `ErrorKind::NoMemory` if the system refuses the memory for it.
pub(super) fn without_long_profile(file: &[u8]) -> Result<Cow<'_, [u8]>, Error> {
    let parts =
        || headers(file).filter(|(marker, content)| is_profile(*marker, &file[content.clone()]));
    if parts().map(|(_, content)| content.len()).sum::<usize>() <= ICC_MAX {
        return Ok(Cow::Borrowed(file));
    }
    let mut without = memory::reserved(file.len())?;
    let mut at = 0;
    for (_, content) in parts() {
        // Its marker and its length are before it.
        without.extend_from_slice(&file[at..content.start - 4]);
        at = content.end;
    }
    without.extend_from_slice(&file[at..]);
    Ok(Cow::Owned(without))
}

/// The length of the JFIF segment, which must be the first.
fn jfif(file: &[u8]) -> usize {
    match file.get(SOI..SOI + 4) {
        Some(&[0xFF, 0xE0, high, low]) => {
            let length = 2 + usize::from(u16::from_be_bytes([high, low]));
            if SOI + length <= file.len() { length } else { 0 }
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_stands_behind_the_first_segment_in_parts_that_fit() {
        let into_jpeg = |file: Vec<u8>, profile: Option<&[u8]>| into_jpeg(file, profile).unwrap();
        let file = [&[0xFF, 0xD8, 0xFF, 0xE0, 0, 4, b'J', b'F'][..], &[0xFF, 0xD9]].concat();
        assert_eq!(into_jpeg(file.clone(), None), file);
        let with = into_jpeg(file.clone(), Some(&[7; 3]));
        let expected: &[u8] = b"\xFF\xE2\0\x13ICC_PROFILE\0\x01\x01\x07\x07\x07";
        assert_eq!(with, [&file[..8], expected, &file[8..]].concat());
        let long = into_jpeg(file.clone(), Some(&vec![7; PART_MAX + 1]));
        assert_eq!(long.len(), file.len() + 2 * 18 + PART_MAX + 1);
        assert_eq!(into_jpeg(file.clone(), Some(&vec![7; 256 * PART_MAX])), file);
    }
}
