//! `{ sharpen = 1.0 }`: sharpens, with an unsharp mask.

use serde::Deserialize;
use serde::de::Deserializer;

use super::about::{About, Group, Key, Kind, Takes};
use super::blur::Sigma;
use super::shape::Shape;
use super::short::short_or_table;
use crate::error::Error;
use crate::gaussian;
use crate::pixels::{copy, premultiplied, samples, samples_mut};
use crate::workpiece::Workpiece;

/// The mask's sigma, and its strength.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sharpen {
    sigma: Sigma,
    amount: Amount,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    sigma: Sigma,
    #[serde(default)]
    amount: Amount,
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(try_from = "f64")]
struct Amount(f64);

impl Default for Amount {
    fn default() -> Self {
        Self(1.0)
    }
}

const AMOUNT: Shape = Shape::Number(0.0, 10.0);

impl TryFrom<f64> for Amount {
    type Error = String;

    fn try_from(amount: f64) -> Result<Self, String> {
        AMOUNT.number("amount", amount).map(Self)
    }
}

impl From<Sigma> for Table {
    fn from(sigma: Sigma) -> Self {
        Self { sigma, amount: Amount::default() }
    }
}

impl<'de> Deserialize<'de> for Sharpen {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Table { sigma, amount } = short_or_table::<_, Sigma, Table>(deserializer)?;
        Ok(Self { sigma, amount })
    }
}

impl Kind for Sharpen {
    const ABOUT: About = About {
        name: "sharpen",
        group: Group::Detail,
        takes: Takes::Value,
        summary: "sharpens, with an unsharp mask",
        details: "The difference between the picture and its blurred copy is multiplied by the amount and added to the picture. `{ sharpen = 1.0 }` gives the sigma alone.",
        examples: &["{ sharpen = 1.0 }", "{ sharpen = { sigma = 1.5, amount = 0.6 } }"],
        value: Some(Sigma::SHAPE),
        keys: &[
            Key {
                name: "sigma",
                shape: Sigma::SHAPE,
                meaning: "sigma of the blur in px, above 0 and at most 100",
                default: "",
            },
            Key { name: "amount", shape: AMOUNT, meaning: "strength, 0 to 10", default: "1.0" },
        ],
    };

    // If it is strong it clamps samples, and not alike in each channel.
    fn commutes_with_grey(&self) -> bool {
        false
    }

    fn apply(&self, piece: &mut Workpiece<'_>) -> Result<(), Error> {
        // In 256ths; at most 2560.
        #[allow(clippy::cast_possible_truncation)]
        let amount = (self.amount.0 * 256.0).round() as i32;
        let buffers = &mut *piece.buffers;
        premultiplied(&mut piece.picture, |picture| {
            let mut blurred = copy(picture, buffers)?;
            gaussian::blur(&mut blurred, self.sigma.get(), buffers)?;
            let (sharp, channels) = samples_mut(picture);
            let pixels = sharp.chunks_exact_mut(channels);
            for (pixel, blurred) in pixels.zip(samples(&blurred).0.chunks_exact(channels)) {
                // A premultiplied colour must not be above its alpha.
                let most = if channels.is_multiple_of(2) { pixel[channels - 1] } else { u8::MAX };
                let colours = if channels.is_multiple_of(2) { channels - 1 } else { channels };
                for (sample, &blurred) in pixel[..colours].iter_mut().zip(blurred) {
                    *sample = moved(*sample, blurred, amount).min(most);
                }
            }
            Ok(())
        })
    }
}

fn moved(sample: u8, blurred: u8, amount: i32) -> u8 {
    let sample = i32::from(sample);
    let sharp = sample + (((sample - i32::from(blurred)) * amount + 128) >> 8);
    // Clamped to a sample first.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let sharp = sharp.clamp(0, 255) as u8;
    sharp
}
