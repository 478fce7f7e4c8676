//! `{ flip = "horizontal" }`: mirrors the picture.

use serde::Deserialize;

use super::about::{About, Group, Kind, Takes};
use super::shape::Shape;
use crate::error::Error;
use crate::workpiece::Workpiece;

/// The sides that are swapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Flip {
    /// Left and right.
    Horizontal,
    /// Top and bottom.
    Vertical,
}

impl Kind for Flip {
    const ABOUT: About = About {
        name: "flip",
        group: Group::Shape,
        takes: Takes::Value,
        summary: "mirrors the picture",
        details: "`\"horizontal\"`: left becomes right; `\"vertical\"`: top becomes bottom.",
        examples: &["{ flip = \"horizontal\" }", "{ flip = \"vertical\" }"],
        value: Some(Shape::Word(&["horizontal", "vertical"])),
        ..About::PLAIN
    };

    fn apply(&self, piece: &mut Workpiece<'_>) -> Result<(), Error> {
        match self {
            Self::Horizontal => image::imageops::flip_horizontal_in_place(&mut piece.picture),
            Self::Vertical => image::imageops::flip_vertical_in_place(&mut piece.picture),
        }
        Ok(())
    }
}
