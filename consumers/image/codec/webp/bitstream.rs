//! The one bitstream of a WebP file that is decoded, as a file of its own.
//!
//! A decoder believes the flags in a file's header: it fails where the header announces
//! transparency, metadata or an animation that the file does not have. So it is given a file
//! that has only the bitstream and its transparency.

use std::borrow::Cow;

use waterway::Error;

use super::index::webp::BEGIN;
use crate::image::scratch;

/// `VP8X`: the flag for transparency (RFC 9649, section 2.7.1).
pub(super) const ALPHA: u8 = 0x10;
/// How many bytes the chunks of a file have beside their contents, at most.
const HEADERS: usize = 64;

/// The file's own picture, or the first frame of an animation.
#[derive(Default)]
pub(super) struct Bitstream<'a> {
    /// Where it stands on the canvas.
    pub(super) left: u32,
    pub(super) top: u32,
    /// The size that the file says it has, beside its own header.
    pub(super) said: Option<(u32, u32)>,
    /// Its chunk's kind and content.
    pub(super) stream: Option<([u8; 4], &'a [u8])>,
    /// Transparency beside a lossy bitstream.
    pub(super) alpha: Option<&'a [u8]>,
}

impl<'a> Bitstream<'a> {
    /// A file of it alone: `file` itself, which it is from, where nothing stands before it.
    ///
    /// # Errors
    /// `refused` when the system has no memory for it.
    pub(super) fn alone(&self, file: &'a [u8]) -> Result<Option<Cow<'a, [u8]>>, Error> {
        let Some((kind, stream)) = self.stream else { return Ok(None) };
        if file.get(BEGIN..BEGIN + kind.len()) == Some(&kind[..]) {
            return Ok(Some(Cow::Borrowed(file)));
        }
        let alpha = self.alpha.filter(|_| kind == *b"VP8 ");
        let length = HEADERS + alpha.map_or(0, <[u8]>::len) + stream.len();
        let mut alone = scratch::reserved(length)?;
        alone.extend(b"RIFF\0\0\0\0WEBP");
        if let (Some(alpha), Some((width, height))) = (alpha, self.said) {
            // Less one, in 24 bits each.
            let side = |side: u32| (side - 1).to_le_bytes();
            let header = [&[ALPHA, 0, 0, 0], &side(width)[..3], &side(height)[..3]].concat();
            put(&mut alone, *b"VP8X", &header);
            put(&mut alone, *b"ALPH", alpha);
        }
        put(&mut alone, kind, stream);
        let riff = u32::try_from(alone.len() - 8).unwrap_or(u32::MAX);
        alone[4..8].copy_from_slice(&riff.to_le_bytes());
        Ok(Some(Cow::Owned(alone)))
    }
}

/// Puts a chunk behind others. Chunks begin at even places.
fn put(file: &mut Vec<u8>, kind: [u8; 4], content: &[u8]) {
    file.extend(kind);
    file.extend(u32::try_from(content.len()).unwrap_or(u32::MAX).to_le_bytes());
    file.extend(content);
    file.extend(&[0][..content.len() % 2]);
}
