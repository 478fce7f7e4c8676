//! `{ contrast = 1.2 }`: changes the contrast.

use serde::Deserialize;

use super::about::{About, Group, Kind, Takes};
use super::shape::Shape;
use crate::error::Error;
use crate::pixels::{look_up, table};
use crate::workpiece::Workpiece;

/// The factor of each sample's distance from middle grey.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(try_from = "f64")]
pub(super) struct Contrast(f64);

const FACTOR: Shape = Shape::Number(0.0, 10.0);

impl TryFrom<f64> for Contrast {
    type Error = String;

    fn try_from(value: f64) -> Result<Self, String> {
        FACTOR.number("contrast", value).map(Self)
    }
}

impl Kind for Contrast {
    const ABOUT: About = About {
        name: "contrast",
        group: Group::Colour,
        takes: Takes::Value,
        summary: "changes the contrast",
        details: "Each sample's distance from middle grey is multiplied by the factor, 0 to 10; 1 changes nothing. It does the same as `contrast()` in CSS.",
        examples: &["{ contrast = 1.2 }"],
        value: Some(FACTOR),
        ..About::PLAIN
    };

    // Up to 1 no sample is clamped, and unclamped samples mix alike before and after.
    fn commutes_with_grey(&self) -> bool {
        self.0 <= 1.0
    }

    fn apply(&self, piece: &mut Workpiece<'_>) -> Result<(), Error> {
        let Self(value) = *self;
        look_up(&mut piece.picture, &table(|sample| (sample - 0.5) * value + 0.5));
        Ok(())
    }
}
