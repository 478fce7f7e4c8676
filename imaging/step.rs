//! The steps of pipelines, and the form in which a table lists them.
//!
//! A step without a value is its name, `"grayscale"`; a step with a value is a table of one key,
//! `{ fit = [320, 320] }`. To add a step, add a file in `step/` with a type that implements `Kind`,
//! its `mod` line, and a line in the list below. Its [`About`] decides how it is read, checked and
//! documented.

mod about;
mod blur;
mod blurhash;
mod brightness;
mod contrast;
mod cover;
mod crop;
mod exif;
mod fill;
mod fit;
mod flatten;
mod flip;
mod format;
mod gamma;
mod grayscale;
mod histogram;
mod info;
mod pad;
mod palette;
mod parse;
mod phash;
mod rotate;
mod round;
mod saturation;
mod shape;
mod sharpen;
mod sharpness;
mod short;
mod srgb;
mod strip;
#[cfg(test)]
mod tests;
mod thumbhash;
mod trim;
pub(crate) mod value;
mod watermark;
mod zoom;

use std::path::Path;

pub use about::{About, Group, Key, Takes};
use serde::de::MapAccess;
use serde_json::{Map, Value};
pub use shape::Shape;

use self::about::Kind;
use crate::encoding::Encoding;
use crate::error::Error;
use crate::geometry::Geometry;
use crate::profile::Profile;
use crate::workpiece::{Source, Workpiece};

/// One step.
#[derive(Debug, Clone, PartialEq)]
pub struct Step(Any);

/// Lists the kinds of steps, one type each, in the documentation's order.
macro_rules! steps {
    ($($module:ident::$kind:ident,)*) => {
        /// A step of any kind.
        #[derive(Debug, Clone, PartialEq)]
        enum Any {
            $($kind($module::$kind),)*
        }

        const NAMES: &[&str] = &[$($module::$kind::ABOUT.name),*];

        impl Any {
            /// The step of a name alone; `index` is the name's index in the list.
            fn bare(index: usize) -> Option<Self> {
                let bare: &[fn() -> Option<Self>] =
                    &[$(|| $module::$kind::bare().map(Self::$kind)),*];
                bare.get(index).and_then(|bare| bare())
            }

            /// Reads the value after a name, whose index in the list is `index`.
            fn read<'de, A: MapAccess<'de>>(index: usize, map: &mut A) -> Result<Self, A::Error> {
                let read: &[fn(&mut A) -> Result<Self, A::Error>] =
                    &[$(|map| map.next_value().map(Self::$kind)),*];
                read[index](map)
            }
        }

        impl Step {
            /// The declarations of all steps.
            pub const ALL: &[&About] = &[$(&$module::$kind::ABOUT),*];

            /// Its declaration.
            #[must_use]
            pub fn about(&self) -> &'static About {
                match &self.0 {
                    $(Any::$kind(_) => &$module::$kind::ABOUT,)*
                }
            }

            /// The geometry of a step that only cuts and resizes (zoom, fit, fill, crop, and cover
            /// with a fixed gravity), for a picture of this size; `None` for all other steps.
            ///
            /// # Errors
            /// The inner result is `ErrorKind::StepFailed` if there is nothing to cut out.
            #[must_use]
            pub fn geometry(&self, size: (u32, u32)) -> Option<Result<Geometry, Error>> {
                match &self.0 {
                    $(Any::$kind(step) => step.geometry(size),)*
                }
            }

            /// The file that it needs, which [`load`](Self::load) takes.
            #[must_use]
            pub fn file(&self) -> Option<&Path> {
                match &self.0 {
                    $(Any::$kind(step) => step.file(),)*
                }
            }

            /// Takes the content of its [`file`](Self::file), before the step is applied.
            ///
            /// # Errors
            /// The fault of the file, for the author of the pipeline.
            pub fn load(&mut self, file: Vec<u8>) -> Result<(), String> {
                match &mut self.0 {
                    $(Any::$kind(step) => step.load(file),)*
                }
            }

            /// The largest sides that its result can have, if the picture's sides are at most
            /// these.
            #[must_use]
            pub fn size_after(&self, size: (u32, u32)) -> (u32, u32) {
                match &self.0 {
                    $(Any::$kind(step) => step.size_after(size),)*
                }
            }

            /// The largest sides of a picture in between: a change of size is done across first,
            /// then down.
            #[must_use]
            pub fn size_between(&self, size: (u32, u32)) -> (u32, u32) {
                match &self.0 {
                    $(Any::$kind(step) => step.size_between(size),)*
                }
            }

            /// Whether its result made grey equals, within rounding, its result for the grey
            /// picture, with the same fields of the answer. A pipeline that becomes grey after only
            /// such steps may begin with grey.
            #[must_use]
            pub fn commutes_with_grey(&self) -> bool {
                match &self.0 {
                    $(Any::$kind(step) => step.commutes_with_grey(),)*
                }
            }

            /// Whether its result is grey.
            #[must_use]
            pub fn makes_grey(&self) -> bool {
                match &self.0 {
                    $(Any::$kind(step) => step.makes_grey(),)*
                }
            }

            /// Whether it looks at the pixels; a step that only reads metadata or chooses the
            /// format does not.
            #[must_use]
            pub fn needs_pixels(&self) -> bool {
                match &self.0 {
                    $(Any::$kind(step) => step.needs_pixels(),)*
                }
            }

            /// The encoding that it chooses for the result.
            #[must_use]
            pub fn encoding(&self) -> Option<Encoding> {
                match &self.0 {
                    $(Any::$kind(step) => step.encoding(),)*
                }
            }

            /// Does a step that does not [need pixels](Self::needs_pixels): it may take the
            /// picture's profile away, and add to the fields of the answer.
            pub fn apply_without_pixels(
                &self,
                source: &Source<'_>,
                profile: &mut Option<Profile>,
                fields: &mut Map<String, Value>,
            ) {
                match &self.0 {
                    $(Any::$kind(step) => step.apply_without_pixels(source, profile, fields),)*
                }
            }

            /// Does a step that [needs pixels](Self::needs_pixels).
            ///
            /// # Errors
            /// [`StepFailed`](crate::ErrorKind::StepFailed) when it cannot be done on this picture,
            /// or its result would be beyond the limits; [`Enlarged`](crate::ErrorKind::Enlarged);
            /// [`NoMemory`](crate::ErrorKind::NoMemory); [`Failed`](crate::ErrorKind::Failed).
            pub fn apply(&self, piece: &mut Workpiece<'_>) -> Result<(), Error> {
                match &self.0 {
                    $(Any::$kind(step) => step.apply(piece),)*
                }
            }
        }
    };
}

steps! {
    zoom::Zoom,
    fit::Fit,
    fill::Fill,
    cover::Cover,
    crop::Crop,
    trim::Trim,
    rotate::Rotate,
    flip::Flip,
    pad::Pad,
    round::Round,
    flatten::Flatten,
    grayscale::Grayscale,
    brightness::Brightness,
    contrast::Contrast,
    gamma::Gamma,
    saturation::Saturation,
    srgb::Srgb,
    blur::Blur,
    sharpen::Sharpen,
    watermark::Watermark,
    format::Jpeg,
    format::Png,
    format::Webp,
    format::Gif,
    format::Avif,
    strip::Strip,
    info::Info,
    exif::Exif,
    palette::Palette,
    histogram::Histogram,
    sharpness::Sharpness,
    thumbhash::Thumbhash,
    blurhash::Blurhash,
    phash::Phash,
}

impl Step {
    /// Its name in a pipeline.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.about().name
    }

    /// Whether it leaves only the picture in the result's file.
    #[must_use]
    pub fn strips(&self) -> bool {
        matches!(self.0, Any::Strip(_))
    }

    /// Grey, by the weights of Rec. 601: the default pipeline, for a header without `rType`.
    #[must_use]
    pub fn grayscale() -> Self {
        Self(Any::Grayscale(grayscale::Grayscale))
    }
}
