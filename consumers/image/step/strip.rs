//! `"strip"`: nothing but the picture.

use serde::Deserialize;
use waterway::Error;

use super::about::{About, Group, Kind};
use crate::image::work::Work;

/// Takes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) struct Strip;

impl Kind for Strip {
    const ABOUT: About = About {
        name: "strip",
        group: Group::Format,
        summary: "nothing in the file but the picture: no colour profile either",
        details: "Put `\"srgb\"` before it, so that the colours are right without the profile. EXIF, XMP, comments, thumbnails and the like are in no result, with or without this step.",
        examples: &["\"strip\""],
        ..About::PLAIN
    };

    fn bare() -> Option<Self> {
        Some(Self)
    }

    fn needs_pixels(&self) -> bool {
        false
    }

    fn apply(&self, work: &mut Work<'_>) -> Result<(), Error> {
        work.profile = None;
        Ok(())
    }
}
