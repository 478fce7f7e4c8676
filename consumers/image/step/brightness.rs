//! `{ brightness = 1.2 }`: lighter or darker.

use serde::Deserialize;
use waterway::Error;

use super::about::{About, Group, Kind, Takes};
use super::value::within;
use crate::image::pixels::{look_up, table};
use crate::image::work::Work;

/// A factor of each sample.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(try_from = "f64")]
pub(super) struct Brightness(f64);

impl TryFrom<f64> for Brightness {
    type Error = String;

    fn try_from(value: f64) -> Result<Self, String> {
        within("brightness", value, 0.0..=10.0).map(Self)
    }
}

impl Kind for Brightness {
    const ABOUT: About = About {
        name: "brightness",
        group: Group::Colour,
        takes: Takes::Value,
        summary: "lighter or darker by a factor",
        details: "Each sample times the factor, 0 to 10; 1 leaves it. As CSS's `brightness()`.",
        examples: &["{ brightness = 1.2 }"],
        ..About::PLAIN
    };

    // Below 1 no sample is cut, and what is not cut is mixed alike before and after.
    fn commutes_with_grey(&self) -> bool {
        self.0 <= 1.0
    }

    fn apply(&self, work: &mut Work<'_>) -> Result<(), Error> {
        let Self(value) = *self;
        look_up(&mut work.picture, &table(|sample| sample * value));
        Ok(())
    }
}
