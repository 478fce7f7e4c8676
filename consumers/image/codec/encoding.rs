//! The formats that results are written in.

use waterway::Error;

use super::Format;
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

    /// Whether the program was built to write it.
    #[must_use]
    pub fn is_built_in(self) -> bool {
        !matches!(self, Self::Avif(_)) || cfg!(feature = "avif")
    }

    /// How a picture that came in this format is written where nobody says otherwise.
    #[must_use]
    pub fn like(format: Format) -> Self {
        match format {
            Format::Jpeg => Self::Jpeg(Self::JPEG_QUALITY),
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
            Self::Webp => 16_383,
            Self::Avif(_) => 32_768,
            Self::Jpeg(_) => 65_500,
            Self::Png | Self::Gif => 65_535,
        }
    }

    /// The format that it writes.
    #[must_use]
    pub fn format(self) -> Format {
        match self {
            Self::Jpeg(_) => Format::Jpeg,
            Self::Png => Format::Png,
            Self::Webp => Format::Webp,
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
