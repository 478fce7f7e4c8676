//! `{ round = 24 }`: rounds the corners.

// Positions in a picture are exact in these types, and a corner's coverage is rounded to a sample.
#![allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_sign_loss)]

use serde::Deserialize;

use super::about::{About, Group, Kind, Takes};
use super::shape::Shape;
use crate::error::Error;
use crate::limits::Limits;
use crate::pixels::{samples_mut, times, with_alpha};
use crate::workpiece::Workpiece;

/// The corners' radius in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(try_from = "f64")]
pub(super) struct Round(f64);

const RADIUS: Shape = Shape::Number(1.0, Limits::SIDE_MAX as f64);

impl TryFrom<f64> for Round {
    type Error = String;

    fn try_from(radius: f64) -> Result<Self, String> {
        RADIUS.number("round", radius).map(Self)
    }
}

impl Round {
    /// How much of a corner's pixel stays, for a pixel this far from both edges, from 0 to 255.
    fn coverage(radius: f64, across: usize, down: usize) -> u8 {
        let (x, y) = (radius - across as f64 - 0.5, radius - down as f64 - 0.5);
        if x <= 0.0 || y <= 0.0 {
            return u8::MAX;
        }
        // The edge of a circle is nearly straight across a pixel.
        let within = (radius - x.hypot(y) + 0.5).clamp(0.0, 1.0);
        (within * 255.0).round() as u8
    }
}

impl Kind for Round {
    const ABOUT: About = About {
        name: "round",
        group: Group::Shape,
        takes: Takes::Value,
        summary: "rounds the corners; they become transparent",
        details: "The radius is 1 to 65535 px, and at most half of the shorter side counts: `{ round = 9999 }` makes a circle of a square. In a JPEG the corners become white; `flatten` gives them another colour.",
        examples: &["{ round = 24 }"],
        value: Some(RADIUS),
        ..About::PLAIN
    };

    fn apply(&self, piece: &mut Workpiece<'_>) -> Result<(), Error> {
        let picture = with_alpha(std::mem::take(&mut piece.picture));
        piece.picture = picture;
        let (width, height) = (piece.picture.width() as usize, piece.picture.height() as usize);
        let radius = self.0.min(width.min(height) as f64 / 2.0);
        let reach = radius.ceil() as usize;
        let (samples, channels) = samples_mut(&mut piece.picture);
        for (row, line) in samples.chunks_exact_mut(width * channels).enumerate() {
            let down = row.min(height - 1 - row);
            if down >= reach {
                continue;
            }
            for across in 0..reach.min(width.div_ceil(2)) {
                let stays = Self::coverage(radius, across, down);
                let (left, right) = (across, width - 1 - across);
                for column in [left, right].iter().take(if left == right { 1 } else { 2 }) {
                    let alpha = &mut line[column * channels + channels - 1];
                    *alpha = times(*alpha, stays);
                }
            }
        }
        Ok(())
    }
}
