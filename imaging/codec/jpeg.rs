//! JPEG files: their headers, and the choice of their decoder.

use std::ops::Range;

use super::begin::begin;
use super::bytes::be16;
use super::index::Index;
use super::metadata::ICC_MAX;
use super::segments::{is_profile, marker};
use super::{baseline, general, unsupported};
use crate::buffers::Buffers;
use crate::codec::fault::damaged;
use crate::codec::options::DecodeOptions;
use crate::error::Error;
use crate::format::Format;
use crate::picture::Picture;
use crate::probe::Probe;

const EOI: u8 = 0xD9;
const SOS: u8 = 0xDA;

/// The contents of the segments before the first scan.
struct Segments {
    frame: Option<Frame>,
    /// The length of all parts of a profile together.
    profile: usize,
    /// The number of components in the first scan.
    components: u8,
    /// The position of the first scan's data.
    scan: usize,
}

/// The contents of a frame header.
#[derive(Clone, Copy)]
struct Frame {
    marker: u8,
    /// Bits a sample.
    precision: u8,
    size: (u32, u32),
    progressive: bool,
    components: u8,
    /// The samples of a pixel, on average, in hundredths.
    samples: u32,
    /// The samples of whole blocks and units, which may be many times those of the picture.
    padded: u64,
    /// Whether its components can be used as planes: at most two by two pixels share a sample of
    /// colour.
    planar: bool,
}

pub(super) fn probe(index: &Index<'_>) -> Result<Probe, Error> {
    let file = index.file();
    let segments = segments(file, index.head().iter().filter_map(marker))
        .ok_or_else(|| damaged(Format::Jpeg, "it ends or breaks off before its first scan"))?;
    let frame = segments.frame.ok_or_else(|| damaged(Format::Jpeg, "it has no frame header"))?;
    check_kind(&frame)?;
    // The picture's end is searched for only if it is not the end of the file. Within a scan's data
    // the two bytes of its marker cannot occur.
    let data = file.get(segments.scan..).unwrap_or_default();
    let truncated = !data.ends_with(&[0xFF, EOI]) && !index.has_end();
    let mut probe = begin(index, frame.size, truncated)?;
    probe.channels = if frame.components == 1 { 1 } else { 3 };
    probe.cmyk = frame.components == 4;
    // A picture can only be decoded while it is read if one scan contains all of it.
    if frame.progressive || segments.components < frame.components {
        // Two bytes for each sample.
        probe.held = frame.padded * 2;
        probe.scans = index.pictures();
    }
    probe.planes = frame.samples;
    let seen = probe.pixels() * u64::from(frame.samples) / 100;
    probe.held += frame.padded.saturating_sub(seen);
    if !frame.planar {
        // Decoders turn such a picture into pixels, even if planes are requested.
        probe.held += probe.pixels() * 3;
    }
    // The data of a scan without stuffed bytes.
    let scan = file.len() - segments.scan;
    // A decoder keeps the parts of a profile and joins them twice. If the profile is too long, the
    // decoder gets a copy of the rest of the file.
    let beside = match segments.profile {
        short @ ..=ICC_MAX => 3 * short,
        long => file.len() - long,
    };
    probe.held += (scan + beside) as u64;
    if probe.cmyk && segments.profile > 0 {
        probe.held += general::cmyk::HELD;
    }
    Ok(probe)
}

/// Kinds of JPEG that neither build decodes (ITU-T T.81, annexes H and J, B.2.5).
/// [`general::decode`] refuses arithmetic coding, because libjpeg-turbo decodes it.
///
/// # Errors
/// `ErrorKind::BadPicture` for these kinds.
fn check_kind(frame: &Frame) -> Result<(), Error> {
    if matches!(frame.marker, 0xC5..=0xC7 | 0xCD..=0xCF) {
        return Err(unsupported::kind("hierarchical JPEG"));
    }
    if matches!(frame.marker, 0xC3 | 0xCB) {
        return Err(unsupported::kind("lossless JPEG"));
    }
    if frame.precision != 8 {
        return Err(unsupported::kind(&format!("{}-bit JPEG", frame.precision)));
    }
    if frame.size.1 == 0 {
        return Err(unsupported::kind("JPEG with its height behind the picture (DNL)"));
    }
    Ok(())
}

/// Brightness alone costs less than all of a picture, and planes less than pixels.
pub(super) fn decode(
    file: &[u8],
    probe: &Probe,
    options: DecodeOptions,
    buffers: &mut Buffers,
) -> Result<Picture, Error> {
    match baseline::decode(file, probe, DecodeOptions { planes: true, ..options }, buffers) {
        Some(Picture::Planes(all)) if !options.planes => {
            let rgb = general::rgb_of_planes(&all, buffers)?;
            Picture::Planes(all).recycle(buffers);
            Ok(Picture::Pixels(rgb.into()))
        }
        Some(picture) => Ok(picture),
        None => general::decode(file, probe, options, buffers),
    }
}

/// The contents of the segments up to the first scan, if there is a scan.
fn segments(
    file: &[u8],
    headers: impl IntoIterator<Item = (u8, Range<usize>)>,
) -> Option<Segments> {
    let mut found = Segments { frame: None, profile: 0, components: 0, scan: 0 };
    for (marker, content) in headers {
        let end = content.end;
        let content = &file[content];
        match marker {
            SOS => {
                found.components = *content.first()?;
                found.scan = end;
                return Some(found);
            }
            _ if is_profile(marker, content) => found.profile += content.len(),
            _ if is_frame_header(marker) && found.frame.is_none() => {
                found.frame = Some(frame(marker, content)?);
            }
            _ => {}
        }
    }
    None
}

/// Precision, height, width, then for each component its name, its sampling factors and its table.
fn frame(marker: u8, content: &[u8]) -> Option<Frame> {
    const PROGRESSIVE: [u8; 4] = [0xC2, 0xC6, 0xCA, 0xCE];
    // The decoder refuses values that the standard does not define.
    const COMPONENTS_MAX: usize = 4;
    let factor = |bits: u8| u16::from(bits).clamp(1, 4);
    let (mut across, mut down, mut area, mut components) = (1, 1, 0, 0);
    let first = u16::from(*content.get(7)?);
    for component in content.get(6..)?.chunks_exact(3).take(COMPONENTS_MAX) {
        let (h, v) = (factor(component[1] >> 4), factor(component[1] & 15));
        (across, down) = (h.max(across), v.max(down));
        area += h * v;
        components += 1;
    }
    let padded = |side: u16, factor: u16| u64::from(side).next_multiple_of(8 * u64::from(factor));
    let (width, height) = (be16(content, 3)?, be16(content, 1)?);
    Some(Frame {
        marker,
        precision: *content.first()?,
        size: (width.into(), height.into()),
        progressive: PROGRESSIVE.contains(&marker),
        components,
        samples: u32::from(area) * 100 / u32::from(across * down),
        padded: padded(width, across) * padded(height, down) * u64::from(area)
            / u64::from(across * down),
        planar: components == 1
            || across <= 2
                && down <= 2
                && across * down + 2 == area
                && first == (across << 4 | down),
    })
}

/// SOF0 to SOF15; three codes among them are not frame headers but define tables and extensions.
fn is_frame_header(marker: u8) -> bool {
    matches!(marker, 0xC0..=0xCF) && !matches!(marker, 0xC4 | 0xC8 | 0xCC)
}
