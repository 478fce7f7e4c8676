//! JPEG files: the walk over their segments, and zune-jpeg.

use image::{DynamicImage, GrayImage, RgbImage};
use waterway::Error;
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;

use super::bytes::{be16, grey};
use super::{Format, Probe, damaged, undecodable};

/// The most scans of a progressive picture. Encoders write some ten; each costs a pass over the
/// whole picture however few bytes it has.
const SCANS_MAX: usize = 50;

const EOI: u8 = 0xD9;
const SOS: u8 = 0xDA;
const APP1: u8 = 0xE1;

/// What the segments before the first scan say.
struct Segments<'a> {
    size: Option<(u32, u32)>,
    exif: Option<&'a [u8]>,
    /// Where the first scan's own data begins.
    scan: usize,
}

pub(super) fn probe(file: &[u8]) -> Result<Probe, Error> {
    let segments = segments(file)
        .ok_or_else(|| damaged(Format::Jpeg, "it ends or breaks off before its first scan"))?;
    let size = segments.size.ok_or_else(|| damaged(Format::Jpeg, "it has no frame header"))?;
    Probe::new(Format::Jpeg, size, segments.exif, !has_end(file, segments.scan))
}

pub(super) fn decode(file: &[u8], probe: &Probe) -> Result<DynamicImage, Error> {
    decode_file(file, probe).or_else(|error| {
        if !probe.truncated {
            return Err(error);
        }
        // The decoder shows a progressive picture of a single scan only when that has an end; to
        // the others it would be a reason to paint over the grey.
        let mut ended = Vec::with_capacity(file.len() + 2);
        ended.extend_from_slice(file);
        ended.extend_from_slice(&[0xFF, EOI]);
        decode_file(&ended, probe)
    })
}

fn decode_file(file: &[u8], probe: &Probe) -> Result<DynamicImage, Error> {
    let failed = |error| undecodable(Format::Jpeg, error);
    let (width, height) = probe.stored();
    let options = DecoderOptions::default()
        .set_strict_mode(false)
        .set_max_width(width as usize)
        .set_max_height(height as usize)
        .jpeg_set_max_scans(SCANS_MAX)
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(file), options);
    decoder.decode_headers().map_err(failed)?;
    if decoder.dimensions() != Some((width as usize, height as usize)) {
        return Err(damaged(Format::Jpeg, "its frame headers disagree"));
    }
    let luma = decoder.input_colorspace() == Some(ColorSpace::Luma);
    if luma {
        decoder.set_options(options.jpeg_set_out_colorspace(ColorSpace::Luma));
    }
    let mut pixels = grey(width as usize * height as usize, if luma { 1 } else { 3 });
    decoder.decode_into(&mut pixels).map_err(failed)?;
    let picture = if luma {
        GrayImage::from_raw(width, height, pixels).map(DynamicImage::ImageLuma8)
    } else {
        RgbImage::from_raw(width, height, pixels).map(DynamicImage::ImageRgb8)
    };
    picture.ok_or_else(|| damaged(Format::Jpeg, "its size is not its data's"))
}

/// Walks the segments up to the first scan, each of which begins with its own length.
fn segments(file: &[u8]) -> Option<Segments<'_>> {
    let mut found = Segments { size: None, exif: None, scan: 0 };
    let mut at = 2;
    loop {
        let marker = next_marker(file, &mut at)?;
        // Those without a length: nothing that belongs before a scan.
        if matches!(marker, 0x01 | 0xD0..=0xD7) {
            continue;
        }
        if marker == EOI {
            return None;
        }
        let length = usize::from(be16(file, at)?);
        let content = file.get(at + 2..at + length)?;
        at += length;
        match marker {
            SOS => {
                found.scan = at;
                return Some(found);
            }
            APP1 if found.exif.is_none() => found.exif = content.strip_prefix(b"Exif\0\0"),
            _ if is_frame_header(marker) && found.size.is_none() => {
                found.size = Some((be16(content, 3)?.into(), be16(content, 1)?.into()));
            }
            _ => {}
        }
    }
}

/// SOF0 to SOF15; the three codes among them that are none define tables and extensions.
fn is_frame_header(marker: u8) -> bool {
    matches!(marker, 0xC0..=0xCF) && !matches!(marker, 0xC4 | 0xC8 | 0xCC)
}

/// The next marker from `at` on, over fill bytes and what is between segments without right;
/// `at` is then behind it.
fn next_marker(file: &[u8], at: &mut usize) -> Option<u8> {
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

/// Whether the picture's end is there. Only a file that does not end with it is walked through:
/// within a scan's data the two bytes cannot stand side by side.
fn has_end(file: &[u8], mut at: usize) -> bool {
    if file.get(at..).is_some_and(|scans| scans.ends_with(&[0xFF, EOI])) {
        return true;
    }
    loop {
        match next_marker(file, &mut at) {
            None => return false,
            Some(EOI) => return true,
            Some(0x01 | 0xD0..=0xD7) => {}
            Some(_) => match be16(file, at) {
                Some(length) => at += usize::from(length),
                None => return false,
            },
        }
    }
}
