//! A segment of a file, and a row of segments.

use std::ops::Range;

/// The most segments that an index lists: for a JPEG before its first scan, and the same number
/// after it; for the other formats in all. A PNG of 128 MiB in chunks of 8 KiB has this number.
/// Further segments are counted but not listed, and such a file is never passed on as it is.
pub const SEGMENTS_MAX: usize = 16_384;

/// A marker with its content, a chunk, a block, or the data of a JPEG's scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) kind: Kind,
    pub(super) begin: usize,
    pub(super) end: usize,
    /// The number of bytes before its content: its name and its length.
    pub(super) header: u8,
    /// The number of bytes after its content: a checksum or padding.
    pub(super) trailer: u8,
}

/// The kind of a segment, by the name in its header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A marker of a JPEG: the byte after 0xFF.
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

/// Segments that follow one another, up to the end of the picture or to the first unreadable byte.
#[derive(Debug, Default)]
pub(super) struct Part {
    pub(super) segments: Vec<Segment>,
    /// The position after the last byte of the picture.
    pub(super) end: Option<usize>,
    /// The scans of a JPEG, the images of a GIF.
    pub(super) pictures: u32,
    /// Whether there are more segments than it lists.
    pub(super) full: bool,
}

impl Segment {
    /// Where in the file its content is.
    pub(crate) fn content(&self) -> Range<usize> {
        self.begin + usize::from(self.header)..self.end - usize::from(self.trailer)
    }
}

impl Part {
    pub(super) fn push(&mut self, segment: Segment) {
        if self.segments.len() < SEGMENTS_MAX {
            self.segments.push(segment);
        } else {
            self.full = true;
        }
    }
}
