//! JPEG by libjpeg-turbo: all that is written, from planes too, and of what is read the unusual,
//! shrunk while it is decoded. Lossy WebP is written by libwebp, the rest by the codecs in Rust.

use image::{DynamicImage, GrayImage, RgbImage};
use turbojpeg::{
    Colorspace, Compressor, DecompressHeader, Decompressor, Image, PixelFormat, ScalingFactor,
    Subsamp, YuvImage, YuvPlanesImage, compressed_buf_len,
};
use waterway::Error;

use super::bytes::GREY;
use super::encode::on_white;
use super::pure::Pure;
use super::webp::lossy;
use super::{Codec, Encoding, Format, Probe, Wanted, baseline, cut_short, icc, undecodable};
use crate::image::picture::{Picture, Planes};
use crate::image::scratch;

/// libjpeg-turbo for JPEG out and the unusual in, [`Pure`] for what it does not know.
pub(super) struct Turbo;

impl Codec for Turbo {
    fn decode(&self, file: &[u8], probe: &Probe, wanted: Wanted) -> Result<Picture, Error> {
        if probe.format != Format::Jpeg {
            return Pure.decode(file, probe, wanted);
        }
        if let Some(picture) = baseline::decode(file, probe, wanted) {
            return Ok(picture);
        }
        // What libjpeg-turbo does not take at all, our own decoder may: inks, and faults of headers.
        let file = &icc::without_long_profile(file)?;
        let picture = decode(file, probe, wanted).map_err(|error| cut_short(probe, error))?;
        picture.map_or_else(|| Pure.decode(file, probe, wanted), Ok)
    }

    fn encoding(&self, asked: Encoding, picture: &Picture) -> Encoding {
        match asked {
            Encoding::LossyWebp(_) if !lossy::takes(picture) => Encoding::Webp,
            asked => asked,
        }
    }

    fn encode(
        &self,
        picture: &Picture,
        encoding: Encoding,
        profile: Option<&[u8]>,
    ) -> Result<Vec<u8>, Error> {
        let quality = match (encoding, picture) {
            (Encoding::Jpeg(quality), _) => quality,
            (Encoding::LossyWebp(quality), Picture::Pixels(pixels)) => {
                return lossy::encode(pixels, quality, profile);
            }
            _ => return Pure.encode(picture, encoding, profile),
        };
        // A new one for each picture: it costs a few microseconds, and keeps data of one picture
        // from another.
        let mut compressor = Compressor::new()?;
        compressor.set_quality(quality.into())?;
        let file = match picture {
            Picture::Planes(planes) => encode_planes(&mut compressor, planes),
            Picture::Pixels(pixels) => encode_pixels(&mut compressor, pixels),
        };
        icc::into_jpeg(file?, profile)
    }
}

/// Nothing when libjpeg-turbo does not take the file.
fn decode(file: &[u8], probe: &Probe, wanted: Wanted) -> Result<Option<Picture>, Error> {
    // A new one for each picture; otherwise a file without tables would be decoded with those of
    // the previous file.
    let mut decompressor = Decompressor::new()?;
    let Ok(header) = decompressor.read_header(file) else { return Ok(None) };
    let (width, height) = probe.stored();
    if (header.width, header.height) != (width as usize, height as usize) {
        return Ok(None);
    }
    let factor = ScalingFactor::new(1, wanted.shrunk as usize);
    decompressor.set_scaling_factor(factor)?;
    decompressor.set_scan_limit(probe.scans.max(SCANS_OF_A_BASELINE))?;
    let scaled = header.scaled(factor);
    let planes = wanted.planes && rows_hold(&scaled, header.width, wanted.shrunk as usize);
    picture(&mut decompressor, file, &scaled, Wanted { planes, ..wanted })
}

/// Whether a row of brightness, as it is decoded in blocks, is as long as a plane's row, which is
/// made up to whole samples of colour. Where it is not, an eighth of an odd count of blocks say,
/// libjpeg-turbo would read beyond its end (`tj3DecompressToYUVPlanes8`, 3.1).
fn rows_hold(scaled: &DecompressHeader, width: usize, shrunk: usize) -> bool {
    const BLOCK: usize = 8;
    let decoded = width.div_ceil(BLOCK) * (BLOCK / shrunk);
    scaled.width.next_multiple_of(scaled.subsamp.width()) <= decoded
}

/// A picture that is not progressive has at most one scan for each of four components.
const SCANS_OF_A_BASELINE: u32 = 4;

/// The size is the one to decode at.
fn picture(
    decompressor: &mut Decompressor,
    file: &[u8],
    header: &DecompressHeader,
    wanted: Wanted,
) -> Result<Option<Picture>, Error> {
    let grey = match header.colorspace {
        Colorspace::Gray => true,
        Colorspace::YCbCr => wanted.grey,
        Colorspace::RGB => false,
        Colorspace::CMYK | Colorspace::YCCK => return Ok(None),
    };
    let size = (header.width, header.height);
    if grey {
        let luma = pixels(decompressor, file, size, PixelFormat::GRAY)?;
        return Ok(plane(size, luma).map(|luma| Picture::Pixels(DynamicImage::ImageLuma8(luma))));
    }
    if wanted.planes
        && header.colorspace == Colorspace::YCbCr
        && SAMPLINGS.contains(&header.subsamp)
    {
        return planes(decompressor, file, header).map(|planes| planes.map(Picture::Planes));
    }
    let rgb = pixels(decompressor, file, size, PixelFormat::RGB)?;
    let rgb = sides(size).and_then(|(width, height)| RgbImage::from_raw(width, height, rgb));
    Ok(rgb.map(|rgb| Picture::Pixels(DynamicImage::ImageRgb8(rgb))))
}

/// The usual ones first: of a picture of few pixels the planes of several are of one size.
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
) -> Result<Vec<u8>, Error> {
    let pitch = width * format.size();
    let mut pixels = scratch::filled(pitch * height, GREY)?;
    let image = Image { pixels: &mut pixels[..], width, pitch, height, format };
    shown(decompressor.decompress(file, image))?;
    Ok(pixels)
}

fn planes(
    decompressor: &mut Decompressor,
    file: &[u8],
    header: &DecompressHeader,
) -> Result<Option<Planes>, Error> {
    let &DecompressHeader { width, height, subsamp, .. } = header;
    let layout = YuvImage { pixels: (), width, align: 1, height, subsamp };
    // Rows and columns are made up to whole chroma samples.
    let (luma, chroma) = (layout.y_size(), layout.uv_size());
    let (luma_length, chroma_length) = (luma.0 * luma.1, chroma.0 * chroma.1);
    let mut samples = scratch::filled(luma_length + 2 * chroma_length, GREY)?;
    let image = YuvImage { pixels: &mut samples[..], width, align: 1, height, subsamp };
    shown(decompressor.decompress_to_yuv(file, image))?;

    let of_chroma = |at: usize| {
        let mut plane = scratch::take(chroma_length)?;
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

/// Moves the rows of a plane together; the length that is left.
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

/// A file with faults that libjpeg-turbo has got over, as browsers do, is shown as it decoded it.
fn shown(result: turbojpeg::Result<()>) -> Result<(), Error> {
    // The library tells warnings from errors by a number that the crate does not pass on.
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
            Err(scratch::no_memory(message))
        }
        result => result.map_err(|error| undecodable(Format::Jpeg, error)),
    }
}

fn encode_pixels(compressor: &mut Compressor, pixels: &DynamicImage) -> Result<Vec<u8>, Error> {
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
        other => Some(on_white(other)?),
    };
    let (image, subsamp) = match (pixels, &on_white) {
        (DynamicImage::ImageLuma8(grey), _) => {
            (image(grey.as_raw().as_slice(), PixelFormat::GRAY), Subsamp::Gray)
        }
        (_, Some(rgb)) => (image(rgb.as_raw().as_slice(), PixelFormat::RGB), Subsamp::Sub2x2),
        (other, None) => (image(other.as_bytes(), PixelFormat::RGB), Subsamp::Sub2x2),
    };
    compressor.set_subsamp(subsamp)?;
    into_file((width, height), subsamp, |file| compressor.compress_to_slice(image, file))
}

/// The size of the chroma planes says how they are sampled.
fn encode_planes(compressor: &mut Compressor, planes: &Planes) -> Result<Vec<u8>, Error> {
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
        luma = Some(with_padding(planes.luma.as_raw(), (width, height), padded)?);
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
    let file = into_file((width, height), subsamp, |file| {
        compressor.compress_yuv_planes_to_slice(&image, file)
    });
    if let Some(luma) = luma {
        scratch::give(luma);
    }
    file
}

/// Repeats the last column and the last row.
fn with_padding(
    samples: &[u8],
    (width, height): (usize, usize),
    to: (usize, usize),
) -> Result<Vec<u8>, Error> {
    let mut padded = scratch::take(to.0 * to.1)?;
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

/// What is written into a buffer that takes the largest file there can be, at its own length.
fn into_file(
    (width, height): (usize, usize),
    subsamp: Subsamp,
    compress: impl FnOnce(&mut [u8]) -> turbojpeg::Result<usize>,
) -> Result<Vec<u8>, Error> {
    let mut buffer = scratch::take(compressed_buf_len(width, height, subsamp)?)?;
    let length = compress(&mut buffer)?;
    let mut file = scratch::reserved(length)?;
    file.extend_from_slice(buffer.get(..length).unwrap_or_default());
    scratch::give(buffer);
    Ok(file)
}

fn plane((width, height): (usize, usize), samples: Vec<u8>) -> Option<GrayImage> {
    let (width, height) = sides((width, height))?;
    GrayImage::from_raw(width, height, samples)
}

fn sides((width, height): (usize, usize)) -> Option<(u32, u32)> {
    Some((u32::try_from(width).ok()?, u32::try_from(height).ok()?))
}
