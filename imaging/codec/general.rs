//! Decodes every JPEG with Huffman codes and 8 bits a sample in Rust: sequential and progressive,
//! with any sampling, its scans in any order (ITU-T T.81). It shows damaged files like libjpeg: a
//! wrong code or a missing restart marker costs its interval, and missing data are grey.

mod colours;
mod fault;
mod frame;
pub(super) mod cmyk;
mod progressive;
mod reader;
mod scan;

#[cfg(test)]
mod tests;

use image::DynamicImage;

use self::cmyk::Cmyk;
pub(super) use self::colours::rgb_of_planes;
use self::colours::{Colours, Markers};
use self::fault::wrong;
use self::frame::{Frame, Part};
use self::reader::{EOI, Reader};
use self::scan::Scan;
use super::bytes::be16;
use super::index::jpeg::next_marker;
use super::tables::Tables;
use super::unsupported;
use crate::buffers::Buffers;
use crate::codec::options::DecodeOptions;
use crate::error::Error;
use crate::picture::{Picture, Planes};
use crate::probe::Probe;

const SOF0: u8 = 0xC0;
const SOF2: u8 = 0xC2;
const SOF3: u8 = 0xC3;
const SOF5: u8 = 0xC5;
const SOF7: u8 = 0xC7;
const SOF9: u8 = 0xC9;
const SOF10: u8 = 0xCA;
const SOF11: u8 = 0xCB;
const SOF13: u8 = 0xCD;
const SOF15: u8 = 0xCF;
const SOI: u8 = 0xD8;
const SOS: u8 = 0xDA;
const APP0: u8 = 0xE0;
const APP14: u8 = 0xEE;

/// A picture that is not progressive has at most one scan for each of four components.
const SCANS_OF_A_BASELINE: u32 = 4;

/// Decodes a file to the requested form and size; to planes only with the usual samplings.
///
/// # Errors
/// [`BadPicture`](crate::ErrorKind::BadPicture) for a file whose headers or tables are damaged, or
/// of an unsupported kind; [`NoMemory`](crate::ErrorKind::NoMemory) if the system refuses memory.
pub(super) fn decode(
    file: &[u8],
    probe: &Probe,
    options: DecodeOptions,
    buffers: &mut Buffers,
) -> Result<Picture, Error> {
    let mut tables = Tables::standard();
    let mut markers = Markers::default();
    let mut frame: Option<Frame> = None;
    let mut form = None;
    let mut scans = probe.scans.max(SCANS_OF_A_BASELINE);
    let mut at = 2;
    while let Some((marker, content)) = segment(file, &mut at) {
        match marker {
            SOF0..=SOF2 if frame.is_none() => {
                frame = Some(Frame::new(content, marker == SOF2, probe.stored(), options.scale)?);
            }
            SOF0..=SOF2 => return Err(wrong("it has two frame headers")),
            SOF9 | SOF10 => return Err(unsupported::kind("arithmetic-coded JPEG")),
            // The probe refuses files that begin with a frame of another kind.
            SOF3 | SOF5..=SOF7 | SOF11 | SOF13..=SOF15 => {
                return Err(wrong("it has frames of several kinds"));
            }
            APP0 | APP14 => markers.add(content),
            SOS => {
                let frame = frame.as_mut().ok_or_else(|| wrong("it has no frame header"))?;
                if form.is_none() {
                    let colours = markers.colours(&frame.ids());
                    let part = part(frame, colours, options);
                    frame.begin(part, buffers)?;
                    form = Some((colours, part));
                }
                let mut reader = Reader::new(file, at);
                Scan::new(content, frame, &tables)?.read(frame, &mut reader);
                at = reader.at();
                scans -= 1;
                if scans == 0 || frame.is_complete() {
                    break;
                }
            }
            _ => tables.add(marker, content)?,
        }
    }
    let (Some(frame), Some((colours, part))) = (frame, form) else {
        return Err(wrong("it has no scan"));
    };
    let cmyk = match colours {
        Colours::Cmyk | Colours::Ycck => Cmyk::of(file),
        Colours::Grey | Colours::YCbCr | Colours::Rgb => None,
    };
    picture(frame, colours, part, cmyk.as_ref(), buffers)
}

/// The next segment with a content; `at` moves to its end. `None` after the picture's end.
fn segment<'a>(file: &'a [u8], at: &mut usize) -> Option<(u8, &'a [u8])> {
    loop {
        match next_marker(file, at)? {
            0x01 | 0xD0..=0xD7 => {}
            SOI | EOI => return None,
            marker => {
                let length = usize::from(be16(file, *at)?);
                let content = file.get(*at + 2..*at + length)?;
                *at += length;
                return Some((marker, content));
            }
        }
    }
}

/// The part of a frame to decode, depending on how its colours are stored.
fn part(frame: &Frame, colours: Colours, options: DecodeOptions) -> Part {
    match colours {
        Colours::Grey => Part::Luma,
        Colours::YCbCr if options.grey => Part::Luma,
        Colours::YCbCr if options.planes && frame.is_planar() => Part::Planes,
        _ => Part::Pixels,
    }
}

fn picture(
    mut frame: Frame,
    colours: Colours,
    part: Part,
    cmyk: Option<&Cmyk>,
    buffers: &mut Buffers,
) -> Result<Picture, Error> {
    frame.finish();
    let size = frame.shrunk_size();
    let pixels = match part {
        Part::Luma => DynamicImage::ImageLuma8(frame.sampled()[0].plane(size, buffers)?),
        Part::Pixels => {
            DynamicImage::ImageRgb8(colours.rgb(&frame.sampled(), size, cmyk, buffers)?)
        }
        Part::Planes => {
            let mut planes = frame.into_planes();
            let mut next = || planes.next().unwrap_or_default();
            return Ok(Picture::Planes(Planes { luma: next(), chroma: [next(), next()] }));
        }
    };
    frame.recycle(buffers);
    Ok(Picture::Pixels(pixels))
}
