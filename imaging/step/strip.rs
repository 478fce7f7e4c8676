//! `"strip"`: leaves nothing but the picture.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::about::{About, Group, Kind};
use crate::profile::Profile;
use crate::workpiece::Source;

/// Takes no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) struct Strip;

impl Kind for Strip {
    const ABOUT: About = About {
        name: "strip",
        group: Group::Format,
        summary: "removes the colour profile too",
        details: "Put `\"srgb\"` before it, so that the colours are right without the profile. EXIF, XMP, comments and thumbnails are never in a result, with or without this step.",
        examples: &["\"strip\""],
        ..About::PLAIN
    };

    fn bare() -> Option<Self> {
        Some(Self)
    }

    fn needs_pixels(&self) -> bool {
        false
    }

    fn apply_without_pixels(
        &self,
        _: &Source<'_>,
        profile: &mut Option<Profile>,
        _: &mut Map<String, Value>,
    ) {
        *profile = None;
    }
}
