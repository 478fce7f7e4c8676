//! `{ crop = [x, y, width, height] }`: cuts out a rectangle.

use serde::Deserialize;

use super::about::{About, Group, Kind, Takes};
use super::shape::Shape;
use crate::error::Error;
use crate::geometry::{Geometry, Rect};
use crate::workpiece::Workpiece;

/// A part of a picture, in pixels from its upper left corner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "[u32; 4]")]
pub(super) struct Crop {
    x: u32,
    y: u32,
    width: u32,
    height: u32,
}

impl TryFrom<[u32; 4]> for Crop {
    type Error = String;

    fn try_from([x, y, width, height]: [u32; 4]) -> Result<Self, String> {
        if width > 0 && height > 0 {
            return Ok(Self { x, y, width, height });
        }
        Err(format!("crop = [{x}, {y}, {width}, {height}]: width and height are at least 1 pixel"))
    }
}

impl Crop {
    fn cut(self, from: (u32, u32)) -> Result<Geometry, Error> {
        let width = from.0.saturating_sub(self.x).min(self.width);
        let height = from.1.saturating_sub(self.y).min(self.height);
        if width == 0 || height == 0 {
            let message = format!(
                "there is nothing to crop at {}, {} of a picture of {} × {} pixels",
                self.x, self.y, from.0, from.1,
            );
            return Err(Error::step_failed(message));
        }
        let source = Rect {
            left: self.x.into(),
            top: self.y.into(),
            width: width.into(),
            height: height.into(),
        };
        Ok(Geometry { source, size: (width, height) })
    }
}

impl Kind for Crop {
    const ABOUT: About = About {
        name: "crop",
        group: Group::Size,
        takes: Takes::Value,
        summary: "cuts out a rectangle",
        details: "The value is left, top, width and height in px; width and height are at least 1. A rectangle outside of the picture is `step_failed`.",
        examples: &["{ crop = [0, 0, 320, 240] }"],
        value: Some(Shape::List(&[Shape::DISTANCE, Shape::DISTANCE, Shape::EXTENT, Shape::EXTENT])),
        ..About::PLAIN
    };

    fn geometry(&self, size: (u32, u32)) -> Option<Result<Geometry, Error>> {
        Some(self.cut(size))
    }

    fn size_after(&self, (width, height): (u32, u32)) -> (u32, u32) {
        (width.min(self.width), height.min(self.height))
    }

    fn apply(&self, piece: &mut Workpiece<'_>) -> Result<(), Error> {
        let geometry = self.cut(piece.size())?;
        piece.reshape("crop", &geometry)
    }
}
