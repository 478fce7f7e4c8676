//! `{ gamma = 1.4 }`: makes middle tones lighter or darker.

use serde::Deserialize;

use super::about::{About, Group, Kind, Takes};
use super::shape::Shape;
use crate::error::Error;
use crate::pixels::{look_up, table};
use crate::workpiece::Workpiece;

/// The inverse of each sample's exponent.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(try_from = "f64")]
pub(super) struct Gamma(f64);

const GAMMA: Shape = Shape::Number(0.1, 10.0);

impl TryFrom<f64> for Gamma {
    type Error = String;

    fn try_from(value: f64) -> Result<Self, String> {
        GAMMA.number("gamma", value).map(Self)
    }
}

impl Kind for Gamma {
    const ABOUT: About = About {
        name: "gamma",
        group: Group::Colour,
        takes: Takes::Value,
        summary: "makes middle tones lighter or darker; black and white stay",
        details: "Each sample, between 0 and 1, is raised to the power of 1 / gamma. Gamma is 0.1 to 10; above 1 is lighter.",
        examples: &["{ gamma = 1.4 }"],
        value: Some(GAMMA),
        ..About::PLAIN
    };

    fn commutes_with_grey(&self) -> bool {
        false
    }

    fn apply(&self, piece: &mut Workpiece<'_>) -> Result<(), Error> {
        let Self(value) = *self;
        look_up(&mut piece.picture, &table(|sample| sample.powf(1.0 / value)));
        Ok(())
    }
}
