//! A PNG file as its decoder reads it: only the chunks that make its pixels.
//!
//! No other chunk can then break the picture, whatever is in it and wherever it stands, nor take
//! memory by what it unpacks to. Chunks of an animation are left out as well, so that the default
//! image is read.

use std::io::{BufRead, Error, ErrorKind, Read, Result, Seek, SeekFrom};

use crate::image::codec::bytes::be32;
use crate::image::codec::index;

/// The length and the kind before a chunk's content.
const HEAD: usize = 8;
/// The checksum behind it.
const TAIL: usize = 4;
/// Where the header says of what kind the pixels are, and the kind that has a palette.
const COLOUR_TYPE: usize = 25;
const INDEXED: u8 = 3;

/// Reads a file without copying it.
pub(super) struct PixelChunks<'a> {
    /// What of the current chunk is not read yet.
    unread: &'a [u8],
    /// What follows that chunk.
    rest: &'a [u8],
    is_indexed: bool,
    /// Whether the first chunk of pixels was read.
    has_begun: bool,
}

impl<'a> PixelChunks<'a> {
    /// Of a file with a signature.
    pub(super) fn new(file: &'a [u8]) -> Self {
        let (unread, rest) = file.split_at(index::png::BEGIN.min(file.len()));
        Self { unread, rest, is_indexed: file.get(COLOUR_TYPE) == Some(&INDEXED), has_begun: false }
    }

    /// Whether pixels depend on chunks of this kind. An unknown critical chunk counts, because the
    /// decoder has to refuse the file.
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

/// The decoder asks for this trait, and never seeks.
impl Seek for PixelChunks<'_> {
    fn seek(&mut self, _: SeekFrom) -> Result<u64> {
        Err(Error::from(ErrorKind::Unsupported))
    }
}
