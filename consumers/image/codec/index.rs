//! The index of a file's segments: the markers of a JPEG, the chunks of a PNG or WebP, the blocks
//! of a GIF.
//!
//! It is made once for each file, from header to header, and holds places alone. The probe, the
//! orientation, the profile, the steps on metadata and `metadata::stripped` all look here.

mod gif;
pub(super) mod jpeg;
pub(super) mod png;
pub(super) mod webp;

#[cfg(test)]
mod tests;

use std::ops::Range;
use std::sync::OnceLock;

use super::Format;

/// The most segments that an index holds before the first scan of a JPEG, and again behind it; of
/// the other formats, in all. A PNG of 128 MiB in chunks of 8 KiB has as many. Those beyond are
/// counted but not listed, and such a file is never passed on as it is.
pub const SEGMENTS_MAX: usize = 16_384;

/// Where the segments of a file are.
#[derive(Debug)]
pub struct Index<'a> {
    file: &'a [u8],
    format: Format,
    /// Where the first segment may begin; what stands before it belongs to every file.
    begin: usize,
    head: Part,
    /// What stands behind the header of a JPEG's first scan. Finding it means reading all of the
    /// picture's data, which most pictures need not have read twice.
    tail: OnceLock<Part>,
}

/// A marker with its content, a chunk, a block, or the data of a JPEG's scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) kind: Kind,
    begin: usize,
    end: usize,
    /// How many bytes stand before its content: its name and its length.
    header: u8,
    /// How many bytes stand behind its content: a sum or padding.
    trailer: u8,
}

/// What a segment calls itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A marker of a JPEG: the byte behind 0xFF.
    Marker(u8),
    /// The data of a JPEG's scan, with its restart markers.
    Scan,
    /// A chunk of a PNG or WebP.
    Chunk([u8; 4]),
    /// An extension of a GIF, by its label.
    Extension(u8),
    /// An image of a GIF: its descriptor, its colours and its data.
    Image,
}

/// Segments that follow one another, up to the end of the picture or of what can be read.
#[derive(Debug, Default)]
struct Part {
    segments: Vec<Segment>,
    /// Behind the last byte of the picture.
    end: Option<usize>,
    /// The scans of a JPEG, the images of a GIF.
    pictures: u32,
    /// Whether there are more segments than it lists.
    full: bool,
}

impl<'a> Index<'a> {
    /// The index of a file; nothing when it is of no format that is read.
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

    /// Where each listed segment is in the file, in order.
    pub fn segments(&self) -> impl Iterator<Item = Range<usize>> {
        self.head().iter().chain(self.tail()).map(|segment| segment.begin..segment.end)
    }

    /// What stands before the first segment.
    pub(super) fn beginning(&self) -> &'a [u8] {
        &self.file[..self.begin.min(self.file.len())]
    }

    /// The segments, of a JPEG up to the header of its first scan.
    pub(super) fn head(&self) -> &[Segment] {
        &self.head.segments
    }

    /// The segments behind the header of a JPEG's first scan, up to the picture's end.
    pub(super) fn tail(&self) -> &[Segment] {
        &self.tail_part().segments
    }

    /// The content of each segment of this kind in the head.
    pub(super) fn contents(&self, kind: Kind) -> impl Iterator<Item = &'a [u8]> {
        let found = self.head().iter().filter(move |segment| segment.kind == kind);
        found.map(|segment| self.content(segment))
    }

    /// The content of the first chunk with this name.
    pub(super) fn chunk(&self, name: [u8; 4]) -> Option<&'a [u8]> {
        self.contents(Kind::Chunk(name)).next()
    }

    /// What is in a segment of this file.
    pub(super) fn content(&self, segment: &Segment) -> &'a [u8] {
        &self.file[segment.content()]
    }

    /// A segment of this file with its name, its length and what stands behind its content.
    pub(super) fn whole(&self, segment: &Segment) -> &'a [u8] {
        &self.file[segment.begin..segment.end]
    }

    /// Whether the picture has its end.
    pub(super) fn has_end(&self) -> bool {
        self.end().is_some()
    }

    /// Where the picture ends: behind EOI, IEND or the trailer, or with WebP behind the last chunk,
    /// if each one is whole.
    pub(super) fn end(&self) -> Option<usize> {
        match self.format {
            Format::Jpeg => self.tail_part().end,
            _ => self.head.end,
        }
    }

    /// How many scans a JPEG has, or how many images a GIF.
    pub(super) fn pictures(&self) -> u32 {
        self.head.pictures.saturating_add(self.tail_part().pictures)
    }

    /// Whether it lists every segment of the file.
    pub(super) fn is_complete(&self) -> bool {
        !self.head.full && !self.tail_part().full
    }

    fn tail_part(&self) -> &Part {
        self.tail.get_or_init(|| match (self.format, self.head().last()) {
            (Format::Jpeg, Some(scan)) => jpeg::tail(self.file, scan),
            _ => Part::default(),
        })
    }
}

impl Segment {
    /// Where in the file its content is.
    pub(super) fn content(&self) -> Range<usize> {
        self.begin + usize::from(self.header)..self.end - usize::from(self.trailer)
    }
}

impl Part {
    fn push(&mut self, segment: Segment) {
        if self.segments.len() < SEGMENTS_MAX {
            self.segments.push(segment);
        } else {
            self.full = true;
        }
    }
}
