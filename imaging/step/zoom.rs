//! `{ zoom = 0.5 }`: resizes by a factor.

use serde::Deserialize;

use super::about::{About, Group, Kind, Takes};
use super::shape::Shape;
use crate::error::Error;
use crate::geometry::Geometry;
use crate::resize::scaled;
use crate::workpiece::Workpiece;

/// A factor for both sides.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(try_from = "f64")]
pub(super) struct Zoom(f64);

const FACTOR: Shape = Shape::Number(0.001, 100.0);

impl TryFrom<f64> for Zoom {
    type Error = String;

    fn try_from(factor: f64) -> Result<Self, String> {
        FACTOR.number("zoom", factor).map(Self)
    }
}

impl Zoom {
    /// The longest possible sides stay as they are, because larger results are refused anyway.
    fn zoomed(self, size: (u32, u32)) -> (u32, u32) {
        scaled(size, self.0).unwrap_or((u32::MAX, u32::MAX))
    }
}

impl Kind for Zoom {
    const ABOUT: About = About {
        name: "zoom",
        group: Group::Size,
        takes: Takes::Value,
        summary: "resizes by a factor",
        details: "The factor is 0.001 to 100. The `zoom` of the header is applied as well.",
        examples: &["{ zoom = 0.5 }"],
        value: Some(FACTOR),
        ..About::PLAIN
    };

    fn geometry(&self, size: (u32, u32)) -> Option<Result<Geometry, Error>> {
        Some(Ok(Geometry::resized(size, self.zoomed(size))))
    }

    fn size_after(&self, size: (u32, u32)) -> (u32, u32) {
        self.zoomed(size)
    }

    fn apply(&self, piece: &mut Workpiece<'_>) -> Result<(), Error> {
        let size = piece.size();
        piece.reshape("zoom", &Geometry::resized(size, self.zoomed(size)))
    }
}
