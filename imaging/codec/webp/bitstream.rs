//! The one bitstream of a WebP file that is decoded, as a file of its own.
//!
//! A decoder trusts the flags in a file's header: it fails if the header announces transparency,
//! metadata or an animation that the file lacks. So it gets a file with only the bitstream and its
//! transparency.

use std::borrow::Cow;

use super::chunks;
use crate::codec::index::webp::BEGIN;
use crate::error::Error;
use crate::memory;

/// The file's own picture, or the first frame of an animation.
#[derive(Default)]
pub(super) struct Bitstream<'a> {
    /// Its position on the canvas.
    pub(super) left: u32,
    pub(super) top: u32,
    /// The size from the file's headers, apart from the bitstream's own header.
    pub(super) said: Option<(u32, u32)>,
    /// Its chunk's kind and content.
    pub(super) stream: Option<([u8; 4], &'a [u8])>,
    /// Transparency that belongs to a lossy bitstream.
    pub(super) alpha: Option<&'a [u8]>,
}

impl<'a> Bitstream<'a> {
    /// A file with only this bitstream: `file` itself, from which it is, if nothing else is before
    /// it.
    ///
    /// # Errors
    /// `ErrorKind::NoMemory` if the system refuses the memory for it.
    pub(super) fn alone(&self, file: &'a [u8]) -> Result<Option<Cow<'a, [u8]>>, Error> {
        let Some((kind, stream)) = self.stream else { return Ok(None) };
        if file.get(BEGIN..BEGIN + kind.len()) == Some(&kind[..]) {
            return Ok(Some(Cow::Borrowed(file)));
        }
        let alpha = self.alpha.filter(|_| kind == *b"VP8 ");
        let length = chunks::HEADERS + alpha.map_or(0, <[u8]>::len) + stream.len();
        let mut alone = memory::reserved(length)?;
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
