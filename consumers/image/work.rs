//! A picture under work, as it passes from step to step.

use image::DynamicImage;
use image::metadata::Orientation;
use serde_json::{Map, Value};
use waterway::Error;

use super::codec::{Format, Limits};
use super::geometry::{self, Geometry};
use super::profile::Profile;
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
}

/// What the steps of a pipeline work on, one after the other.
#[derive(Debug)]
pub struct Work<'a> {
    /// The picture, upright: one of the four kinds of 8 bits a sample, grey or RGB, with or
    /// without alpha.
    pub picture: DynamicImage,
    /// What is known of the file it came in.
    pub source: &'a Source<'a>,
    /// The picture's colour profile; without one it is in sRGB.
    pub profile: Option<Profile>,
    /// The fields that steps such as `info` add to the answer.
    pub fields: Map<String, Value>,
    /// What no step may go beyond.
    pub limits: &'a Limits,
}

impl<'a> Work<'a> {
    /// A picture in sRGB before its first step.
    #[must_use]
    pub fn new(picture: DynamicImage, source: &'a Source<'a>, limits: &'a Limits) -> Self {
        use DynamicImage::{ImageLuma8, ImageLumaA8, ImageRgb8, ImageRgba8};
        let picture = match picture {
            eight @ (ImageLuma8(_) | ImageLumaA8(_) | ImageRgb8(_) | ImageRgba8(_)) => eight,
            other => other.to_rgba8().into(),
        };
        Self { picture, source, profile: None, fields: Map::new(), limits }
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

    /// Converts the picture to sRGB, which the colours that steps bring are in. A picture whose
    /// profile cannot be used stays as it is.
    pub(super) fn bring_to_srgb(&mut self) {
        if let Some(profile) = self.profile.take_if(|profile| !profile.is_srgb())
            && !profile.to_srgb(&mut self.picture)
        {
            self.profile = Some(profile);
        }
    }

    /// Converts a copy or a small version of the picture to sRGB.
    pub(super) fn show(&self, copy: &mut DynamicImage) {
        if let Some(profile) = &self.profile {
            profile.to_srgb(copy);
        }
    }

    /// Colours of the picture as sRGB has them.
    pub(super) fn shown(&self, colours: Vec<[u8; 3]>) -> Vec<[u8; 3]> {
        match &self.profile {
            Some(profile) => profile.shown(&colours),
            None => colours,
        }
    }

    /// Whether a step may make a picture of this size.
    pub(super) fn check(&self, step: &str, size: (u32, u32)) -> Result<(), Error> {
        geometry::check(step, self.source.size, size, self.limits)
    }
}
