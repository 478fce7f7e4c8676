//! The properties of a file's picture that are known before it is decoded.

use image::metadata::Orientation;

use crate::format::Format;

/// The properties of a file's picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probe {
    /// The file's format.
    pub format: Format,
    /// The width in pixels of the upright picture.
    pub width: u32,
    /// The height in pixels of the upright picture.
    pub height: u32,
    /// How the stored picture must be turned to be upright.
    pub orientation: Orientation,
    /// How many samples a pixel has when it is decoded: 1 to 4.
    pub channels: u8,
    /// How many samples a pixel has as planes, in hundredths: 150 if two by two pixels share a
    /// sample of each colour. Only JPEGs are decoded as planes.
    pub planes: u32,
    /// Further memory of its decoder, in bytes: all coefficients of a progressive JPEG, or a GIF's
    /// frame in addition to its canvas.
    pub held: u64,
    /// Whether it is stored as four inks (CMYK).
    pub cmyk: bool,
    /// How many passes over the picture the file has: 1, except for progressive JPEGs.
    pub scans: u32,
    /// Whether the file ends before its picture does.
    pub truncated: bool,
    /// Whether it is a lossy WebP.
    pub lossy_webp: bool,
}

impl Probe {
    /// The properties of a picture that is stored in this size.
    pub(crate) fn new(
        format: Format,
        (mut width, mut height): (u32, u32),
        orientation: Orientation,
        truncated: bool,
    ) -> Self {
        if swaps_sides(orientation) {
            (width, height) = (height, width);
        }
        Self {
            format,
            width,
            height,
            orientation,
            channels: 4,
            planes: 0,
            held: 0,
            cmyk: false,
            scans: 1,
            truncated,
            lossy_webp: false,
        }
    }

    /// The number of pixels.
    #[must_use]
    pub fn pixels(&self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }

    /// The size of the upright picture.
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
    // EXIF's numbers from 5 on.
    orientation.to_exif() >= 5
}
