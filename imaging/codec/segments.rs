//! The segments of a JPEG up to the header of its first scan.

use std::ops::Range;

use super::index::{self, Kind, Segment};

const APP2: u8 = 0xE2;

/// The segments up to the header of the first scan: each one's marker, and where its content is,
/// before which its length stands.
pub(super) fn headers(file: &[u8]) -> impl Iterator<Item = (u8, Range<usize>)> {
    index::jpeg::headers(file).filter_map(|segment| marker(&segment))
}

/// The marker of a segment, and where its content is.
pub(super) fn marker(segment: &Segment) -> Option<(u8, Range<usize>)> {
    match segment.kind {
        Kind::Marker(marker) => Some((marker, segment.content())),
        _ => None,
    }
}

pub(super) fn is_profile(marker: u8, content: &[u8]) -> bool {
    marker == APP2 && content.starts_with(b"ICC_PROFILE\0")
}
