//! `{ flip = "horizontal" }`: mirrored.

use serde::Deserialize;
use waterway::Error;

use super::about::{About, Group, Kind, Takes};
use crate::image::work::Work;

/// Which sides change places.
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
        summary: "mirrored",
        details: "`\"horizontal\"`: left becomes right; `\"vertical\"`: top becomes bottom.",
        examples: &["{ flip = \"horizontal\" }", "{ flip = \"vertical\" }"],
        ..About::PLAIN
    };

    fn apply(&self, work: &mut Work<'_>) -> Result<(), Error> {
        match self {
            Self::Horizontal => image::imageops::flip_horizontal_in_place(&mut work.picture),
            Self::Vertical => image::imageops::flip_vertical_in_place(&mut work.picture),
        }
        Ok(())
    }
}
