//! `{ blur = 2.0 }`: blurs.

use serde::Deserialize;

use super::about::{About, Group, Kind, Takes};
use super::shape::Shape;
use crate::error::Error;
use crate::gaussian;
use crate::pixels::premultiplied;
use crate::workpiece::Workpiece;

/// The blur's radius, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(try_from = "f64")]
pub(crate) struct Sigma(f64);

impl Sigma {
    pub(super) const SHAPE: Shape = Shape::NumberAbove(0.0, 100.0);

    pub(crate) fn get(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Sigma {
    type Error = String;

    fn try_from(sigma: f64) -> Result<Self, String> {
        Self::SHAPE.number("sigma", sigma).map(Self)
    }
}

/// The sigma of the Gaussian, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(transparent)]
pub(super) struct Blur(Sigma);

impl Kind for Blur {
    const ABOUT: About = About {
        name: "blur",
        group: Group::Detail,
        takes: Takes::Value,
        summary: "blurs, with a Gaussian",
        details: "The value is the sigma in px, above 0 and at most 100.",
        examples: &["{ blur = 2.0 }"],
        value: Some(Sigma::SHAPE),
        ..About::PLAIN
    };

    fn apply(&self, piece: &mut Workpiece<'_>) -> Result<(), Error> {
        let buffers = &mut *piece.buffers;
        premultiplied(&mut piece.picture, |picture| gaussian::blur(picture, self.0.get(), buffers))
    }
}
