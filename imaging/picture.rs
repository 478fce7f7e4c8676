//! A decoded picture: as pixels, or as the planes of a JPEG.

use image::metadata::Orientation;
use image::{DynamicImage, GrayImage};

use crate::buffers::Buffers;

/// A picture in memory.
#[derive(Debug, Clone, PartialEq)]
pub enum Picture {
    /// With 8 bits a sample: grey or RGB, with or without alpha.
    Pixels(DynamicImage),
    /// As a JPEG stores it. Such a picture need not become pixels and then planes again.
    Planes(Planes),
}

/// Brightness, and colour in planes that may be smaller, in JFIF's full range.
#[derive(Debug, Clone, PartialEq)]
pub struct Planes {
    /// Y, in the picture's size.
    pub luma: GrayImage,
    /// Cb and Cr, both of one size.
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

    /// Whether no pixel is transparent, even in part.
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

    /// The picture turned upright, by the orientation of its camera.
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

    /// Gives its memory to later pictures.
    pub(crate) fn recycle(self, buffers: &mut Buffers) {
        match self {
            Self::Pixels(pixels) => buffers.recycle(pixels),
            Self::Planes(Planes { luma, chroma }) => {
                buffers.give(luma.into_raw());
                for plane in chroma {
                    buffers.give(plane.into_raw());
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
