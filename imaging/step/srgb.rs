//! `"srgb"`: converts to the colours that every screen expects.

use serde::Deserialize;

use super::about::{About, Group, Kind};
use crate::error::Error;
use crate::workpiece::Workpiece;

/// Takes no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) struct Srgb;

impl Kind for Srgb {
    const ABOUT: About = About {
        name: "srgb",
        group: Group::Colour,
        summary: "converts the colours to sRGB by the picture's ICC profile",
        details: "The result is written without a profile. A picture without a profile is already in sRGB. A picture whose profile is damaged or cannot be converted stays as it is, with that profile. Other steps that add colours (`pad`, `flatten`, `rotate`, `watermark`) or make grey convert the picture by themselves.",
        examples: &["\"srgb\""],
        ..About::PLAIN
    };

    fn bare() -> Option<Self> {
        Some(Self)
    }

    fn commutes_with_grey(&self) -> bool {
        false
    }

    fn apply(&self, piece: &mut Workpiece<'_>) -> Result<(), Error> {
        if piece.profile.as_ref().is_some_and(|profile| profile.to_srgb(&mut piece.picture)) {
            piece.profile = None;
        }
        Ok(())
    }
}
