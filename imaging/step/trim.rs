//! `"trim"`: removes a border of one colour.

use image::DynamicImage;
use serde::Deserialize;
use serde::de::Deserializer;

use super::about::{About, Group, Key, Kind, Takes};
use super::shape::Shape;
use super::short::short_or_table;
use crate::colour::Colour;
use crate::error::Error;
use crate::geometry::{Geometry, Rect};
use crate::pixels::{self, luma};
use crate::workpiece::Workpiece;

/// The tolerance, and the border's colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Trim {
    tolerance: u8,
    /// `None`: the colour of the upper left corner.
    colour: Option<Colour>,
}

/// A difference of two samples.
const TOLERANCE: Shape = Shape::Whole(0, u8::MAX as i64);

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Table {
    tolerance: u8,
    colour: Option<Colour>,
}

impl Default for Table {
    fn default() -> Self {
        Self { tolerance: 10, colour: None }
    }
}

impl From<u8> for Table {
    fn from(tolerance: u8) -> Self {
        Self { tolerance, colour: None }
    }
}

impl<'de> Deserialize<'de> for Trim {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Table { tolerance, colour } = short_or_table::<_, u8, Table>(deserializer)?;
        Ok(Self { tolerance, colour })
    }
}

impl Trim {
    fn within(self, picture: &DynamicImage) -> Option<Rect> {
        match pixels::samples(picture) {
            (samples, 1) => self.bounds(samples.as_chunks::<1>().0, picture.width()),
            (samples, 2) => self.bounds(samples.as_chunks::<2>().0, picture.width()),
            (samples, 3) => self.bounds(samples.as_chunks::<3>().0, picture.width()),
            (samples, _) => self.bounds(samples.as_chunks::<4>().0, picture.width()),
        }
    }

    /// The part within the border; `None` if everything is border.
    fn bounds<const N: usize>(self, picture: &[[u8; N]], width: u32) -> Option<Rect> {
        let border = self.colour.map_or(*picture.first()?, as_pixel);
        let differs = |pixel: &[u8; N]| {
            pixel.iter().zip(border).any(|(&sample, b)| sample.abs_diff(b) > self.tolerance)
        };
        let width = width as usize;
        let rows = || picture.chunks_exact(width);
        let top = rows().position(|row| row.iter().any(differs))?;
        let bottom = rows().rposition(|row| row.iter().any(differs))?;
        let (mut left, mut right) = (width, 0);
        for row in rows().take(bottom + 1).skip(top) {
            // Only pixels outside the bounds so far can widen them.
            if let Some(first) = row[..left].iter().position(differs) {
                left = first;
            }
            if let Some(last) = row[right..].iter().rposition(differs) {
                right = (right + last + 1).min(width);
            }
        }
        // Sides of a picture are exact in this type.
        #[allow(clippy::cast_precision_loss)]
        let [left, top, across, down] =
            [left, top, right - left, bottom + 1 - top].map(|side| side as f64);
        Some(Rect { left, top, width: across, height: down })
    }
}

/// A colour with the number of samples that the picture's pixels have.
fn as_pixel<const N: usize>(Colour([r, g, b, alpha]): Colour) -> [u8; N] {
    let all: &[u8] = match N {
        1 | 2 => &[luma([r, g, b]), alpha],
        _ => &[r, g, b, alpha],
    };
    std::array::from_fn(|at| all[at])
}

impl Kind for Trim {
    const ABOUT: About = About {
        name: "trim",
        group: Group::Size,
        takes: Takes::Either,
        summary: "removes a border of one colour",
        details: "Without `colour`, the border's colour is that of the upper left corner. A picture that is all border stays as it is. `{ trim = 30 }` gives the tolerance alone.",
        examples: &[
            "\"trim\"",
            "{ trim = 30 }",
            "{ trim = { tolerance = 5, colour = \"white\" } }",
        ],
        value: Some(TOLERANCE),
        keys: &[
            Key {
                name: "tolerance",
                shape: TOLERANCE,
                meaning: "largest difference of a pixel's samples from the border's colour, 0 to 255",
                default: "10",
            },
            Key {
                name: "colour",
                shape: Shape::Colour,
                meaning: "the border's colour",
                default: "the corner's",
            },
        ],
    };

    fn bare() -> Option<Self> {
        let Table { tolerance, colour } = Table::default();
        Some(Self { tolerance, colour })
    }

    fn commutes_with_grey(&self) -> bool {
        false
    }

    fn apply(&self, piece: &mut Workpiece<'_>) -> Result<(), Error> {
        let Some(source) = self.within(&piece.picture) else { return Ok(()) };
        // Whole numbers below a side.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let size = (source.width as u32, source.height as u32);
        piece.reshape("trim", &Geometry { source, size })
    }
}
