//! `{ fill = [320, 240] }`: stretches to exactly this size.

use serde::Deserialize;

use super::about::{About, Group, Kind, Takes};
use super::shape::Shape;
use super::value::Size;
use crate::error::Error;
use crate::geometry::Geometry;
use crate::workpiece::Workpiece;

/// The size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub(super) struct Fill(Size);

impl Kind for Fill {
    const ABOUT: About = About {
        name: "fill",
        group: Group::Size,
        takes: Takes::Value,
        summary: "stretches to exactly this size",
        details: "The value is width and height, 1 to 65535 px each. `cover` and `pad` keep the proportions.",
        examples: &["{ fill = [320, 240] }"],
        value: Some(Shape::SIZE),
        ..About::PLAIN
    };

    fn geometry(&self, size: (u32, u32)) -> Option<Result<Geometry, Error>> {
        Some(Ok(Geometry::resized(size, self.0.get())))
    }

    fn size_after(&self, _: (u32, u32)) -> (u32, u32) {
        self.0.get()
    }

    fn apply(&self, piece: &mut Workpiece<'_>) -> Result<(), Error> {
        let geometry = Geometry::resized(piece.size(), self.0.get());
        piece.reshape("fill", &geometry)
    }
}
