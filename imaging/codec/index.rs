//! The index of a file's segments: the markers of a JPEG, the chunks of a PNG or WebP, the blocks
//! of a GIF.
//!
//! It is made once for each file, from header to header, and holds only positions. The probe, the
//! orientation, the profile, the steps on metadata and `metadata::stripped` all use it.

mod gif;
pub(crate) mod jpeg;
pub(crate) mod png;
mod segment;
pub(crate) mod webp;

#[cfg(test)]
mod tests;

use std::ops::Range;
use std::sync::OnceLock;

use self::segment::Part;
pub use self::segment::SEGMENTS_MAX;
pub(crate) use self::segment::{Kind, Segment};
use crate::format::Format;

/// Where the segments of a file are.
#[derive(Debug)]
pub struct Index<'a> {
    file: &'a [u8],
    format: Format,
    /// The position of the first segment; every file of the format begins with the bytes before it.
    begin: usize,
    head: Part,
    /// The segments after the header of a JPEG's first scan. Finding them means reading all of the
    /// picture's data, which most pictures need only once.
    tail: OnceLock<Part>,
}

impl<'a> Index<'a> {
    /// The index of a file; `None` if its format is not supported.
    #[must_use]
    pub fn of(file: &'a [u8]) -> Option<Self> {
        let format = Format::of(file)?;
        let (begin, head) = match format {
            Format::Jpeg => (jpeg::BEGIN, jpeg::head(file)),
            Format::Png => (png::BEGIN, png::all(file)),
            Format::Webp => (webp::BEGIN, webp::all(file)),
            Format::Gif => gif::all(file),
            Format::Avif => return None,
        };
        Some(Self { file, format, begin, head, tail: OnceLock::new() })
    }

    /// The format of the file.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// The file itself.
    #[must_use]
    pub fn file(&self) -> &'a [u8] {
        self.file
    }

    /// The memory that it takes in addition to the value itself, in bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let listed = |part: &Part| part.segments.capacity() * size_of::<Segment>();
        (listed(&self.head) + self.tail.get().map_or(0, listed)) as u64
    }

    /// The position of each listed segment, in order.
    pub fn segments(&self) -> impl Iterator<Item = Range<usize>> {
        self.head().iter().chain(self.tail()).map(|segment| segment.begin..segment.end)
    }

    /// The bytes before the first segment.
    pub(crate) fn beginning(&self) -> &'a [u8] {
        &self.file[..self.begin.min(self.file.len())]
    }

    /// The segments; of a JPEG those up to the header of its first scan.
    pub(crate) fn head(&self) -> &[Segment] {
        &self.head.segments
    }

    /// The segments after the header of a JPEG's first scan, up to the picture's end.
    pub(crate) fn tail(&self) -> &[Segment] {
        &self.tail_part().segments
    }

    /// The content of each segment of this kind in the head.
    pub(crate) fn contents(&self, kind: Kind) -> impl Iterator<Item = &'a [u8]> {
        let found = self.head().iter().filter(move |segment| segment.kind == kind);
        found.map(|segment| self.content(segment))
    }

    /// The content of the first chunk with this name.
    pub(crate) fn chunk(&self, name: [u8; 4]) -> Option<&'a [u8]> {
        self.contents(Kind::Chunk(name)).next()
    }

    /// The content of a segment of this file.
    pub(crate) fn content(&self, segment: &Segment) -> &'a [u8] {
        &self.file[segment.content()]
    }

    /// A whole segment of this file: its header, its content and its trailer.
    pub(crate) fn whole(&self, segment: &Segment) -> &'a [u8] {
        &self.file[segment.begin..segment.end]
    }

    /// Whether the picture has an end.
    pub(crate) fn has_end(&self) -> bool {
        self.end().is_some()
    }

    /// The end of the picture: that of EOI, IEND or the trailer, or in WebP that of the last chunk,
    /// if every chunk is whole.
    pub(crate) fn end(&self) -> Option<usize> {
        match self.format {
            Format::Jpeg => self.tail_part().end,
            _ => self.head.end,
        }
    }

    /// The number of a JPEG's scans, or of a GIF's images.
    pub(crate) fn pictures(&self) -> u32 {
        self.head.pictures.saturating_add(self.tail_part().pictures)
    }

    /// Whether it lists every segment of the file.
    pub(crate) fn is_complete(&self) -> bool {
        !self.head.full && !self.tail_part().full
    }

    fn tail_part(&self) -> &Part {
        self.tail.get_or_init(|| match (self.format, self.head().last()) {
            (Format::Jpeg, Some(scan)) => jpeg::tail(self.file, scan),
            _ => Part::default(),
        })
    }
}
