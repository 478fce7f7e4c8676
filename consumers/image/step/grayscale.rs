//! `"grayscale"`: grey, as OpenCV has it.

use serde::Deserialize;
use waterway::Error;

use super::about::{About, Group, Kind};
use crate::image::colour;
use crate::image::picture::Picture;
use crate::image::work::Work;

/// Takes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) struct Grayscale;

impl Kind for Grayscale {
    const ABOUT: About = About {
        name: "grayscale",
        group: Group::Colour,
        summary: "grey, by the weights of Rec. 601 as OpenCV has it",
        details: "Of a picture with a colour profile it is the grey of what viewers show. Transparency stays.",
        examples: &["\"grayscale\""],
        ..About::PLAIN
    };

    fn bare() -> Option<Self> {
        Some(Self)
    }

    fn makes_grey(&self) -> bool {
        true
    }

    fn apply(&self, work: &mut Work<'_>) -> Result<(), Error> {
        if work.picture.color().has_color() {
            work.bring_to_srgb();
        }
        if let Some(grey) = colour::grayscale(&work.picture)? {
            Picture::Pixels(std::mem::replace(&mut work.picture, grey)).recycle();
        }
        Ok(())
    }
}
