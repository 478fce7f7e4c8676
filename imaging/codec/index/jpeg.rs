//! The segments of a JPEG (ITU-T T.81, annex B).

use super::segment::{Kind, Part, Segment};
use crate::codec::bytes::be16;

/// The position after SOI.
pub(super) const BEGIN: usize = 2;
/// The start of a segment, before its content: its marker and its length.
const HEADER: u8 = 4;

const SOI: u8 = 0xD8;
const EOI: u8 = 0xD9;
const SOS: u8 = 0xDA;

/// The segments up to the header of the first scan.
pub(super) fn head(file: &[u8]) -> Part {
    let mut part = Part::default();
    let mut last = None;
    for segment in headers(file) {
        part.push(segment);
        last = Some(segment);
    }
    match last {
        Some(scan) if scan.kind == Kind::Marker(SOS) => {
            part.pictures = 1;
            // The scan's header is listed even if the index is full, so that the tail can be found.
            if part.full {
                part.segments.pop();
                part.segments.push(scan);
            }
        }
        _ => {}
    }
    part
}

/// The segments after the header of a scan.
pub(super) fn tail(file: &[u8], scan: &Segment) -> Part {
    let mut part = Part::default();
    let mut walk = Walk { file, at: scan.end, in_scan: scan.kind == Kind::Marker(SOS), end: None };
    for segment in walk.by_ref() {
        part.pictures = part.pictures.saturating_add((segment.kind == Kind::Marker(SOS)).into());
        part.push(segment);
    }
    part.end = walk.end;
    part
}

/// The segments up to the header of the first scan, one after the other.
pub(crate) fn headers(file: &[u8]) -> impl Iterator<Item = Segment> {
    let mut walk = Walk { file, at: BEGIN, in_scan: false, end: None };
    std::iter::from_fn(move || if walk.in_scan { None } else { walk.next() })
}

/// Goes from marker to marker up to the end of the picture. Bytes between two segments are skipped,
/// as in decoders.
struct Walk<'a> {
    file: &'a [u8],
    at: usize,
    /// Whether the data of a scan begin at `at`.
    in_scan: bool,
    /// The position after EOI.
    end: Option<usize>,
}

impl Iterator for Walk<'_> {
    type Item = Segment;

    fn next(&mut self) -> Option<Segment> {
        if self.end.is_some() {
            return None;
        }
        if std::mem::take(&mut self.in_scan) {
            let begin = self.at;
            self.at = scan_end(self.file, begin);
            if self.at > begin {
                let (kind, end) = (Kind::Scan, self.at);
                return Some(Segment { kind, begin, end, header: 0, trailer: 0 });
            }
        }
        loop {
            match next_marker(self.file, &mut self.at)? {
                // Markers without a length: none of them belongs between segments.
                0x01 | 0xD0..=0xD7 => {}
                EOI => {
                    self.end = Some(self.at);
                    return None;
                }
                // Another picture begins, and this one has no end.
                SOI => {
                    self.at = self.file.len();
                    return None;
                }
                marker => {
                    let begin = self.at - 2;
                    let end = self.at + usize::from(be16(self.file, self.at)?);
                    if end < self.at + 2 || end > self.file.len() {
                        self.at = self.file.len();
                        return None;
                    }
                    self.at = end;
                    self.in_scan = marker == SOS;
                    let kind = Kind::Marker(marker);
                    return Some(Segment { kind, begin, end, header: HEADER, trailer: 0 });
                }
            }
        }
    }
}

/// The end of a scan's data: the next marker that is neither a restart nor reserved (0x01 to 0xBF).
/// After a reserved marker, decoders continue at the next restart.
fn scan_end(file: &[u8], begin: usize) -> usize {
    let data = &file[begin..];
    let ends = |&at: &usize| !matches!(data.get(at + 1), Some(..=0xBF | 0xD0..=0xD7 | 0xFF) | None);
    let prefix = memchr::memchr_iter(0xFF, data).find(ends);
    begin + prefix.unwrap_or(data.len())
}

/// The next marker from `at` on, after fill bytes and stray bytes between segments; `at` moves to
/// its end.
pub(crate) fn next_marker(file: &[u8], at: &mut usize) -> Option<u8> {
    loop {
        let rest = file.get(*at..)?;
        let prefix = memchr::memchr(0xFF, rest)?;
        let code = rest.get(prefix + 1..)?.iter().position(|&byte| byte != 0xFF)?;
        *at += prefix + 1 + code + 1;
        match rest[prefix + 1 + code] {
            0 => {}
            marker => return Some(marker),
        }
    }
}
