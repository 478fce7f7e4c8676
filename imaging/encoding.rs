//! The formats in which results are written.

use crate::error::Error;
use crate::format::Format;
use crate::probe::Probe;

/// A format and its settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Baseline JPEG, 4:2:0, of this quality: 1 to 100.
    Jpeg(u8),
    /// PNG, compressed fast.
    Png,
    /// Lossless WebP.
    Webp,
    /// Lossy WebP of this quality, 1 to 100, with the feature `turbo`.
    LossyWebp(u8),
    /// GIF, of 256 colours.
    Gif,
    /// AVIF of this quality, 1 to 100, with the feature `avif`.
    Avif(u8),
}

impl Encoding {
    /// The Tornado program's JPEG quality: its loss cannot be seen.
    pub const JPEG_QUALITY: u8 = 95;

    /// A quality of AVIF whose loss can barely be seen.
    pub const AVIF_QUALITY: u8 = 80;

    /// The quality of a lossy WebP. If the originals were WebP of quality 75 or 85, halved pictures
    /// keep 37 to 43 dB with it. JPEG needs a quality between 90 and 95 for that. The result has
    /// half to three quarters of the original's bytes. Quality 95 keeps 2 dB more in 1.2 to 1.7
    /// times the bytes.
    pub const WEBP_QUALITY: u8 = 90;

    /// The quality of the JPEG from a codec that cannot write a lossy WebP.
    pub const INSTEAD_OF_WEBP: u8 = 90;

    /// The cargo feature that is needed to write this format, if the crate was built without it.
    #[must_use]
    pub fn missing_feature(self) -> Option<&'static str> {
        match self {
            Self::Avif(_) if cfg!(not(feature = "avif")) => Some("avif"),
            Self::LossyWebp(_) if cfg!(not(feature = "turbo")) => Some("turbo"),
            _ => None,
        }
    }

    /// The default encoding for a picture from a file of this format.
    #[must_use]
    pub fn like(probe: &Probe) -> Self {
        match probe.format {
            Format::Jpeg => Self::Jpeg(Self::JPEG_QUALITY),
            Format::Webp if probe.lossy_webp => Self::LossyWebp(Self::WEBP_QUALITY),
            Format::Webp => Self::Webp,
            Format::Png | Format::Gif | Format::Avif => Self::Png,
        }
    }

    /// The longest side in pixels that programs can read.
    #[must_use]
    pub fn side_max(self) -> u32 {
        match self {
            // WEBP_MAX_DIMENSION of libwebp, AVIF_DEFAULT_IMAGE_DIMENSION_LIMIT of libavif and
            // JPEG_MAX_DIMENSION of libjpeg: other programs could not read longer sides.
            Self::Webp | Self::LossyWebp(_) => 16_383,
            Self::Avif(_) => 32_768,
            Self::Jpeg(_) => 65_500,
            Self::Png | Self::Gif => 65_535,
        }
    }

    /// The most pixels of a picture with transparency that is written as lossy WebP.
    pub(crate) const TRANSPARENT_WEBP_MAX: u64 = 4_000_000;

    /// Further memory of its encoder for a picture of this many pixels, in bytes.
    ///
    /// libwebp holds the picture as ARGB and as YUV, and the file twice. Measured on noise, which
    /// makes the largest files: up to 7.5 bytes a pixel, 11.1 at quality 100, and 38 with
    /// transparency.
    #[must_use]
    pub fn held(self, pixels: u64) -> u64 {
        match self {
            Self::LossyWebp(quality) if cfg!(feature = "turbo") => {
                let opaque = if quality <= 90 { 8 } else { 12 };
                pixels.saturating_mul(opaque).max(pixels.min(Self::TRANSPARENT_WEBP_MAX) * 40)
            }
            _ => 0,
        }
    }

    /// The format that it writes.
    #[must_use]
    pub fn format(self) -> Format {
        match self {
            Self::Jpeg(_) => Format::Jpeg,
            Self::Png => Format::Png,
            Self::Webp | Self::LossyWebp(_) => Format::Webp,
            Self::Gif => Format::Gif,
            Self::Avif(_) => Format::Avif,
        }
    }

    /// Refuses a size that the format cannot hold.
    ///
    /// # Errors
    /// [`StepFailed`](crate::ErrorKind::StepFailed), with the longest side that
    /// the format can hold.
    pub fn check_side(self, (width, height): (u32, u32)) -> Result<(), Error> {
        let most = self.side_max();
        if width.max(height) <= most {
            return Ok(());
        }
        let name = self.format().name();
        let message = format!(
            "the result is {width} × {height} pixels, and a {name} holds sides of at most {most}: \
             make it smaller, or write another format"
        );
        Err(Error::step_failed(message))
    }
}
