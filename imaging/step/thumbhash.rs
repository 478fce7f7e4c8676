//! `"thumbhash"`: a placeholder of some 25 bytes.
//!
//! Like Evan Wallace's `thumbhash` (MIT), bit by bit: <https://evanw.github.io/thumbhash/>.

// Sides are at most 100, and written numbers are cut to their bits.
#![allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_sign_loss)]

use std::f64::consts::PI;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::RgbaImage;
use serde::Deserialize;

use super::about::{About, Group, Kind};
use crate::error::Error;
use crate::resize::thumbnail;
use crate::workpiece::Workpiece;

/// Takes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) struct Thumbhash;

/// The longest side that the format allows.
const SIDE: u32 = 100;

impl Kind for Thumbhash {
    const ABOUT: About = About {
        name: "thumbhash",
        group: Group::Answer,
        summary: "`thumbhash`: a placeholder of some 25 bytes, in base64",
        details: "It holds proportions and transparency too. Pages draw it with the npm package `thumbhash`.",
        examples: &["\"thumbhash\""],
        ..About::PLAIN
    };

    fn bare() -> Option<Self> {
        Some(Self)
    }

    fn commutes_with_grey(&self) -> bool {
        false
    }

    fn apply(&self, piece: &mut Workpiece<'_>) -> Result<(), Error> {
        let mut small = thumbnail(&piece.picture, SIDE, piece.buffers)?;
        piece.show(&mut small);
        let small = small.into_rgba8();
        piece.fields.insert("thumbhash".into(), STANDARD.encode(hash(&small)).into());
        Ok(())
    }
}

/// The hash of a picture of at most 100 pixels a side.
fn hash(picture: &RgbaImage) -> Vec<u8> {
    let (width, height) = picture.dimensions();
    let longest = f64::from(width.max(height));

    // Sums and products in the reference's own order, so that they round like its results.
    let mut mean = [0.0; 3];
    let mut opaque = 0.0;
    for pixel in picture.pixels() {
        let [colour @ .., alpha] = pixel.0.map(f64::from);
        let alpha = alpha / 255.0;
        opaque += alpha;
        for (mean, sample) in mean.iter_mut().zip(colour) {
            *mean += alpha / 255.0 * sample;
        }
    }
    if opaque > 0.0 {
        mean = mean.map(|sum| sum / opaque);
    }
    let has_alpha = opaque < f64::from(width * height);

    // Luminance, yellow against blue, red against green, alpha; over the mean colour.
    let mut planes = [const { Vec::new() }; 4];
    for pixel in picture.pixels() {
        let [r, g, b, alpha] = pixel.0.map(f64::from);
        let alpha = alpha / 255.0;
        let on_mean = |sample: f64, mean: f64| mean * (1.0 - alpha) + alpha / 255.0 * sample;
        let (r, g, b) = (on_mean(r, mean[0]), on_mean(g, mean[1]), on_mean(b, mean[2]));
        let values = [(r + g + b) / 3.0, f64::midpoint(r, g) - b, r - g, alpha];
        for (plane, value) in planes.iter_mut().zip(values) {
            plane.push(value);
        }
    }

    // Luminance gets fewer bits if alpha needs some.
    let most = if has_alpha { 5.0 } else { 7.0 };
    let frequencies = |side: u32| (most * f64::from(side) / longest).round().max(1.0) as u32;
    let (across, down) = (frequencies(width), frequencies(height));
    let transform = |plane: &[f64], across, down| Waves::of(plane, (width, height), across, down);
    let luminance = transform(&planes[0], across.max(3), down.max(3));
    let yellow = transform(&planes[1], 3, 3);
    let red = transform(&planes[2], 3, 3);

    let bits = |value: f64| value.round() as u32;
    let landscape = width > height;
    let header = bits(63.0 * luminance.constant)
        | bits(31.5 + 31.5 * yellow.constant) << 6
        | bits(31.5 + 31.5 * red.constant) << 12
        | bits(31.0 * luminance.scale) << 18
        | u32::from(has_alpha) << 23;
    let second = if landscape { down } else { across }
        | bits(63.0 * yellow.scale) << 3
        | bits(63.0 * red.scale) << 9
        | u32::from(landscape) << 15;
    let mut hash = header.to_le_bytes()[..3].to_vec();
    hash.extend(&second.to_le_bytes()[..2]);
    let mut varying = [luminance.varying, yellow.varying, red.varying].concat();
    if has_alpha {
        let alpha = transform(&planes[3], 5, 5);
        hash.push((bits(15.0 * alpha.constant) | bits(15.0 * alpha.scale) << 4) as u8);
        varying.extend(alpha.varying);
    }
    let nibble = |factor: &f64| bits(15.0 * factor) as u8;
    hash.extend(varying.chunks(2).map(|pair| {
        let high = pair.get(1).map(nibble).unwrap_or_default();
        nibble(&pair[0]) | high << 4
    }));
    hash
}

/// A plane's cosine transform: its constant term, and the others between 0 and 1 with their scale.
struct Waves {
    constant: f64,
    varying: Vec<f64>,
    scale: f64,
}

impl Waves {
    fn of(plane: &[f64], (width, height): (u32, u32), across: u32, down: u32) -> Self {
        let mut waves = Self { constant: 0.0, varying: Vec::new(), scale: 0.0 };
        let wave = |frequency: u32, at: u32, side: u32| {
            (PI / f64::from(side) * f64::from(frequency) * (f64::from(at) + 0.5)).cos()
        };
        for y in 0..down {
            let mut x = 0;
            // The lower triangle of frequencies.
            while x * down < across * (down - y) {
                let row: Vec<f64> = (0..width).map(|at| wave(x, at, width)).collect();
                let mut sum = 0.0;
                for (at, line) in (0..height).zip(plane.chunks_exact(width as usize)) {
                    let factor = wave(y, at, height);
                    for (value, by) in line.iter().zip(&row) {
                        sum += value * by * factor;
                    }
                }
                sum /= f64::from(width * height);
                if x == 0 && y == 0 {
                    waves.constant = sum;
                } else {
                    waves.varying.push(sum);
                    waves.scale = waves.scale.max(sum.abs());
                }
                x += 1;
            }
        }
        if waves.scale > 0.0 {
            for factor in &mut waves.varying {
                *factor = 0.5 + 0.5 / waves.scale * *factor;
            }
        }
        waves
    }
}

#[cfg(test)]
mod tests;
