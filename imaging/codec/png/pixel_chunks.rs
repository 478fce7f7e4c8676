//! A PNG file as its decoder reads it: only the chunks that make its pixels.
//!
//! So no other chunk can break the picture, whatever its content and position, or take memory by
//! decompressing. Chunks of an animation are left out as well, so that the default image is read.

use std::io::{BufRead, Error, ErrorKind, Read, Result, Seek, SeekFrom};

use crate::codec::bytes::be32;
use crate::codec::index;

/// The length and the kind before a chunk's content.
const HEAD: usize = 8;
/// The checksum after it.
const TAIL: usize = 4;
/// The position of the colour type in the header, and the type with a palette.
const COLOUR_TYPE: usize = 25;
const INDEXED: u8 = 3;

/// Reads a file without copying it.
pub(super) struct PixelChunks<'a> {
    /// The unread part of the current chunk.
    unread: &'a [u8],
    /// The bytes after that chunk.
    rest: &'a [u8],
    is_indexed: bool,
    /// Whether the first chunk of pixels was read.
    has_begun: bool,
}

impl<'a> PixelChunks<'a> {
    /// From a file with a signature.
    pub(super) fn new(file: &'a [u8]) -> Self {
        let (unread, rest) = file.split_at(index::png::BEGIN.min(file.len()));
        Self { unread, rest, is_indexed: file.get(COLOUR_TYPE) == Some(&INDEXED), has_begun: false }
    }

    /// Whether pixels depend on chunks of this kind. An unknown critical chunk counts too, because
    /// the decoder must refuse the file.
    fn makes_pixels(&self, kind: &[u8]) -> bool {
        match kind {
            b"tRNS" => !self.has_begun,
            b"PLTE" => self.is_indexed && !self.has_begun,
            _ => kind.first().is_some_and(u8::is_ascii_uppercase),
        }
    }
}

impl BufRead for PixelChunks<'_> {
    fn fill_buf(&mut self) -> Result<&[u8]> {
        while self.unread.is_empty() && !self.rest.is_empty() {
            let length = be32(self.rest, 0).unwrap_or_default() as usize;
            let end = length.saturating_add(HEAD + TAIL).min(self.rest.len());
            let (chunk, rest) = self.rest.split_at(end);
            let kind = chunk.get(4..HEAD).unwrap_or_default();
            self.rest = if kind == b"IEND" { &[] } else { rest };
            if self.makes_pixels(kind) {
                self.unread = chunk;
                self.has_begun |= kind == b"IDAT";
            }
        }
        Ok(self.unread)
    }

    fn consume(&mut self, amount: usize) {
        self.unread = self.unread.get(amount..).unwrap_or_default();
    }
}

impl Read for PixelChunks<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let read = self.fill_buf()?.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}

/// The decoder requires this trait, and never seeks.
impl Seek for PixelChunks<'_> {
    fn seek(&mut self, _: SeekFrom) -> Result<u64> {
        Err(Error::from(ErrorKind::Unsupported))
    }
}
