//! Reads numbers at positions of a file that may be too short for them.

use crate::buffers::Buffers;
use crate::error::Error;

/// Big-endian, 16 bits.
pub(super) fn be16(file: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(*file.get(at..)?.first_chunk()?))
}

/// Big-endian, 32 bits.
pub(super) fn be32(file: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(*file.get(at..)?.first_chunk()?))
}

/// Little-endian, 16 bits.
pub(super) fn le16(file: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*file.get(at..)?.first_chunk()?))
}

/// Little-endian, 24 bits.
pub(super) fn le24(file: &[u8], at: usize) -> Option<u32> {
    let [a, b, c] = *file.get(at..)?.first_chunk()?;
    Some(u32::from_le_bytes([a, b, c, 0]))
}

/// Little-endian, 32 bits.
pub(super) fn le32(file: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*file.get(at..)?.first_chunk()?))
}

/// The sample in place of missing data.
pub(super) const GREY: u8 = 128;

/// The bytes of an opaque grey picture.
///
/// # Errors
/// [`NoMemory`](crate::ErrorKind::NoMemory) if the system refuses the memory.
pub(super) fn grey(
    pixels: usize,
    channels: usize,
    buffers: &mut Buffers,
) -> Result<Vec<u8>, Error> {
    let mut bytes = buffers.filled(pixels * channels, GREY)?;
    if channels.is_multiple_of(2) {
        bytes.iter_mut().skip(channels - 1).step_by(channels).for_each(|alpha| *alpha = u8::MAX);
    }
    Ok(bytes)
}
