//! `{ rotate = 90 }`: rotates clockwise.

use image::DynamicImage;
use serde::Deserialize;
use serde::de::Deserializer;

use self::sampling::Turn;
use super::about::{About, Group, Key, Kind, Takes};
use super::shape::Shape;
use super::short::short_or_table;
use crate::colour::Colour;
use crate::error::Error;
use crate::pixels;
use crate::workpiece::Workpiece;

mod sampling;

/// The angle, and the colour of the new corners.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rotate {
    /// From 0 up to 360, exclusive.
    degrees: f64,
    background: Colour,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    degrees: Degrees,
    #[serde(default = "white")]
    background: Colour,
}

fn white() -> Colour {
    Colour::WHITE
}

#[derive(Deserialize)]
#[serde(try_from = "f64")]
struct Degrees(f64);

const DEGREES: Shape = Shape::Number(-360.0, 360.0);

impl TryFrom<f64> for Degrees {
    type Error = String;

    fn try_from(degrees: f64) -> Result<Self, String> {
        DEGREES.number("rotate", degrees).map(Self)
    }
}

impl From<Degrees> for Table {
    fn from(degrees: Degrees) -> Self {
        Self { degrees, background: white() }
    }
}

impl<'de> Deserialize<'de> for Rotate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Table { degrees, background } = short_or_table::<_, Degrees, Table>(deserializer)?;
        Ok(Self { degrees: degrees.0.rem_euclid(360.0), background })
    }
}

impl Rotate {
    /// The number of quarter turns, if it is whole.
    fn quarters(self) -> Option<u8> {
        let quarters = self.degrees / 90.0;
        // 0 to 4, because degrees are below 360 except for rounding.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        (quarters.fract() == 0.0).then_some(quarters as u8 % 4)
    }
}

impl Kind for Rotate {
    const ABOUT: About = About {
        name: "rotate",
        group: Group::Shape,
        takes: Takes::Value,
        summary: "turns clockwise, by any angle",
        details: "The value is in degrees, -360 to 360. The picture grows to hold its corners, and the background fills the new corners.",
        examples: &["{ rotate = 90 }", "{ rotate = { degrees = -3.5, background = \"#202020\" } }"],
        value: Some(DEGREES),
        keys: &[
            Key { name: "degrees", shape: DEGREES, meaning: "clockwise, -360 to 360", default: "" },
            Key {
                name: "background",
                shape: Shape::Colour,
                meaning: "colour of the new corners; a colour with alpha makes the picture transparent",
                default: "\"white\"",
            },
        ],
    };

    fn size_after(&self, size: (u32, u32)) -> (u32, u32) {
        match self.quarters() {
            Some(0 | 2) => size,
            Some(_) => (size.1, size.0),
            None => Turn::new(size, self.degrees).size(),
        }
    }

    fn size_between(&self, size: (u32, u32)) -> (u32, u32) {
        self.size_after(size)
    }

    fn apply(&self, piece: &mut Workpiece<'_>) -> Result<(), Error> {
        let size = self.size_after(piece.size());
        piece.check("rotate", size)?;
        match self.quarters() {
            Some(0) => {}
            Some(1) => piece.picture = piece.picture.rotate90(),
            Some(2) => image::imageops::rotate180_in_place(&mut piece.picture),
            Some(_) => piece.picture = piece.picture.rotate270(),
            None => {
                piece.bring_to_srgb();
                let picture = pixels::taking(std::mem::take(&mut piece.picture), self.background);
                piece.picture = self.turned(&picture)?;
            }
        }
        Ok(())
    }
}

impl Rotate {
    fn turned(self, picture: &DynamicImage) -> Result<DynamicImage, Error> {
        let turn = Turn::new((picture.width(), picture.height()), self.degrees);
        let Colour([r, g, b, alpha]) = self.background;
        let grey = pixels::luma([r, g, b]);
        match pixels::channels(picture) {
            1 => turn.sample::<1>(picture, [grey]),
            2 => turn.sample::<2>(picture, [grey, alpha]),
            3 => turn.sample::<3>(picture, [r, g, b]),
            _ => turn.sample::<4>(picture, [r, g, b, alpha]),
        }
    }
}
