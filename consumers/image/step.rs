//! The steps that a pipeline is made of, as `routing.toml` writes them.
//!
//! A step that needs no value is its name, `"grayscale"`; one that takes a value is a table of one
//! key, `{ fit = [320, 320] }`. To add one: a file in `step/` with a type that is a `Kind`, its
//! `mod` line, and a line in the list below. How it is read, checked and documented follows from
//! its [`About`].

mod about;
mod blur;
mod blurhash;
mod brightness;
mod contrast;
mod cover;
mod crop;
pub mod document;
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
mod sharpen;
mod sharpness;
mod srgb;
mod strip;
#[cfg(test)]
mod tests;
mod thumbhash;
mod trim;
pub(super) mod value;
mod watermark;
mod zoom;

use std::path::PathBuf;

use serde::de::MapAccess;
use waterway::Error;

pub use about::{About, Group, Key, Takes};

use self::about::Kind;
use super::codec::Encoding;
use super::geometry::Geometry;
use super::work::Work;

/// One step.
#[derive(Debug, Clone, PartialEq)]
pub struct Step(Any);

/// Lists the kinds of steps: one type each, in the order of the documentation.
macro_rules! steps {
    ($($module:ident::$kind:ident,)*) => {
        /// A step of any kind.
        #[derive(Debug, Clone, PartialEq)]
        enum Any {
            $($kind($module::$kind),)*
        }

        const NAMES: &[&str] = &[$($module::$kind::ABOUT.name),*];

        impl Any {
            /// The step that a name alone stands for; the name is given by its place in the list.
            fn bare(index: usize) -> Option<Self> {
                let bare: &[fn() -> Option<Self>] =
                    &[$(|| $module::$kind::bare().map(Self::$kind)),*];
                bare.get(index).and_then(|bare| bare())
            }

            /// Reads the value behind a name, which is given by its place in the list.
            fn read<'de, A: MapAccess<'de>>(index: usize, map: &mut A) -> Result<Self, A::Error> {
                let read: &[fn(&mut A) -> Result<Self, A::Error>] =
                    &[$(|map| map.next_value().map(Self::$kind)),*];
                read[index](map)
            }
        }

        impl Step {
            /// What every step says of itself.
            pub const ALL: &[&About] = &[$(&$module::$kind::ABOUT),*];

            /// What it says of itself.
            #[must_use]
            pub fn about(&self) -> &'static About {
                match &self.0 {
                    $(Any::$kind(_) => &$module::$kind::ABOUT,)*
                }
            }

            /// What a step that only cuts and resizes (zoom, fit, fill, crop, and cover when its
            /// gravity is fixed) does to a picture of this size; nothing for all others.
            ///
            /// # Errors
            /// `step_failed`, within: there is nothing to cut out.
            #[must_use]
            pub fn geometry(&self, size: (u32, u32)) -> Option<Result<Geometry, Error>> {
                match &self.0 {
                    $(Any::$kind(step) => step.geometry(size),)*
                }
            }

            /// The files that it has read.
            #[must_use]
            pub fn files(&self) -> &[PathBuf] {
                match &self.0 {
                    $(Any::$kind(step) => step.files(),)*
                }
            }

            /// The largest sides that it can leave of a picture whose sides are at most these.
            #[must_use]
            pub fn size_after(&self, size: (u32, u32)) -> (u32, u32) {
                match &self.0 {
                    $(Any::$kind(step) => step.size_after(size),)*
                }
            }

            /// The largest sides of what it makes of a picture on the way: a change of size is done
            /// across first, then down.
            #[must_use]
            pub fn size_between(&self, size: (u32, u32)) -> (u32, u32) {
                match &self.0 {
                    $(Any::$kind(step) => step.size_between(size),)*
                }
            }

            /// Whether grey of what it makes of a picture is, within rounding, grey of what it makes
            /// of the grey picture, with the same fields of the answer: a pipeline that becomes grey
            /// after such steps alone may begin grey.
            #[must_use]
            pub fn commutes_with_grey(&self) -> bool {
                match &self.0 {
                    $(Any::$kind(step) => step.commutes_with_grey(),)*
                }
            }

            /// Whether what it leaves is grey.
            #[must_use]
            pub fn makes_grey(&self) -> bool {
                match &self.0 {
                    $(Any::$kind(step) => step.makes_grey(),)*
                }
            }

            /// Whether it looks at the picture itself: what only reads the file's own words, or
            /// says how to write, does not.
            #[must_use]
            pub fn needs_pixels(&self) -> bool {
                match &self.0 {
                    $(Any::$kind(step) => step.needs_pixels(),)*
                }
            }

            /// What it says of how the result is written.
            #[must_use]
            pub fn encoding(&self) -> Option<Encoding> {
                match &self.0 {
                    $(Any::$kind(step) => step.encoding(),)*
                }
            }

            /// Does it.
            ///
            /// # Errors
            /// `step_failed` when it cannot be done on this picture, or its result would be beyond
            /// the limits; `bad_header` when it makes too much of too small a picture; `failed` for
            /// unforeseen faults.
            pub fn apply(&self, work: &mut Work<'_>) -> Result<(), Error> {
                match &self.0 {
                    $(Any::$kind(step) => step.apply(work),)*
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
    /// The name that `routing.toml` has for it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.about().name
    }

    /// Whether it leaves nothing but the picture in the result's file.
    #[must_use]
    pub fn strips(&self) -> bool {
        matches!(self.0, Any::Strip(_))
    }

    /// Grey, by the weights of Rec. 601: what a header without `rType` means where no pipeline is
    /// given.
    #[must_use]
    pub fn grayscale() -> Self {
        Self(Any::Grayscale(grayscale::Grayscale))
    }
}
