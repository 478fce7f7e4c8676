//! The one bitstream of a WebP file that is decoded, as a file of its own.
//!
//! A decoder believes the flags in a file's header: it fails where the header announces
//! transparency, metadata or an animation that the file does not have. So it is given a file
//! that has only the bitstream and its transparency.

use std::borrow::Cow;

use waterway::Error;

use super::chunks;
use super::index::webp::BEGIN;
use crate::image::scratch;

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
        let length = chunks::HEADERS + alpha.map_or(0, <[u8]>::len) + stream.len();
        let mut alone = scratch::reserved(length)?;
        chunks::begin(&mut alone);
        if let (Some(alpha), Some((width, height))) = (alpha, self.said) {
            chunks::put(&mut alone, *b"VP8X", &chunks::extended(chunks::ALPHA, (width, height)));
            chunks::put(&mut alone, *b"ALPH", alpha);
        }
        chunks::put(&mut alone, kind, stream);
        chunks::end(&mut alone);
        Ok(Some(Cow::Owned(alone)))
    }
}
