//! Pictures from bytes and back: the one place that knows picture formats.
//!
//! A [`Codec`] can be exchanged as a whole. [`pure`] is written in Rust throughout and is always
//! there. With the feature `turbo` there is [`turbo`] too, which writes JPEG by libjpeg-turbo, and
//! [`built_in`] is the faster one of those that are there.

mod baseline;
mod bytes;
mod canvas;
mod encode;
mod encoding;
mod general;
mod gif;
mod huffman;
#[cfg(feature = "turbo")]
mod icc;
mod index;
mod indexed_colour;
mod jpeg;
pub mod metadata;
mod planar;
mod png;
mod pure;
#[cfg(test)]
pub(crate) mod samples;
#[cfg(test)]
mod tests;
mod tables;
mod transform;
#[cfg(feature = "turbo")]
mod turbo;
mod unsupported;
mod webp;

use std::fmt;

use image::DynamicImage;
use image::metadata::Orientation;
use waterway::Error;

pub use self::encoding::Encoding;
pub use self::index::{Index, SEGMENTS_MAX};
use super::code::BAD_IMAGE;
pub use super::limits::Limits;
use super::picture::Picture;

/// Decodes and encodes pictures.
pub trait Codec: Send + Sync {
    /// What a file says of itself: see [`read`].
    ///
    /// # Errors
    /// `bad_image` when the file is of no format that is taken, or its header is damaged.
    fn probe(&self, file: &[u8]) -> Result<Probe, Error> {
        read(file).map(|(_, probe)| probe)
    }

    /// The picture as it is stored: whoever wants it upright turns it by [`Probe::orientation`].
    /// Of an animation it is the first frame. Grey stands for what was cut off a file.
    ///
    /// It is for the caller to hold what the file says of itself against its limits first.
    ///
    /// # Errors
    /// `bad_image` when the picture is damaged, or cut short so far that nothing of it can be
    /// shown.
    fn decode(&self, file: &[u8], probe: &Probe, wanted: Wanted) -> Result<Picture, Error>;

    /// How this codec writes the picture where this encoding is asked for: in another way when it
    /// cannot write that one.
    fn encoding(&self, asked: Encoding, picture: &Picture) -> Encoding {
        let _ = picture;
        asked
    }

    /// The picture as a file that carries this ICC profile, if its format and kind can. A format
    /// without alpha shows the picture on white. [`encoding`](Self::encoding) says which encoding
    /// is possible.
    ///
    /// # Errors
    /// `failed` when the encoder does not take the picture.
    fn encode(
        &self,
        picture: &Picture,
        encoding: Encoding,
        profile: Option<&[u8]>,
    ) -> Result<Vec<u8>, Error>;
}

/// In what form a picture is wanted, as far as its codec can give it so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// Each side divided by 1, 2, 4 or 8, rounded up. A JPEG comes so whatever is wrong with it, and
    /// its memory is counted so; another format comes as it is.
    pub shrunk: u32,
    /// Whether brightness alone is enough.
    pub grey: bool,
    /// Whether planes will do.
    pub planes: bool,
}

impl Wanted {
    /// All of a picture, as pixels.
    pub const PIXELS: Self = Self { shrunk: 1, grey: false, planes: false };
}

/// The codec that is built in: the fastest there is.
#[must_use]
pub fn built_in() -> &'static dyn Codec {
    #[cfg(feature = "turbo")]
    return turbo();
    #[cfg(not(feature = "turbo"))]
    pure()
}

/// Codecs in Rust throughout: they need no C compiler and no memory of their own kind.
#[must_use]
pub fn pure() -> &'static dyn Codec {
    &pure::Pure
}

/// libjpeg-turbo for JPEG, and the codecs in Rust for the rest.
#[cfg(feature = "turbo")]
#[must_use]
pub fn turbo() -> &'static dyn Codec {
    &turbo::Turbo
}

/// The index of a file's segments, and what the file says of itself. It takes no longer than one
/// pass over the file, and no memory but the index, which [`SEGMENTS_MAX`] bounds.
///
/// # Errors
/// `bad_image` when the file is of no format that is taken, or its header is damaged.
pub fn read(file: &[u8]) -> Result<(Index<'_>, Probe), Error> {
    unsupported::check_stripped(file)?;
    let index = Index::of(file).ok_or_else(|| unsupported::error(file))?;
    let mut probe = match index.format() {
        Format::Jpeg => jpeg::probe(&index),
        Format::Png => png::probe(&index),
        Format::Webp => webp::probe(&index),
        Format::Gif => gif::probe(&index),
        Format::Avif => Err(damaged(Format::Avif, "it is written only")),
    }?;
    probe.held += index.bytes();
    Ok((index, probe))
}

/// The pixels of a file, upright, by the codec that is built in.
///
/// # Errors
/// `bad_image`: it is beyond the limits, or cannot be decoded.
pub fn pixels(file: &[u8], limits: &Limits) -> Result<DynamicImage, Error> {
    let codec = built_in();
    let probe = codec.probe(file)?;
    limits.check(&probe)?;
    match codec.decode(file, &probe, Wanted::PIXELS)?.turned(probe.orientation) {
        Picture::Pixels(pixels) => Ok(pixels),
        Picture::Planes(_) => Err(Error::failed("planes where pixels were wanted")),
    }
}

/// A picture's format, told by its content and never by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// JPEG: baseline and progressive.
    Jpeg,
    /// PNG; of an animated one the default image.
    Png,
    /// WebP: lossy and lossless.
    Webp,
    /// GIF.
    Gif,
    /// AVIF, which is written only.
    Avif,
}

impl Format {
    /// The format of a file that begins like this.
    #[must_use]
    pub fn of(file: &[u8]) -> Option<Self> {
        match file {
            [0xFF, 0xD8, 0xFF, ..] => Some(Self::Jpeg),
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n', ..] => Some(Self::Png),
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(Self::Gif),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Self::Webp),
            _ => None,
        }
    }

    /// What its files' names end with, without the dot.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::Webp => "webp",
            Self::Gif => "gif",
            Self::Avif => "avif",
        }
    }

    /// What people call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
            Self::Webp => "WebP",
            Self::Gif => "GIF",
            Self::Avif => "AVIF",
        }
    }

    /// Its media type.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Webp => "image/webp",
            Self::Gif => "image/gif",
            Self::Avif => "image/avif",
        }
    }
}

/// What a file says of its picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probe {
    /// The file's format.
    pub format: Format,
    /// The width in pixels, as the picture is to be shown.
    pub width: u32,
    /// The height in pixels, as the picture is to be shown.
    pub height: u32,
    /// How the picture has to be turned to be shown so.
    pub orientation: Orientation,
    /// How many samples a pixel has when it is decoded: 1 to 4.
    pub channels: u8,
    /// How many samples a pixel has as planes, in hundredths: 150 with a sample of each colour for
    /// two by two pixels. Only JPEGs come as planes.
    pub planes: u32,
    /// What its decoder holds beside the picture, in bytes: all of a progressive JPEG's
    /// coefficients, a GIF's frame beside its canvas.
    pub held: u64,
    /// Whether it is stored as four inks (CMYK).
    pub inks: bool,
    /// How many times the file goes over the picture: 1, but for progressive JPEGs.
    pub scans: u32,
    /// Whether the file ends before its picture does.
    pub truncated: bool,
    /// Whether it is a lossy WebP.
    pub lossy_webp: bool,
}

impl Probe {
    /// From the size as stored, which turning may swap.
    fn new(index: &Index<'_>, stored: (u32, u32), truncated: bool) -> Result<Self, Error> {
        let format = index.format();
        let (mut width, mut height) = stored;
        if width == 0 || height == 0 {
            return Err(damaged(format, "it has no size"));
        }
        let orientation = metadata::orientation(index);
        if swaps_sides(orientation) {
            (width, height) = (height, width);
        }
        Ok(Self {
            format,
            width,
            height,
            orientation,
            channels: 4,
            planes: 0,
            held: 0,
            inks: false,
            scans: 1,
            truncated,
            lossy_webp: false,
        })
    }

    /// How many pixels it has.
    #[must_use]
    pub fn pixels(&self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }

    /// The size as it is to be shown.
    #[must_use]
    pub fn size(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    /// The size as stored.
    #[must_use]
    pub fn stored(&self) -> (u32, u32) {
        if swaps_sides(self.orientation) {
            (self.height, self.width)
        } else {
            (self.width, self.height)
        }
    }
}

fn swaps_sides(orientation: Orientation) -> bool {
    // The four that EXIF numbers from 5 on.
    orientation.to_exif() >= 5
}

/// A file of a known format that is not as it should be.
fn damaged(format: Format, why: impl fmt::Display) -> Error {
    let name = format.name();
    Error::new(BAD_IMAGE, format!("the {name} picture is damaged: {why}"))
}

/// A file that its decoder gave up on: what exactly it said is for the log.
fn undecodable(
    format: Format,
    cause: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> Error {
    damaged(format, "it cannot be decoded").because(cause)
}

/// The error of a decoder for a file that ends too soon: that is the reason, and not damage.
fn cut_short(probe: &Probe, error: Error) -> Error {
    if !probe.truncated || error.code() != BAD_IMAGE {
        return error;
    }
    let name = probe.format.name();
    let message = format!("the {name} picture was cut short, and nothing of it can be shown");
    Error::new(BAD_IMAGE, message).because(format!("{error:?}"))
}
