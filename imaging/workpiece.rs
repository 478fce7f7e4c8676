//! A picture in work, as it passes from step to step.

use image::DynamicImage;
use image::metadata::Orientation;
use serde_json::{Map, Value};

use crate::buffers::Buffers;
use crate::codec::{Index, metadata};
use crate::error::Error;
use crate::format::Format;
use crate::geometry::{self, Geometry};
use crate::limits::Limits;
use crate::probe::Probe;
use crate::profile::Profile;
use crate::resize;

/// The facts about the file of a picture.
#[derive(Debug, Clone)]
pub struct Source<'a> {
    /// Its format.
    pub format: Format,
    /// The size of the upright picture.
    pub size: (u32, u32),
    /// How the stored picture must be turned to be upright; this has been done.
    pub orientation: Orientation,
    /// Its EXIF block: a TIFF file.
    pub exif: Option<&'a [u8]>,
}

/// The picture on which the steps of a pipeline work, one after the other.
pub struct Workpiece<'a> {
    /// The picture, upright: one of the four kinds of 8 bits a sample, grey or RGB, with or
    /// without alpha.
    pub picture: DynamicImage,
    /// The facts about its file.
    pub source: &'a Source<'a>,
    /// The picture's colour profile; without one it is in sRGB.
    pub profile: Option<Profile>,
    /// The fields that steps such as `info` add to the answer.
    pub fields: Map<String, Value>,
    /// The limits on the results of steps.
    pub limits: &'a Limits,
    pub(crate) buffers: &'a mut Buffers,
}

impl<'a> Source<'a> {
    /// Of a file.
    #[must_use]
    pub fn of(index: &Index<'a>, probe: &Probe) -> Self {
        Self {
            format: probe.format,
            size: probe.size(),
            orientation: probe.orientation,
            exif: metadata::exif(index),
        }
    }
}

impl<'a> Workpiece<'a> {
    /// A picture in sRGB before its first step.
    pub(crate) fn new(
        picture: DynamicImage,
        source: &'a Source<'a>,
        limits: &'a Limits,
        buffers: &'a mut Buffers,
    ) -> Self {
        use DynamicImage::{ImageLuma8, ImageLumaA8, ImageRgb8, ImageRgba8};
        let picture = match picture {
            eight @ (ImageLuma8(_) | ImageLumaA8(_) | ImageRgb8(_) | ImageRgba8(_)) => eight,
            other => other.to_rgba8().into(),
        };
        Self { picture, source, profile: None, fields: Map::new(), limits, buffers }
    }

    /// The picture's size.
    #[must_use]
    pub fn size(&self) -> (u32, u32) {
        (self.picture.width(), self.picture.height())
    }

    /// Cuts and resizes the picture.
    ///
    /// # Errors
    /// `ErrorKind::StepFailed` if it would be beyond the limits, or `ErrorKind::Enlarged` if it
    /// enlarges a small picture too much.
    pub fn reshape(&mut self, step: &str, geometry: &Geometry) -> Result<(), Error> {
        geometry.check(step, self.source.size, self.limits)?;
        resize::reshape(&mut self.picture, geometry, self.buffers)
    }

    /// Converts the picture to sRGB, because the colours of steps are in sRGB. A picture whose
    /// profile cannot be used is unchanged.
    pub(crate) fn bring_to_srgb(&mut self) {
        if let Some(profile) = self.profile.take_if(|profile| !profile.is_srgb())
            && !profile.to_srgb(&mut self.picture)
        {
            self.profile = Some(profile);
        }
    }

    /// Converts a copy or a small version of the picture to sRGB.
    pub(crate) fn show(&self, copy: &mut DynamicImage) {
        if let Some(profile) = &self.profile {
            profile.to_srgb(copy);
        }
    }

    /// Colours of the picture, in sRGB.
    pub(crate) fn shown(&self, colours: Vec<[u8; 3]>) -> Vec<[u8; 3]> {
        match &self.profile {
            Some(profile) => profile.shown(&colours),
            None => colours,
        }
    }

    /// Whether a step may make a picture of this size.
    pub(crate) fn check(&self, step: &str, size: (u32, u32)) -> Result<(), Error> {
        geometry::check(step, self.source.size, size, self.limits)
    }
}
