//! `{ fit = [320, 320] }`: shrinks into a box.

use serde::Deserialize;

use super::about::{About, Group, Kind, Takes};
use super::shape::Shape;
use super::value::Size;
use crate::error::Error;
use crate::geometry::Geometry;
use crate::resize::fitted;
use crate::workpiece::Workpiece;

/// The box.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub(super) struct Fit(Size);

impl Kind for Fit {
    const ABOUT: About = About {
        name: "fit",
        group: Group::Size,
        takes: Takes::Value,
        summary: "shrinks into a box and keeps the proportions; never enlarges",
        details: "The value is width and height of the box, 1 to 65535 px each. A picture that already fits stays as it is.",
        examples: &["{ fit = [320, 320] }"],
        value: Some(Shape::SIZE),
        ..About::PLAIN
    };

    fn geometry(&self, size: (u32, u32)) -> Option<Result<Geometry, Error>> {
        Some(Ok(Geometry::resized(size, fitted(size, self.0.get()))))
    }

    fn size_after(&self, (width, height): (u32, u32)) -> (u32, u32) {
        (width.min(self.0.width), height.min(self.0.height))
    }

    fn apply(&self, piece: &mut Workpiece<'_>) -> Result<(), Error> {
        let size = piece.size();
        piece.reshape("fit", &Geometry::resized(size, fitted(size, self.0.get())))
    }
}
