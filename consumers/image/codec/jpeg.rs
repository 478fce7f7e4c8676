//! JPEG files: what their headers say, and zune-jpeg.

use std::borrow::Cow;
use std::ops::Range;

use image::{DynamicImage, GrayImage, RgbImage};
use waterway::Error;
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;

use super::bytes::{be16, grey};
use super::index::{self, Index, Kind, Segment};
use super::metadata::ICC_MAX;
use super::{BAD_IMAGE, Format, Picture, Probe, Wanted, baseline, damaged, planar, undecodable};
use crate::image::scratch;

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
    size: (u32, u32),
    progressive: bool,
    components: u8,
    /// The samples of a pixel, on average, in hundredths.
    samples: u16,
    /// Whether colour has half of the picture's samples each way (4:2:0).
    halved: bool,
}

pub(super) fn probe(index: &Index<'_>) -> Result<Probe, Error> {
    let file = index.file();
    let segments = segments(file, index.head().iter().filter_map(marker))
        .ok_or_else(|| damaged(Format::Jpeg, "it ends or breaks off before its first scan"))?;
    let frame = segments.frame.ok_or_else(|| damaged(Format::Jpeg, "it has no frame header"))?;
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
        probe.held = probe.pixels() * u64::from(frame.samples) / 100 * 2;
        probe.scans = index.pictures();
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
    Ok(probe)
}

/// The file without its profile if that is longer than any that is taken: decoders would keep it.
///
/// # Errors
/// `refused` when the system has no memory for it.
pub(super) fn without_long_profile(file: &[u8]) -> Result<Cow<'_, [u8]>, Error> {
    if segments(file, headers(file)).is_none_or(|segments| segments.profile <= ICC_MAX) {
        return Ok(Cow::Borrowed(file));
    }
    let mut without = scratch::reserved(file.len())?;
    let mut at = 0;
    for (marker, content) in headers(file) {
        if is_profile(marker, &file[content.clone()]) {
            // Its marker and its length stand before it.
            without.extend_from_slice(&file[at..content.start - 4]);
            at = content.end;
        }
    }
    without.extend_from_slice(&file[at..]);
    Ok(Cow::Owned(without))
}

/// Brightness alone costs less than all of a picture, and planes less than pixels.
pub(super) fn decode(file: &[u8], probe: &Probe, wanted: Wanted) -> Result<Picture, Error> {
    let file = &without_long_profile(file)?;
    // What has more samples of colour than planes of half its size would lose some.
    let frame = segments(file, headers(file)).and_then(|segments| segments.frame);
    let planes = wanted.planes && frame.is_some_and(|frame| frame.halved);
    let wanted = Wanted { planes, ..wanted };
    if let Some(picture) = baseline::decode(file, probe, wanted) {
        return Ok(picture);
    }
    decode_file(file, probe, wanted).or_else(|error| {
        if !probe.truncated || error.code() != BAD_IMAGE {
            return Err(error);
        }
        // The decoder shows a progressive picture of a single scan only when that has an end; to
        // the others it would be a reason to paint over the grey.
        let mut ended = scratch::reserved(file.len() + 2)?;
        ended.extend_from_slice(file);
        ended.extend_from_slice(&[0xFF, EOI]);
        decode_file(&ended, probe, wanted)
    })
}

fn decode_file(file: &[u8], probe: &Probe, wanted: Wanted) -> Result<Picture, Error> {
    let failed = |error| undecodable(Format::Jpeg, error);
    let (width, height) = probe.stored();
    let options = DecoderOptions::default()
        .set_strict_mode(false)
        .set_max_width(width as usize)
        .set_max_height(height as usize)
        .jpeg_set_max_scans(probe.scans as usize)
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(file), options);
    decoder.decode_headers().map_err(failed)?;
    if decoder.dimensions() != Some((width as usize, height as usize)) {
        return Err(damaged(Format::Jpeg, "its frame headers disagree"));
    }
    let out = match decoder.input_colorspace() {
        Some(ColorSpace::Luma) => ColorSpace::Luma,
        Some(ColorSpace::YCbCr) if wanted.grey => ColorSpace::Luma,
        Some(ColorSpace::YCbCr) if wanted.planes => ColorSpace::YCbCr,
        _ => ColorSpace::RGB,
    };
    decoder.set_options(options.jpeg_set_out_colorspace(out));
    let mut pixels = grey(width as usize * height as usize, out.num_components())?;
    decoder.decode_into(&mut pixels).map_err(failed)?;
    let picture = match out {
        ColorSpace::Luma => GrayImage::from_raw(width, height, pixels)
            .map(|grey| Picture::Pixels(DynamicImage::ImageLuma8(grey))),
        ColorSpace::YCbCr => {
            let planes = planar::taken_apart(&pixels, (width, height))?;
            scratch::give(pixels);
            Some(Picture::Planes(planes))
        }
        _ => RgbImage::from_raw(width, height, pixels)
            .map(|rgb| Picture::Pixels(DynamicImage::ImageRgb8(rgb))),
    };
    picture.ok_or_else(|| damaged(Format::Jpeg, "its size is not its data's"))
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

fn is_profile(marker: u8, content: &[u8]) -> bool {
    marker == APP2 && content.starts_with(b"ICC_PROFILE\0")
}

/// Precision, height, width, then for each component its name, its sampling factors and its table.
fn frame(marker: u8, content: &[u8]) -> Option<Frame> {
    const PROGRESSIVE: [u8; 4] = [0xC2, 0xC6, 0xCA, 0xCE];
    // What the standard has not is left to the decoder to refuse.
    const COMPONENTS_MAX: usize = 4;
    let factor = |bits: u8| u16::from(bits).clamp(1, 4);
    let (mut across, mut down, mut area, mut components) = (1, 1, 0, 0);
    for component in content.get(6..)?.chunks_exact(3).take(COMPONENTS_MAX) {
        let (h, v) = (factor(component[1] >> 4), factor(component[1] & 15));
        (across, down) = (h.max(across), v.max(down));
        area += h * v;
        components += 1;
    }
    Some(Frame {
        size: (be16(content, 3)?.into(), be16(content, 1)?.into()),
        progressive: PROGRESSIVE.contains(&marker),
        components,
        samples: area * 100 / (across * down),
        halved: components == 3 && (across, down, area) == (2, 2, 6),
    })
}

/// SOF0 to SOF15; the three codes among them that are none define tables and extensions.
fn is_frame_header(marker: u8) -> bool {
    matches!(marker, 0xC0..=0xCF) && !matches!(marker, 0xC4 | 0xC8 | 0xCC)
}
