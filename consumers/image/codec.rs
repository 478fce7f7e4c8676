//! Pictures from bytes and back: the one place that knows picture formats.
//!
//! A [`Codec`] can be exchanged as a whole. [`built_in`] is the one that is built in; it is written in
//! Rust throughout, so it needs no C compiler and no memory of its own kind.

mod bytes;
mod encode;
mod gif;
mod jpeg;
pub mod metadata;
mod png;
mod pure;
#[cfg(test)]
pub(crate) mod samples;
#[cfg(test)]
mod tests;
mod webp;

use std::fmt;

use image::DynamicImage;
use image::metadata::Orientation;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use waterway::Error;

use super::code::BAD_IMAGE;

/// Decodes and encodes pictures.
pub trait Codec: Send + Sync {
    /// What a file says of itself, read from its header alone: takes no memory, and no longer than
    /// one pass over the file.
    ///
    /// # Errors
    /// `bad_image` when the file is of no format that is taken, or its header is damaged.
    fn probe(&self, file: &[u8]) -> Result<Probe, Error>;

    /// The picture, as 8-bit grey or RGB with or without alpha, standing upright. Of an animation
    /// it is the first frame.
    ///
    /// # Errors
    /// `bad_image` when the picture is beyond the limits, damaged, or cut short so far that nothing
    /// of it can be shown.
    fn decode(&self, file: &[u8], limits: &Limits) -> Result<Decoded, Error>;

    /// The picture as a file. A format without alpha shows the picture on white.
    ///
    /// # Errors
    /// `failed` when the encoder does not take the picture.
    fn encode(&self, picture: &DynamicImage, encoding: Encoding) -> Result<Vec<u8>, Error>;
}

/// The codec that is built in.
#[must_use]
pub fn built_in() -> &'static dyn Codec {
    &pure::Pure
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
    /// Whether the file ends before its picture does.
    pub truncated: bool,
}

impl Probe {
    /// From the size as stored, which turning may swap.
    fn new(
        format: Format,
        stored: (u32, u32),
        exif: Option<&[u8]>,
        truncated: bool,
    ) -> Result<Self, Error> {
        let (mut width, mut height) = stored;
        if width == 0 || height == 0 {
            return Err(damaged(format, "it has no size"));
        }
        let orientation =
            exif.and_then(Orientation::from_exif_chunk).unwrap_or(Orientation::NoTransforms);
        if swaps_sides(orientation) {
            (width, height) = (height, width);
        }
        Ok(Self { format, width, height, orientation, truncated })
    }

    /// The size as stored.
    fn stored(&self) -> (u32, u32) {
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

/// A picture that was decoded.
#[derive(Debug)]
pub struct Decoded {
    /// The picture, upright.
    pub picture: DynamicImage,
    /// Whether the file ended before its picture did, and grey stands for the rest.
    pub truncated: bool,
}

/// A format to write, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Baseline JPEG, 4:2:0, of this quality: 1 to 100.
    Jpeg(u8),
    /// PNG, compressed fast.
    Png,
    /// Lossless WebP.
    Webp,
}

impl Encoding {
    /// The seed's JPEG quality: what the picture loses to it cannot be seen.
    pub const JPEG_QUALITY: u8 = 95;

    /// How a picture that came in this format is written where nobody says otherwise.
    #[must_use]
    pub fn like(format: Format) -> Self {
        match format {
            Format::Jpeg => Self::Jpeg(Self::JPEG_QUALITY),
            Format::Webp => Self::Webp,
            Format::Png | Format::Gif => Self::Png,
        }
    }

    /// The format that it writes.
    #[must_use]
    pub fn format(self) -> Format {
        match self {
            Self::Jpeg(_) => Format::Jpeg,
            Self::Png => Format::Png,
            Self::Webp => Format::Webp,
        }
    }
}

/// How large a picture may be, before and after it is zoomed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// The most pixels, width × height. One takes up to 4 bytes decoded, and up to 10 more while a
    /// progressive JPEG is being decoded.
    #[serde(deserialize_with = "pixels")]
    pub pixels: u64,
    /// The longest side in pixels; no format that is written holds more than the default.
    #[serde(deserialize_with = "side")]
    pub side: u32,
}

impl Limits {
    /// The longest side that WebP can hold, the narrowest of the formats that are written.
    pub const SIDE_MAX: u32 = 16_383;

    /// Whether a picture of this size is within the limits.
    #[must_use]
    pub fn admit(&self, width: u32, height: u32) -> bool {
        width.max(height) <= self.side && u64::from(width) * u64::from(height) <= self.pixels
    }

    /// Refuses a picture that claims to be larger.
    ///
    /// # Errors
    /// `bad_image`.
    pub fn check(&self, probe: &Probe) -> Result<(), Error> {
        let Probe { width, height, .. } = *probe;
        if self.admit(width, height) {
            return Ok(());
        }
        let message = format!("the picture is {width} × {height} pixels, and {self} go");
        Err(Error::new(BAD_IMAGE, message))
    }
}

impl Default for Limits {
    /// 50 megapixels, as imgproxy has it.
    fn default() -> Self {
        Self { pixels: 50_000_000, side: Self::SIDE_MAX }
    }
}

impl fmt::Display for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at most {} pixels with no side above {}", self.pixels, self.side)
    }
}

fn pixels<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let pixels = u64::deserialize(deserializer)?;
    if pixels > 0 {
        return Ok(pixels);
    }
    Err(D::Error::custom("a picture of 0 pixels: a limit is at least 1"))
}

fn side<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let side = u32::deserialize(deserializer)?;
    if (1..=Limits::SIDE_MAX).contains(&side) {
        return Ok(side);
    }
    let message = format!("a side of {side} pixels: it is 1 to {}", Limits::SIDE_MAX);
    Err(D::Error::custom(message))
}

/// A file of a known format that is not as it should be.
fn damaged(format: Format, why: impl fmt::Display) -> Error {
    let name = format.extension();
    Error::new(BAD_IMAGE, format!("the {name} picture is damaged: {why}"))
}

/// A file that its decoder gave up on: what exactly it said is for the log.
fn undecodable(
    format: Format,
    cause: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> Error {
    damaged(format, "it cannot be decoded").because(cause)
}
