//! `"blurhash"`: a placeholder of some 30 characters.
//!
//! Follows Wolt's specification: <https://github.com/woltapp/blurhash/blob/master/Algorithm.md>.

// Sides are small, and written numbers are cut to their digits.
#![allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_sign_loss)]

use std::f64::consts::PI;

use image::RgbImage;
use serde::Deserialize;

use super::about::{About, Group, Kind, Takes};
use super::shape::Shape;
use crate::error::Error;
use crate::resize::thumbnail;
use crate::workpiece::Workpiece;

/// The number of components, across and down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "[u32; 2]")]
pub(super) struct Blurhash {
    across: u32,
    down: u32,
}

/// How many components each way.
const COMPONENTS: Shape = Shape::Whole(1, 9);

impl TryFrom<[u32; 2]> for Blurhash {
    type Error = String;

    fn try_from([across, down]: [u32; 2]) -> Result<Self, String> {
        let is_count = |count: u32| COMPONENTS.whole("blurhash", count.into()).is_ok();
        if is_count(across) && is_count(down) {
            return Ok(Self { across, down });
        }
        Err(format!("blurhash = [{across}, {down}]: each is 1 to 9 components"))
    }
}

/// The longest side of the analysed version: far finer than any component.
const SIDE: u32 = 128;

impl Kind for Blurhash {
    const ABOUT: About = About {
        name: "blurhash",
        group: Group::Answer,
        takes: Takes::Either,
        summary: "`blurhash`: a placeholder of some 30 characters",
        details: "The value is the number of components across and down, 1 to 9 each, `[4, 3]` by default. Transparent parts count as black. Pages draw it with the npm package `blurhash`.",
        examples: &["\"blurhash\"", "{ blurhash = [5, 4] }"],
        value: Some(Shape::List(&[COMPONENTS, COMPONENTS])),
        ..About::PLAIN
    };

    fn bare() -> Option<Self> {
        Some(Self { across: 4, down: 3 })
    }

    fn commutes_with_grey(&self) -> bool {
        false
    }

    fn apply(&self, piece: &mut Workpiece<'_>) -> Result<(), Error> {
        let mut small = thumbnail(&piece.picture, SIDE, piece.buffers)?;
        piece.show(&mut small);
        if crate::pixels::has_alpha(&small) {
            crate::pixels::premultiply(&mut small)?;
        }
        let hash = self.hash(&small.into_rgb8());
        piece.fields.insert("blurhash".into(), hash.into());
        Ok(())
    }
}

impl Blurhash {
    fn hash(self, picture: &RgbImage) -> String {
        let factors = self.factors(picture);
        let (constant, varying) = factors.split_first().unwrap_or((&[0.0; 3], &[]));
        let most = varying.iter().flatten().fold(0.0, |most: f64, part| most.max(part.abs()));
        let quantised = if varying.is_empty() {
            0
        } else {
            (most * 166.0 - 0.5).floor().clamp(0.0, 82.0) as u32
        };
        let scale = if varying.is_empty() { 1.0 } else { f64::from(quantised + 1) / 166.0 };

        let mut hash = String::new();
        digits(&mut hash, (self.across - 1) + (self.down - 1) * 9, 1);
        digits(&mut hash, quantised, 1);
        let [r, g, b] = constant.map(|part| u32::from(to_srgb(part)));
        digits(&mut hash, r << 16 | g << 8 | b, 4);
        for factor in varying {
            let [r, g, b] = factor.map(|part| {
                let part = part / scale;
                let root = part.abs().sqrt().copysign(part);
                (root * 9.0 + 9.5).floor().clamp(0.0, 18.0) as u32
            });
            digits(&mut hash, (r * 19 + g) * 19 + b, 2);
        }
        hash
    }

    /// The components of the picture's linear light.
    fn factors(self, picture: &RgbImage) -> Vec<[f64; 3]> {
        let (width, height) = picture.dimensions();
        let linear: Vec<f64> = (0..=u8::MAX).map(to_linear).collect();
        let wave = |frequency: u32, at: u32, side: u32| {
            (PI * f64::from(frequency) * f64::from(at) / f64::from(side)).cos()
        };
        let mut factors = Vec::new();
        for y in 0..self.down {
            for x in 0..self.across {
                let row: Vec<f64> = (0..width).map(|at| wave(x, at, width)).collect();
                let mut sum = [0.0; 3];
                for (at, line) in (0..height).zip(picture.rows()) {
                    let factor = wave(y, at, height);
                    for (pixel, by) in line.zip(&row) {
                        for (sum, sample) in sum.iter_mut().zip(pixel.0) {
                            *sum += by * factor * linear[usize::from(sample)];
                        }
                    }
                }
                let twice = if x == 0 && y == 0 { 1.0 } else { 2.0 };
                factors.push(sum.map(|sum| sum * twice / f64::from(width * height)));
            }
        }
        factors
    }
}

fn to_linear(sample: u8) -> f64 {
    let value = f64::from(sample) / 255.0;
    if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
}

fn to_srgb(linear: f64) -> u8 {
    let value = linear.clamp(0.0, 1.0);
    let value =
        if value <= 0.003_130_8 { value * 12.92 } else { 1.055 * value.powf(1.0 / 2.4) - 0.055 };
    (value * 255.0 + 0.5) as u8
}

/// A number in this many digits of base 83.
fn digits(to: &mut String, number: u32, count: u32) {
    const DIGITS: &[u8; 83] =
        b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#$%*+,-.:;=?@[]^_{|}~";
    for span in (0..count).rev() {
        let digit = number / 83_u32.pow(span) % 83;
        to.push(char::from(DIGITS[digit as usize]));
    }
}

#[cfg(test)]
mod tests {
    use image::Rgb;

    use super::*;

    // Computed with Wolt's encoder in C, through PyPI's `blurhash-python` 1.2.2. The encoder in
    // TypeScript treats the sign of components differently from this one and the specification.
    #[test]
    fn hashes_are_those_of_the_reference() {
        let table = [
            ((32, 24), (4, 3), "LxG[=o2lwtX3l@WBjwe@gFfmfTfi"),
            ((24, 32), (5, 4), "VxG+X82lwtbXWml@WBjwe@fTgFfmfTfifNnhWsjsfNfT"),
            ((17, 17), (1, 1), "00Gu+]"),
            ((100, 30), (9, 2), "H#HLbt2U$2Sdn}bEjrfha_l]WUjrayfPf8fRf8fR"),
            ((8, 8), (1, 9), "=iF$Wqurf7xreDx=d^y8d^"),
        ];
        for ((width, height), (across, down), expected) in table {
            let picture = RgbImage::from_fn(width, height, |x, y| {
                let part = |of: u32, whole: u32| (of * 255 / whole) as u8;
                Rgb([part(x, width), part(y, height), (x * y) as u8])
            });
            assert_eq!(Blurhash { across, down }.hash(&picture), expected, "{width} × {height}");
        }
    }
}
