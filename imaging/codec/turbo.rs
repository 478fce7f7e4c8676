//! JPEG by libjpeg-turbo: it encodes all JPEGs, from planes too, and decodes the unusual ones,
//! scaled while they are decoded. libwebp encodes lossy WebP; the codecs in Rust do the rest.

use image::{DynamicImage, GrayImage, RgbImage};
use turbojpeg::{
    Colorspace, Compressor, DecompressHeader, Decompressor, Image, PixelFormat, ScalingFactor,
    Subsamp, YuvImage, YuvPlanesImage, compressed_buf_len,
};

use super::bytes::GREY;
use super::encode::on_white;
use super::webp::lossy;
use super::{baseline, icc, pure};
use crate::buffers::Buffers;
use crate::codec::fault::{cut_short, undecodable};
use crate::codec::options::DecodeOptions;
use crate::encoding::Encoding;
use crate::error::Error;
use crate::format::Format;
use crate::memory;
use crate::picture::{Picture, Planes};
use crate::probe::Probe;

/// See [`Codec::decode`](super::Codec::decode).
pub(super) fn decode(
    file: &[u8],
    probe: &Probe,
    options: DecodeOptions,
    buffers: &mut Buffers,
) -> Result<Picture, Error> {
    if probe.format != Format::Jpeg {
        return pure::decode(file, probe, options, buffers);
    }
    if let Some(picture) = baseline::decode(file, probe, options, buffers) {
        return Ok(picture);
    }
    // Our own decoder may take files that libjpeg-turbo refuses: CMYK, and headers with faults.
    let file = &icc::without_long_profile(file)?;
    match decompress(file, probe, options, buffers).map_err(|error| cut_short(probe, error))? {
        Some(picture) => Ok(picture),
        None => pure::decode(file, probe, options, buffers),
    }
}

/// See [`Codec::encoding`](super::Codec::encoding).
pub(super) fn encoding(asked: Encoding, picture: &Picture) -> Encoding {
    match asked {
        Encoding::LossyWebp(_) if !lossy::takes(picture) => Encoding::Webp,
        asked => asked,
    }
}

/// See [`Codec::encode`](super::Codec::encode).
pub(super) fn encode(
    picture: &Picture,
    encoding: Encoding,
    profile: Option<&[u8]>,
    buffers: &mut Buffers,
) -> Result<Vec<u8>, Error> {
    let quality = match (encoding, picture) {
        (Encoding::Jpeg(quality), _) => quality,
        (Encoding::LossyWebp(quality), Picture::Pixels(pixels)) => {
            return lossy::encode(pixels, quality, profile);
        }
        _ => return pure::encode(picture, encoding, profile, buffers),
    };
    // A new one for each picture: it costs a few microseconds, and keeps data of one picture
    // from another.
    let mut compressor = Compressor::new()?;
    compressor.set_quality(quality.into())?;
    let file = match picture {
        Picture::Planes(planes) => encode_planes(&mut compressor, planes, buffers),
        Picture::Pixels(pixels) => encode_pixels(&mut compressor, pixels, buffers),
    };
    icc::into_jpeg(file?, profile)
}

/// `None` if libjpeg-turbo refuses the file.
fn decompress(
    file: &[u8],
    probe: &Probe,
    options: DecodeOptions,
    buffers: &mut Buffers,
) -> Result<Option<Picture>, Error> {
    // A new one for each picture; otherwise a file without tables would be decoded with those of
    // the previous file.
    let mut decompressor = Decompressor::new()?;
    let Ok(header) = decompressor.read_header(file) else { return Ok(None) };
    let (width, height) = probe.stored();
    if (header.width, header.height) != (width as usize, height as usize) {
        return Ok(None);
    }
    let factor = ScalingFactor::new(1, options.scale as usize);
    decompressor.set_scaling_factor(factor)?;
    decompressor.set_scan_limit(probe.scans.max(SCANS_OF_A_BASELINE))?;
    let scaled = header.scaled(factor);
    let planes = options.planes && rows_hold(&scaled, header.width, options.scale as usize);
    picture(&mut decompressor, file, &scaled, DecodeOptions { planes, ..options }, buffers)
}

/// Whether a row of brightness, decoded in whole blocks, is as long as the plane's row, which is
/// padded to whole samples of colour. If it is shorter, as with an eighth of an odd number of
/// blocks, libjpeg-turbo would read beyond its end (`tj3DecompressToYUVPlanes8`, 3.1).
fn rows_hold(scaled: &DecompressHeader, width: usize, scale: usize) -> bool {
    const BLOCK: usize = 8;
    let decoded = width.div_ceil(BLOCK) * (BLOCK / scale);
    scaled.width.next_multiple_of(scaled.subsamp.width()) <= decoded
}

/// A picture that is not progressive has at most one scan for each of four components.
const SCANS_OF_A_BASELINE: u32 = 4;

/// Decodes at this size.
fn picture(
    decompressor: &mut Decompressor,
    file: &[u8],
    header: &DecompressHeader,
    options: DecodeOptions,
    buffers: &mut Buffers,
) -> Result<Option<Picture>, Error> {
    let grey = match header.colorspace {
        Colorspace::Gray => true,
        Colorspace::YCbCr => options.grey,
        Colorspace::RGB => false,
        Colorspace::CMYK | Colorspace::YCCK => return Ok(None),
    };
    let size = (header.width, header.height);
    if grey {
        let luma = pixels(decompressor, file, size, PixelFormat::GRAY, buffers)?;
        return Ok(plane(size, luma).map(|luma| Picture::Pixels(DynamicImage::ImageLuma8(luma))));
    }
    if options.planes
        && header.colorspace == Colorspace::YCbCr
        && SAMPLINGS.contains(&header.subsamp)
    {
        return planes(decompressor, file, header, buffers)
            .map(|planes| planes.map(Picture::Planes));
    }
    let rgb = pixels(decompressor, file, size, PixelFormat::RGB, buffers)?;
    let rgb = sides(size).and_then(|(width, height)| RgbImage::from_raw(width, height, rgb));
    Ok(rgb.map(|rgb| Picture::Pixels(DynamicImage::ImageRgb8(rgb))))
}

/// The usual samplings first: with few pixels, several of them give planes of the same size.
const SAMPLINGS: [Subsamp; 6] = [
    Subsamp::Sub2x2,
    Subsamp::None,
    Subsamp::Sub2x1,
    Subsamp::Sub1x2,
    Subsamp::Sub4x1,
    Subsamp::Sub1x4,
];

fn pixels(
    decompressor: &mut Decompressor,
    file: &[u8],
    (width, height): (usize, usize),
    format: PixelFormat,
    buffers: &mut Buffers,
) -> Result<Vec<u8>, Error> {
    let pitch = width * format.size();
    let mut pixels = buffers.filled(pitch * height, GREY)?;
    let image = Image { pixels: &mut pixels[..], width, pitch, height, format };
    shown(decompressor.decompress(file, image))?;
    Ok(pixels)
}

fn planes(
    decompressor: &mut Decompressor,
    file: &[u8],
    header: &DecompressHeader,
    buffers: &mut Buffers,
) -> Result<Option<Planes>, Error> {
    let &DecompressHeader { width, height, subsamp, .. } = header;
    let layout = YuvImage { pixels: (), width, align: 1, height, subsamp };
    // Rows and columns are padded to whole chroma samples.
    let (luma, chroma) = (layout.y_size(), layout.uv_size());
    let (luma_length, chroma_length) = (luma.0 * luma.1, chroma.0 * chroma.1);
    let mut samples = buffers.filled(luma_length + 2 * chroma_length, GREY)?;
    let image = YuvImage { pixels: &mut samples[..], width, align: 1, height, subsamp };
    shown(decompressor.decompress_to_yuv(file, image))?;

    let mut of_chroma = |at: usize| {
        let mut plane = buffers.take(chroma_length)?;
        plane.copy_from_slice(&samples[luma_length + at * chroma_length..][..chroma_length]);
        Ok::<_, Error>(plane)
    };
    let chroma_planes = [of_chroma(0)?, of_chroma(1)?].map(|samples| plane(chroma, samples));
    let cut = without_padding(&mut samples, luma, (width, height));
    samples.truncate(cut);
    Ok(match (plane((width, height), samples), chroma_planes) {
        (Some(luma), [Some(blue), Some(red)]) => Some(Planes { luma, chroma: [blue, red] }),
        _ => None,
    })
}

/// Removes the padding between the rows of a plane; returns the remaining length.
fn without_padding(
    samples: &mut [u8],
    padded: (usize, usize),
    (width, height): (usize, usize),
) -> usize {
    if padded.0 != width {
        for row in 1..height {
            samples.copy_within(row * padded.0..row * padded.0 + width, row * width);
        }
    }
    width * height
}

/// Accepts a file with faults that libjpeg-turbo has recovered from, as browsers do.
fn shown(result: turbojpeg::Result<()>) -> Result<(), Error> {
    // The library distinguishes warnings from errors by a number that the crate does not pass on.
    // jerror.h: the messages whose names begin with JWRN.
    const WARNINGS: [&str; 6] = [
        "Corrupt JPEG data",
        "Inconsistent progression sequence",
        "Invalid SOS parameters",
        "Premature end of JPEG file",
        "Unknown Adobe color transform code",
        "Warning: unknown JFIF revision number",
    ];
    match result {
        Err(turbojpeg::Error::TurboJpegError(message))
            if WARNINGS.iter().any(|warning| message.contains(warning)) =>
        {
            Ok(())
        }
        // jerror.h: JERR_OUT_OF_MEMORY.
        Err(turbojpeg::Error::TurboJpegError(message))
            if message.contains("Insufficient memory") =>
        {
            Err(memory::no_memory(message))
        }
        result => result.map_err(|error| undecodable(Format::Jpeg, error)),
    }
}

fn encode_pixels(
    compressor: &mut Compressor,
    pixels: &DynamicImage,
    buffers: &mut Buffers,
) -> Result<Vec<u8>, Error> {
    let (width, height) = (pixels.width() as usize, pixels.height() as usize);
    let image = |pixels, format: PixelFormat| Image {
        pixels,
        width,
        pitch: width * format.size(),
        height,
        format,
    };
    let on_white = match pixels {
        DynamicImage::ImageLuma8(_) | DynamicImage::ImageRgb8(_) => None,
        other => Some(on_white(other, buffers)?),
    };
    let (image, subsamp) = match (pixels, &on_white) {
        (DynamicImage::ImageLuma8(grey), _) => {
            (image(grey.as_raw().as_slice(), PixelFormat::GRAY), Subsamp::Gray)
        }
        (_, Some(rgb)) => (image(rgb.as_raw().as_slice(), PixelFormat::RGB), Subsamp::Sub2x2),
        (other, None) => (image(other.as_bytes(), PixelFormat::RGB), Subsamp::Sub2x2),
    };
    compressor.set_subsamp(subsamp)?;
    into_file((width, height), subsamp, buffers, |file| compressor.compress_to_slice(image, file))
}

/// The size of the chroma planes says how they are sampled.
fn encode_planes(
    compressor: &mut Compressor,
    planes: &Planes,
    buffers: &mut Buffers,
) -> Result<Vec<u8>, Error> {
    let (width, height) = planes.luma.dimensions();
    let (width, height) = (width as usize, height as usize);
    let (across, down) = planes.chroma[0].dimensions();
    let of_size = |subsamp: &Subsamp| {
        let sides = (width.div_ceil(subsamp.width()), height.div_ceil(subsamp.height()));
        sides == (across as usize, down as usize)
    };
    let subsamp = SAMPLINGS.into_iter().find(of_size);
    let subsamp =
        subsamp.ok_or_else(|| Error::failed("no JPEG has chroma planes of such a size"))?;
    let padded =
        (width.next_multiple_of(subsamp.width()), height.next_multiple_of(subsamp.height()));
    let mut luma = None;
    if padded != (width, height) {
        luma = Some(with_padding(planes.luma.as_raw(), (width, height), padded, buffers)?);
    }
    let image = YuvPlanesImage {
        y_plane: luma.as_deref().unwrap_or(planes.luma.as_raw().as_slice()),
        u_plane: planes.chroma[0].as_raw().as_slice(),
        v_plane: planes.chroma[1].as_raw().as_slice(),
        width,
        height,
        y_stride: padded.0,
        u_stride: across as usize,
        v_stride: across as usize,
        subsamp,
    };
    let file = into_file((width, height), subsamp, buffers, |file| {
        compressor.compress_yuv_planes_to_slice(&image, file)
    });
    if let Some(luma) = luma {
        buffers.give(luma);
    }
    file
}

/// Repeats the last column and the last row.
fn with_padding(
    samples: &[u8],
    (width, height): (usize, usize),
    to: (usize, usize),
    buffers: &mut Buffers,
) -> Result<Vec<u8>, Error> {
    let mut padded = buffers.take(to.0 * to.1)?;
    let rows = samples.chunks_exact(width);
    let last = rows.clone().next_back();
    let rows = rows.chain(std::iter::repeat_n(last.unwrap_or_default(), to.1 - height));
    for (to, row) in padded.chunks_exact_mut(to.0).zip(rows) {
        let (pixels, padding) = to.split_at_mut(width);
        pixels.copy_from_slice(row);
        padding.fill(*row.last().unwrap_or(&GREY));
    }
    Ok(padded)
}

/// The bytes that are written into a buffer for the largest possible file, shortened to their
/// length.
fn into_file(
    (width, height): (usize, usize),
    subsamp: Subsamp,
    buffers: &mut Buffers,
    compress: impl FnOnce(&mut [u8]) -> turbojpeg::Result<usize>,
) -> Result<Vec<u8>, Error> {
    let mut buffer = buffers.take(compressed_buf_len(width, height, subsamp)?)?;
    let length = compress(&mut buffer)?;
    let mut file = memory::reserved(length)?;
    file.extend_from_slice(buffer.get(..length).unwrap_or_default());
    buffers.give(buffer);
    Ok(file)
}

fn plane((width, height): (usize, usize), samples: Vec<u8>) -> Option<GrayImage> {
    let (width, height) = sides((width, height))?;
    GrayImage::from_raw(width, height, samples)
}

fn sides((width, height): (usize, usize)) -> Option<(u32, u32)> {
    Some((u32::try_from(width).ok()?, u32::try_from(height).ok()?))
}
