//! `{ blur = 2.0 }`: softer.

use serde::Deserialize;
use waterway::Error;

use super::about::{About, Group, Kind, Takes};
use crate::image::gaussian;
use crate::image::pixels::premultiplied;
use crate::image::work::Work;

/// How far it reaches, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(try_from = "f64")]
pub(in crate::image) struct Sigma(f64);

impl Sigma {
    pub(in crate::image) fn get(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Sigma {
    type Error = String;

    fn try_from(sigma: f64) -> Result<Self, String> {
        if sigma > 0.0 && sigma <= 100.0 {
            return Ok(Self(sigma));
        }
        Err(format!("a sigma of {sigma} pixels: it is above 0 and at most 100"))
    }
}

/// The reach.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(transparent)]
pub(super) struct Blur(Sigma);

impl Kind for Blur {
    const ABOUT: About = About {
        name: "blur",
        group: Group::Detail,
        takes: Takes::Value,
        summary: "softer: a Gaussian blur",
        details: "By a sigma in px, above 0 and at most 100.",
        examples: &["{ blur = 2.0 }"],
        ..About::PLAIN
    };

    fn apply(&self, work: &mut Work<'_>) -> Result<(), Error> {
        premultiplied(&mut work.picture, |picture| gaussian::blur(picture, self.0.get()))
    }
}
