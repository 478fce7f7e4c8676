//! `{ brightness = 1.2 }`: makes the picture lighter or darker.

use serde::Deserialize;

use super::about::{About, Group, Kind, Takes};
use super::shape::Shape;
use crate::error::Error;
use crate::pixels::{look_up, table};
use crate::workpiece::Workpiece;

/// The factor of each sample.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(try_from = "f64")]
pub(super) struct Brightness(f64);

const FACTOR: Shape = Shape::Number(0.0, 10.0);

impl TryFrom<f64> for Brightness {
    type Error = String;

    fn try_from(value: f64) -> Result<Self, String> {
        FACTOR.number("brightness", value).map(Self)
    }
}

impl Kind for Brightness {
    const ABOUT: About = About {
        name: "brightness",
        group: Group::Colour,
        takes: Takes::Value,
        summary: "makes the picture lighter or darker",
        details: "Each sample is multiplied by the factor, 0 to 10; 1 changes nothing. It does the same as `brightness()` in CSS.",
        examples: &["{ brightness = 1.2 }"],
        value: Some(FACTOR),
        ..About::PLAIN
    };

    // Up to 1 no sample is clamped, and unclamped samples mix alike before and after.
    fn commutes_with_grey(&self) -> bool {
        self.0 <= 1.0
    }

    fn apply(&self, piece: &mut Workpiece<'_>) -> Result<(), Error> {
        let Self(value) = *self;
        look_up(&mut piece.picture, &table(|sample| sample * value));
        Ok(())
    }
}
