//! JPEG files: what their headers say, and which decoder takes them.

use std::ops::Range;

use waterway::Error;

use super::bytes::be16;
use super::index::{self, Index, Kind, Segment};
use super::metadata::ICC_MAX;
use super::{Format, Picture, Probe, Wanted, baseline, damaged, general, unsupported};

const EOI: u8 = 0xD9;
const SOS: u8 = 0xDA;
const APP2: u8 = 0xE2;

/// What the segments before the first scan say.
struct Segments {
    frame: Option<Frame>,
    /// How long the parts of a profile are together.
    profile: usize,
    /// How many components the first scan has.
    components: u8,
    /// Where the first scan's own data begins.
    scan: usize,
}

/// What a frame header says.
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
    /// The samples of whole blocks and units, which may be many times the picture's.
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
    // Only a file that does not end with it is searched for the picture's end: within a scan's data
    // the two bytes cannot stand side by side.
    let data = file.get(segments.scan..).unwrap_or_default();
    let truncated = !data.ends_with(&[0xFF, EOI]) && !index.has_end();
    let mut probe = Probe::new(index, frame.size, truncated)?;
    probe.channels = if frame.components == 1 { 1 } else { 3 };
    probe.inks = frame.components == 4;
    // Only of one scan that has it all can a part be decoded while the rest is read.
    if frame.progressive || segments.components < frame.components {
        // Two bytes for each.
        probe.held = frame.padded * 2;
        probe.scans = index.pictures();
    }
    probe.planes = frame.samples;
    let seen = probe.pixels() * u64::from(frame.samples) / 100;
    probe.held += frame.padded.saturating_sub(seen);
    if !frame.planar {
        // Decoders turn such a picture into pixels, even when planes are wanted.
        probe.held += probe.pixels() * 3;
    }
    // The data of a scan without what is stuffed into it.
    let scan = file.len() - segments.scan;
    // A decoder keeps the parts of a profile, and puts them together twice; without one that is
    // too long it gets a copy of the rest.
    let beside = match segments.profile {
        short @ ..=ICC_MAX => 3 * short,
        long => file.len() - long,
    };
    probe.held += (scan + beside) as u64;
    if probe.inks && segments.profile > 0 {
        probe.held += general::inks::HELD;
    }
    Ok(probe)
}

/// Kinds of JPEG that neither build decodes (ITU-T T.81, annexes H and J, B.2.5). Arithmetic coding is
/// left to [`general::decode`] to name, because libjpeg-turbo decodes it.
///
/// # Errors
/// `bad_image` for them.
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
pub(super) fn decode(file: &[u8], probe: &Probe, wanted: Wanted) -> Result<Picture, Error> {
    match baseline::decode(file, probe, Wanted { planes: true, ..wanted }) {
        Some(Picture::Planes(all)) if !wanted.planes => {
            let rgb = general::rgb_of_planes(&all)?;
            Picture::Planes(all).recycle();
            Ok(Picture::Pixels(rgb.into()))
        }
        Some(picture) => Ok(picture),
        None => general::decode(file, probe, wanted),
    }
}

/// What the segments up to the first scan say, if there is one.
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

/// The segments up to the header of the first scan: each one's marker, and where its content is,
/// before which its length stands.
pub(super) fn headers(file: &[u8]) -> impl Iterator<Item = (u8, Range<usize>)> {
    index::jpeg::headers(file).filter_map(|segment| marker(&segment))
}

fn marker(segment: &Segment) -> Option<(u8, Range<usize>)> {
    match segment.kind {
        Kind::Marker(marker) => Some((marker, segment.content())),
        _ => None,
    }
}

pub(super) fn is_profile(marker: u8, content: &[u8]) -> bool {
    marker == APP2 && content.starts_with(b"ICC_PROFILE\0")
}

/// Precision, height, width, then for each component its name, its sampling factors and its table.
fn frame(marker: u8, content: &[u8]) -> Option<Frame> {
    const PROGRESSIVE: [u8; 4] = [0xC2, 0xC6, 0xCA, 0xCE];
    // What the standard has not is left to the decoder to refuse.
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

/// SOF0 to SOF15; the three codes among them that are none define tables and extensions.
fn is_frame_header(marker: u8) -> bool {
    matches!(marker, 0xC0..=0xCF) && !matches!(marker, 0xC4 | 0xC8 | 0xCC)
}
