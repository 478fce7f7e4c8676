//! `"srgb"`: the colours that every screen expects.

use serde::Deserialize;
use waterway::Error;

use super::about::{About, Group, Kind};
use crate::image::work::Work;

/// Takes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) struct Srgb;

impl Kind for Srgb {
    const ABOUT: About = About {
        name: "srgb",
        group: Group::Colour,
        summary: "colours converted to sRGB by the picture's ICC profile",
        details: "The result then needs no profile, and carries none. A picture without a profile is in sRGB already. A picture whose profile is damaged or cannot be converted stays as it is, with that profile. All other steps that bring colours (`pad`, `flatten`, `rotate`, `watermark`) or make grey convert the picture by themselves.",
        examples: &["\"srgb\""],
        ..About::PLAIN
    };

    fn bare() -> Option<Self> {
        Some(Self)
    }

    fn commutes_with_grey(&self) -> bool {
        false
    }

    fn apply(&self, work: &mut Work<'_>) -> Result<(), Error> {
        if work.profile.as_ref().is_some_and(|profile| profile.to_srgb(&mut work.picture)) {
            work.profile = None;
        }
        Ok(())
    }
}
