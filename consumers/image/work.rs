//! A picture under work, as it passes from step to step.

use image::DynamicImage;
use image::metadata::Orientation;
use serde_json::{Map, Value};
use waterway::Error;

use super::codec::{Format, Limits};
use super::geometry::{self, Geometry};
use super::resize;

/// What is known of the file that a picture came in.
#[derive(Debug, Clone)]
pub struct Source<'a> {
    /// Its format.
    pub format: Format,
    /// The picture's size, as it is to be shown.
    pub size: (u32, u32),
    /// How the stored picture has to be turned to be shown so; it has been.
    pub orientation: Orientation,
    /// Its EXIF block: a TIFF file.
    pub exif: Option<&'a [u8]>,
    /// Its ICC profile.
    pub icc: Option<&'a [u8]>,
}

/// What the steps of a pipeline work on, one after the other.
#[derive(Debug)]
pub struct Work<'a> {
    /// The picture, upright: one of the four kinds of 8 bits a sample, grey or RGB, with or
    /// without alpha.
    pub picture: DynamicImage,
    /// What is known of the file it came in.
    pub source: &'a Source<'a>,
    /// The ICC profile that the result has to carry to be shown right; none is sRGB.
    pub profile: Option<Vec<u8>>,
    /// The fields that steps such as `info` add to the answer.
    pub fields: Map<String, Value>,
    /// What no step may go beyond.
    pub limits: &'a Limits,
}

impl<'a> Work<'a> {
    /// A picture before its first step.
    #[must_use]
    pub fn new(picture: DynamicImage, source: &'a Source<'a>, limits: &'a Limits) -> Self {
        use DynamicImage::{ImageLuma8, ImageLumaA8, ImageRgb8, ImageRgba8};
        let picture = match picture {
            eight @ (ImageLuma8(_) | ImageLumaA8(_) | ImageRgb8(_) | ImageRgba8(_)) => eight,
            other => other.to_rgba8().into(),
        };
        let profile = source.icc.map(<[u8]>::to_vec);
        Self { picture, source, profile, fields: Map::new(), limits }
    }

    /// The picture's size.
    #[must_use]
    pub fn size(&self) -> (u32, u32) {
        (self.picture.width(), self.picture.height())
    }

    /// Cuts and resizes the picture.
    ///
    /// # Errors
    /// `step_failed` when it would be beyond the limits, or `bad_header` when it makes too much of
    /// too small a picture.
    pub fn reshape(&mut self, step: &str, geometry: &Geometry) -> Result<(), Error> {
        geometry.check(step, self.source.size, self.limits)?;
        resize::reshape(&mut self.picture, geometry)
    }

    /// Whether a step may make a picture of this size.
    pub(super) fn check(&self, step: &str, size: (u32, u32)) -> Result<(), Error> {
        geometry::check(step, self.source.size, size, self.limits)
    }
}
