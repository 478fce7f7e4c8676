//! Builds a WebP file from chunks (RFC 9649, section 2).

/// `VP8X`: the flag for transparency (section 2.7.1).
pub(super) const ALPHA: u8 = 0x10;
/// `VP8X`: the flag for an ICC profile.
#[cfg(feature = "turbo")]
pub(super) const ICC: u8 = 0x20;
/// The most bytes that a file has in addition to the contents of four chunks.
pub(super) const HEADERS: usize = 64;

/// Begins a file.
pub(super) fn begin(file: &mut Vec<u8>) {
    file.extend(b"RIFF\0\0\0\0WEBP");
}

/// Appends a chunk. Chunks begin at even positions.
pub(super) fn put(file: &mut Vec<u8>, kind: [u8; 4], content: &[u8]) {
    file.extend(kind);
    file.extend(u32::try_from(content.len()).unwrap_or(u32::MAX).to_le_bytes());
    file.extend(content);
    file.extend(&[0][..content.len() % 2]);
}

/// The content of `VP8X`, for a canvas of at least one pixel.
pub(super) fn extended(flags: u8, (width, height): (u32, u32)) -> Vec<u8> {
    // Both minus 1, in 24 bits each.
    let side = |side: u32| (side - 1).to_le_bytes();
    [&[flags, 0, 0, 0], &side(width)[..3], &side(height)[..3]].concat()
}

/// Writes the file's length at its beginning.
pub(super) fn end(file: &mut [u8]) {
    let length = u32::try_from(file.len() - 8).unwrap_or(u32::MAX);
    file[4..8].copy_from_slice(&length.to_le_bytes());
}
