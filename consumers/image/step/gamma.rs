//! `{ gamma = 1.4 }`: lighter or darker middle tones.

use serde::Deserialize;
use waterway::Error;

use super::about::{About, Group, Kind, Takes};
use super::value::within;
use crate::image::pixels::{look_up, table};
use crate::image::work::Work;

/// The inverse of the power that each sample is taken to.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(try_from = "f64")]
pub(super) struct Gamma(f64);

impl TryFrom<f64> for Gamma {
    type Error = String;

    fn try_from(value: f64) -> Result<Self, String> {
        within("gamma", value, 0.1..=10.0).map(Self)
    }
}

impl Kind for Gamma {
    const ABOUT: About = About {
        name: "gamma",
        group: Group::Colour,
        takes: Takes::Value,
        summary: "lighter or darker middle tones; black and white stay",
        details: "Each sample, between 0 and 1, to the power of 1 / gamma, which is 0.1 to 10: above 1 is lighter.",
        examples: &["{ gamma = 1.4 }"],
        ..About::PLAIN
    };

    fn commutes_with_grey(&self) -> bool {
        false
    }

    fn apply(&self, work: &mut Work<'_>) -> Result<(), Error> {
        let Self(value) = *self;
        look_up(&mut work.picture, &table(|sample| sample.powf(1.0 / value)));
        Ok(())
    }
}
