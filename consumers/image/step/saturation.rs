//! `{ saturation = 1.3 }`: stronger or weaker colours.

use serde::Deserialize;
use waterway::Error;

use super::about::{About, Group, Kind, Takes};
use super::value::within;
use crate::image::pixels::{luma, samples_mut};
use crate::image::work::Work;

/// A factor of each colour's distance from its grey.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(try_from = "f64")]
pub(super) struct Saturation(f64);

impl TryFrom<f64> for Saturation {
    type Error = String;

    fn try_from(value: f64) -> Result<Self, String> {
        within("saturation", value, 0.0..=10.0).map(Self)
    }
}

/// Of the factor's fixed point.
const ONE: i32 = 1 << 12;

/// Each colour's distance from its grey, by a factor.
fn saturate([r, g, b]: [u8; 3], factor: i32) -> [u8; 3] {
    let grey = i32::from(luma([r, g, b]));
    [r, g, b].map(|sample| {
        let moved = grey + (((i32::from(sample) - grey) * factor + ONE / 2) >> 12);
        // Cut to a sample first.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let moved = moved.clamp(0, 255) as u8;
        moved
    })
}

impl Kind for Saturation {
    const ABOUT: About = About {
        name: "saturation",
        group: Group::Colour,
        takes: Takes::Value,
        summary: "stronger or weaker colours by a factor",
        details: "Each colour's distance from its grey times the factor, 0 to 10: 0 is grey, 1 leaves it.",
        examples: &["{ saturation = 1.5 }"],
        ..About::PLAIN
    };

    // Below 1 no sample is cut, and the grey of a colour is what stays.
    fn commutes_with_grey(&self) -> bool {
        self.0 <= 1.0
    }

    fn apply(&self, work: &mut Work<'_>) -> Result<(), Error> {
        // At most ten times one.
        #[allow(clippy::cast_possible_truncation)]
        let factor = (self.0 * f64::from(ONE)).round() as i32;
        match samples_mut(&mut work.picture) {
            (samples, 3) => samples
                .as_chunks_mut::<3>()
                .0
                .iter_mut()
                .for_each(|pixel| *pixel = saturate(*pixel, factor)),
            (samples, 4) => {
                for [r, g, b, _] in samples.as_chunks_mut::<4>().0 {
                    [*r, *g, *b] = saturate([*r, *g, *b], factor);
                }
            }
            _ => {}
        }
        Ok(())
    }
}
