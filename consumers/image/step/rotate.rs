//! `{ rotate = 90 }`: turned, clockwise.

use image::DynamicImage;
use serde::Deserialize;
use serde::de::Deserializer;
use waterway::Error;

use self::sampling::Turn;
use super::about::{About, Group, Key, Kind, Takes};
use super::parse::short_or_table;
use super::value::{Colour, within};
use crate::image::pixels;
use crate::image::work::Work;

mod sampling;

/// By how much, and what stands in the corners that this leaves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rotate {
    /// 0 up to 360, without the latter.
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

impl TryFrom<f64> for Degrees {
    type Error = String;

    fn try_from(degrees: f64) -> Result<Self, String> {
        within("rotate", degrees, -360.0..=360.0).map(Self)
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
    /// How many quarters, when it is a whole number of them.
    fn quarters(self) -> Option<u8> {
        let quarters = self.degrees / 90.0;
        // 0 to 4, since degrees are below 360 but for rounding.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        (quarters.fract() == 0.0).then_some(quarters as u8 % 4)
    }
}

impl Kind for Rotate {
    const ABOUT: About = About {
        name: "rotate",
        group: Group::Shape,
        takes: Takes::Value,
        summary: "turned clockwise, by a quarter or any angle",
        details: "Degrees, -360 to 360. The picture grows to hold its corners, and the background stands in the new ones.",
        examples: &["{ rotate = 90 }", "{ rotate = { degrees = -3.5, background = \"#202020\" } }"],
        keys: &[
            Key { name: "degrees", meaning: "clockwise, -360 to 360", default: "" },
            Key {
                name: "background",
                meaning: "what stands in the new corners; one with alpha makes the picture so",
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

    fn apply(&self, work: &mut Work<'_>) -> Result<(), Error> {
        let size = self.size_after(work.size());
        work.check("rotate", size)?;
        match self.quarters() {
            Some(0) => {}
            Some(1) => work.picture = work.picture.rotate90(),
            Some(2) => image::imageops::rotate180_in_place(&mut work.picture),
            Some(_) => work.picture = work.picture.rotate270(),
            None => {
                work.bring_to_srgb();
                let picture = pixels::taking(std::mem::take(&mut work.picture), self.background);
                work.picture = self.turned(&picture)?;
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
