//! The steps that a pipeline is made of, as `routing.toml` writes them.
//!
//! A step that needs no value is its name, `"grayscale"`; one that takes a value is a table of one
//! key, `{ fit = [320, 320] }`. No step makes a picture larger, so what passes the limits stays
//! within them.

use std::fmt;

use serde::Deserialize;
use serde::de::value::StrDeserializer;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, Visitor};

use super::codec::Encoding;

#[cfg(test)]
mod tests;

/// One step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Step {
    /// `"grayscale"`: grey, by the weights of television (Rec. 601), as OpenCV has it.
    Grayscale,
    /// `"info"`: the picture's size, format and colours, as fields of the answer.
    Info,
    /// `{ fit = [320, 320] }`: into a box with its proportions kept; a smaller one is left alone.
    Fit(Fit),
    /// `{ crop = [x, y, width, height] }`: what of the picture lies within.
    Crop(Crop),
    /// `{ rotate = 90 }`: clockwise.
    Rotate(Rotate),
    /// `{ flip = "horizontal" }`: left becomes right; `"vertical"`: top becomes bottom.
    Flip(Flip),
    /// `{ blur = 2.0 }`: by a sigma in pixels.
    Blur(Sigma),
    /// `{ sharpen = 1.0 }`: an unsharp mask, by a sigma in pixels.
    Sharpen(Sigma),
    /// `"jpeg"`, `{ jpeg = { quality = 80 } }`, `"png"`, `"webp"`: the format of the result.
    Encode(Encoding),
}

impl Step {
    /// The name that `routing.toml` has for it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Grayscale => "grayscale",
            Self::Info => "info",
            Self::Fit(_) => "fit",
            Self::Crop(_) => "crop",
            Self::Rotate(_) => "rotate",
            Self::Flip(_) => "flip",
            Self::Blur(_) => "blur",
            Self::Sharpen(_) => "sharpen",
            Self::Encode(Encoding::Jpeg(_)) => "jpeg",
            Self::Encode(Encoding::Png) => "png",
            Self::Encode(Encoding::Webp) => "webp",
        }
    }
}

/// A box of 1 to 65535 pixels each way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "[u32; 2]")]
pub struct Fit {
    /// The most pixels across.
    pub width: u32,
    /// The most pixels down.
    pub height: u32,
}

impl TryFrom<[u32; 2]> for Fit {
    type Error = String;

    fn try_from([width, height]: [u32; 2]) -> Result<Self, String> {
        if (1..=65_535).contains(&width) && (1..=65_535).contains(&height) {
            return Ok(Self { width, height });
        }
        Err(format!("fit = [{width}, {height}]: each side of the box is 1 to 65535 pixels"))
    }
}

/// A part of a picture, in pixels from its upper left corner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "[u32; 4]")]
pub struct Crop {
    /// From the left.
    pub x: u32,
    /// From the top.
    pub y: u32,
    /// At least 1.
    pub width: u32,
    /// At least 1.
    pub height: u32,
}

impl TryFrom<[u32; 4]> for Crop {
    type Error = String;

    fn try_from([x, y, width, height]: [u32; 4]) -> Result<Self, String> {
        if width > 0 && height > 0 {
            return Ok(Self { x, y, width, height });
        }
        Err(format!("crop = [{x}, {y}, {width}, {height}]: width and height are at least 1 pixel"))
    }
}

/// A turn, clockwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "i64")]
pub enum Rotate {
    /// A quarter.
    Quarter,
    /// Upside down.
    Half,
    /// A quarter, anticlockwise.
    ThreeQuarters,
}

impl TryFrom<i64> for Rotate {
    type Error = String;

    fn try_from(degrees: i64) -> Result<Self, String> {
        match degrees {
            90 => Ok(Self::Quarter),
            180 => Ok(Self::Half),
            270 => Ok(Self::ThreeQuarters),
            _ => Err(format!("rotate = {degrees}: a turn is 90, 180 or 270 degrees")),
        }
    }
}

/// Which sides change places.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Flip {
    /// Left and right.
    Horizontal,
    /// Top and bottom.
    Vertical,
}

/// How far a blur reaches, in pixels: above 0 and at most 100.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(try_from = "f32")]
pub struct Sigma(f32);

impl Sigma {
    /// In pixels.
    #[must_use]
    pub fn get(self) -> f32 {
        self.0
    }
}

impl TryFrom<f32> for Sigma {
    type Error = String;

    fn try_from(sigma: f32) -> Result<Self, String> {
        if sigma > 0.0 && sigma <= 100.0 {
            return Ok(Self(sigma));
        }
        Err(format!("a sigma of {sigma} pixels: it is above 0 and at most 100"))
    }
}

/// The table behind `jpeg`.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Jpeg {
    quality: Quality,
}

impl Default for Jpeg {
    fn default() -> Self {
        Self { quality: Quality(Encoding::JPEG_QUALITY) }
    }
}

#[derive(Deserialize)]
#[serde(try_from = "i64")]
struct Quality(u8);

impl TryFrom<i64> for Quality {
    type Error = String;

    fn try_from(quality: i64) -> Result<Self, String> {
        match u8::try_from(quality) {
            Ok(fits @ 1..=100) => Ok(Self(fits)),
            _ => Err(format!("quality = {quality}: a JPEG's quality is 1 to 100")),
        }
    }
}

/// All names, so that a wrong one is answered with all the right ones.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Name {
    Grayscale,
    Info,
    Fit,
    Crop,
    Rotate,
    Flip,
    Blur,
    Sharpen,
    Jpeg,
    Png,
    Webp,
}

// By hand, because a derived enum takes `"jpeg"` or `{ jpeg = … }` and never both.
impl<'de> Deserialize<'de> for Step {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StepVisitor)
    }
}

struct StepVisitor;

impl<'de> Visitor<'de> for StepVisitor {
    type Value = Step;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a step: a name such as \"grayscale\" or a table such as { fit = [320, 320] }")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Step, E> {
        let example = match Name::deserialize(StrDeserializer::new(text))? {
            Name::Grayscale => return Ok(Step::Grayscale),
            Name::Info => return Ok(Step::Info),
            Name::Jpeg => return Ok(Step::Encode(Encoding::Jpeg(Encoding::JPEG_QUALITY))),
            Name::Png => return Ok(Step::Encode(Encoding::Png)),
            Name::Webp => return Ok(Step::Encode(Encoding::Webp)),
            Name::Fit => "{ fit = [320, 320] }",
            Name::Crop => "{ crop = [0, 0, 320, 320] }",
            Name::Rotate => "{ rotate = 90 }",
            Name::Flip => "{ flip = \"horizontal\" }",
            Name::Blur => "{ blur = 2.0 }",
            Name::Sharpen => "{ sharpen = 1.0 }",
        };
        Err(E::custom(format!("step \"{text}\" takes a value: {example}")))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Step, A::Error> {
        let Some(name) = map.next_key()? else {
            return Err(A::Error::invalid_length(0, &self));
        };
        let step = match name {
            Name::Fit => Step::Fit(map.next_value()?),
            Name::Crop => Step::Crop(map.next_value()?),
            Name::Rotate => Step::Rotate(map.next_value()?),
            Name::Flip => Step::Flip(map.next_value()?),
            Name::Blur => Step::Blur(map.next_value()?),
            Name::Sharpen => Step::Sharpen(map.next_value()?),
            Name::Jpeg => Step::Encode(Encoding::Jpeg(map.next_value::<Jpeg>()?.quality.0)),
            Name::Grayscale | Name::Info | Name::Png | Name::Webp => {
                let name = format!("{name:?}").to_lowercase();
                return Err(A::Error::custom(format!(
                    "step \"{name}\" takes no value: \"{name}\""
                )));
            }
        };
        if map.next_key::<IgnoredAny>()?.is_some() {
            return Err(A::Error::custom("a step is a table of one key; write two steps as two"));
        }
        Ok(step)
    }
}
