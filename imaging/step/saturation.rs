//! `{ saturation = 1.3 }`: makes colours stronger or weaker.

use serde::Deserialize;

use super::about::{About, Group, Kind, Takes};
use super::shape::Shape;
use crate::error::Error;
use crate::pixels::{luma, samples_mut};
use crate::workpiece::Workpiece;

/// The factor of each colour's distance from its grey.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(try_from = "f64")]
pub(super) struct Saturation(f64);

const FACTOR: Shape = Shape::Number(0.0, 10.0);

impl TryFrom<f64> for Saturation {
    type Error = String;

    fn try_from(value: f64) -> Result<Self, String> {
        FACTOR.number("saturation", value).map(Self)
    }
}

/// The fixed point of the factor.
const ONE: i32 = 1 << 12;

/// Multiplies each colour's distance from its grey by a factor.
fn saturate([r, g, b]: [u8; 3], factor: i32) -> [u8; 3] {
    let grey = i32::from(luma([r, g, b]));
    [r, g, b].map(|sample| {
        let moved = grey + (((i32::from(sample) - grey) * factor + ONE / 2) >> 12);
        // Clamped to a sample first.
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
        summary: "makes colours stronger or weaker",
        details: "Each colour's distance from its grey is multiplied by the factor, 0 to 10: 0 is grey, 1 changes nothing.",
        examples: &["{ saturation = 1.5 }"],
        value: Some(FACTOR),
        ..About::PLAIN
    };

    // Up to 1 no sample is clamped, and the grey of a colour stays.
    fn commutes_with_grey(&self) -> bool {
        self.0 <= 1.0
    }

    fn apply(&self, piece: &mut Workpiece<'_>) -> Result<(), Error> {
        // At most ten times one.
        #[allow(clippy::cast_possible_truncation)]
        let factor = (self.0 * f64::from(ONE)).round() as i32;
        match samples_mut(&mut piece.picture) {
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
