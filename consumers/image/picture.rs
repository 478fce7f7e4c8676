//! A decoded picture: as pixels, or as the planes that a JPEG has within.

use image::metadata::Orientation;
use image::{DynamicImage, GrayImage};
use waterway::Error;

use super::geometry::Geometry;
use super::{planes, resize, scratch};

/// A picture in memory.
#[derive(Debug, Clone, PartialEq)]
pub enum Picture {
    /// Of 8 bits a sample: grey or RGB, with or without alpha.
    Pixels(DynamicImage),
    /// As a JPEG has it within. What was never made pixels need not be made planes again.
    Planes(Planes),
}

/// Brightness and, in planes that may be smaller, colour, in JFIF's full range.
#[derive(Debug, Clone, PartialEq)]
pub struct Planes {
    /// Y, of the picture's size.
    pub luma: GrayImage,
    /// Cb and Cr, of one size.
    pub chroma: [GrayImage; 2],
}

impl Picture {
    /// Width and height in pixels.
    #[must_use]
    pub fn size(&self) -> (u32, u32) {
        match self {
            Self::Pixels(pixels) => (pixels.width(), pixels.height()),
            Self::Planes(planes) => planes.luma.dimensions(),
        }
    }

    /// Whether no pixel lets through what is behind it.
    #[must_use]
    pub fn is_opaque(&self) -> bool {
        match self {
            Self::Pixels(DynamicImage::ImageRgba8(pixels)) => {
                pixels.pixels().all(|pixel| pixel.0[3] == u8::MAX)
            }
            Self::Pixels(DynamicImage::ImageLumaA8(pixels)) => {
                pixels.pixels().all(|pixel| pixel.0[1] == u8::MAX)
            }
            Self::Pixels(pixels) => !pixels.color().has_alpha(),
            Self::Planes(_) => true,
        }
    }

    /// A rectangle of the picture in another size. Planes of colour come to half the size of the
    /// picture each way, which is how they are written.
    pub(super) fn reshape(self, geometry: &Geometry) -> Result<Self, Error> {
        match self {
            Self::Pixels(DynamicImage::ImageLuma8(luma)) if geometry.is_larger() => {
                planes::plane(luma, geometry).map(|luma| Self::Pixels(luma.into()))
            }
            Self::Pixels(mut pixels) => {
                resize::reshape(&mut pixels, geometry)?;
                Ok(Self::Pixels(pixels))
            }
            Self::Planes(planes) => planes::reshape(planes, geometry).map(Self::Planes),
        }
    }

    /// The picture turned as its camera was held.
    #[must_use]
    pub fn turned(self, orientation: Orientation) -> Self {
        if orientation == Orientation::NoTransforms {
            return self;
        }
        let turned = |plane: GrayImage| {
            let mut plane = DynamicImage::ImageLuma8(plane);
            plane.apply_orientation(orientation);
            plane.into_luma8()
        };
        match self {
            Self::Pixels(mut pixels) => {
                pixels.apply_orientation(orientation);
                Self::Pixels(pixels)
            }
            Self::Planes(Planes { luma, chroma }) => {
                Self::Planes(Planes { luma: turned(luma), chroma: chroma.map(turned) })
            }
        }
    }

    /// Gives its memory to the pictures that come.
    pub(super) fn recycle(self) {
        match self {
            Self::Pixels(DynamicImage::ImageLuma8(pixels)) => scratch::give(pixels.into_raw()),
            Self::Pixels(DynamicImage::ImageLumaA8(pixels)) => scratch::give(pixels.into_raw()),
            Self::Pixels(DynamicImage::ImageRgb8(pixels)) => scratch::give(pixels.into_raw()),
            Self::Pixels(DynamicImage::ImageRgba8(pixels)) => scratch::give(pixels.into_raw()),
            // Codecs give no other kind.
            Self::Pixels(_) => {}
            Self::Planes(Planes { luma, chroma }) => {
                scratch::give(luma.into_raw());
                for plane in chroma {
                    scratch::give(plane.into_raw());
                }
            }
        }
    }
}

impl From<DynamicImage> for Picture {
    fn from(pixels: DynamicImage) -> Self {
        Self::Pixels(pixels)
    }
}
