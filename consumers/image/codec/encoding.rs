//! The formats that results are written in.

use waterway::Error;

use super::{Format, Probe};
use crate::image::code::STEP_FAILED;

/// A format to write, and how.
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
    /// The seed's JPEG quality: what the picture loses to it cannot be seen.
    pub const JPEG_QUALITY: u8 = 95;

    /// A quality of AVIF at which what is lost can hardly be seen.
    pub const AVIF_QUALITY: u8 = 80;

    /// The quality of a lossy WebP. Halved pictures keep 37 to 43 dB at it if they came as WebP of
    /// quality 75 or 85. JPEG keeps as much at a quality between 90 and 95. The result has half to
    /// three quarters of the bytes that came; quality 95 keeps 2 dB more in a third more bytes.
    pub const WEBP_QUALITY: u8 = 90;

    /// The quality of the JPEG that a codec writes which cannot write a lossy WebP.
    pub const INSTEAD_OF_WEBP: u8 = 90;

    /// What the program was built without, if it cannot write it, and the way out on a second line.
    ///
    /// # Errors
    /// That text.
    pub fn built_in(self) -> Result<(), &'static str> {
        match self {
            Self::Avif(_) if cfg!(not(feature = "avif")) => {
                Err("this program was built without AVIF\n\
                     build it with: cargo build --release -p waterway-consumers --features avif")
            }
            Self::LossyWebp(_) if cfg!(not(feature = "turbo")) => {
                Err("this program was built without lossy WebP\n\
                     build it with: cargo build --release -p waterway-consumers --features turbo")
            }
            _ => Ok(()),
        }
    }

    /// How a picture that came in such a file is written where nobody says otherwise.
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
            // JPEG_MAX_DIMENSION of libjpeg: other programs could not read what is larger.
            Self::Webp | Self::LossyWebp(_) => 16_383,
            Self::Avif(_) => 32_768,
            Self::Jpeg(_) => 65_500,
            Self::Png | Self::Gif => 65_535,
        }
    }

    /// The most pixels of a picture with transparency that is written as lossy WebP.
    pub(super) const TRANSPARENT_WEBP_MAX: u64 = 4_000_000;

    /// What its encoder holds beside a picture of this many pixels, in bytes.
    ///
    /// libwebp holds the picture as ARGB and as YUV, and the file twice. Measured on noise, whose
    /// files are largest: up to 7.5 bytes a pixel, 11.1 at quality 100, and 38 with transparency.
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

    /// Refuses a size that its format cannot hold.
    ///
    /// # Errors
    /// `step_failed`, with the longest side that it can.
    pub(in crate::image) fn check_side(self, (width, height): (u32, u32)) -> Result<(), Error> {
        let most = self.side_max();
        if width.max(height) <= most {
            return Ok(());
        }
        let name = self.format().name();
        let message = format!(
            "the result is {width} × {height} pixels, and a {name} holds sides of at most {most}: \
             make it smaller, or write another format"
        );
        Err(Error::new(STEP_FAILED, message))
    }
}
