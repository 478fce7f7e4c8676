//! `"grayscale"`: makes the picture grey, as OpenCV does.

use serde::Deserialize;

use super::about::{About, Group, Kind};
use crate::error::Error;
use crate::shades;
use crate::workpiece::Workpiece;

/// Takes no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) struct Grayscale;

impl Kind for Grayscale {
    const ABOUT: About = About {
        name: "grayscale",
        group: Group::Colour,
        summary: "makes the picture grey, with the weights of Rec. 601, as OpenCV does",
        details: "A colour profile is applied first, so the grey fits the colours that viewers show. Transparency stays.",
        examples: &["\"grayscale\""],
        ..About::PLAIN
    };

    fn bare() -> Option<Self> {
        Some(Self)
    }

    fn makes_grey(&self) -> bool {
        true
    }

    fn apply(&self, piece: &mut Workpiece<'_>) -> Result<(), Error> {
        if piece.picture.color().has_color() {
            piece.bring_to_srgb();
        }
        if let Some(grey) = shades::grayscale(&piece.picture, piece.buffers)? {
            piece.buffers.recycle(std::mem::replace(&mut piece.picture, grey));
        }
        Ok(())
    }
}
