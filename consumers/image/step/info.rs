//! `"info"`: what the picture is, as fields of the answer.

use serde::Deserialize;
use waterway::Error;

use super::about::{About, Group, Kind};
use crate::image::colour;
use crate::image::pixels::has_alpha;
use crate::image::work::Work;

/// Takes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) struct Info;

/// The longest name of a profile that is told, in characters.
const NAME_MAX: usize = 100;

impl Kind for Info {
    const ABOUT: About = About {
        name: "info",
        group: Group::Answer,
        summary: "`width`, `height`, `format`, `orientation`, `has_alpha`, `mean_colour`, `dominant_colour`, `profile`",
        details: "Of the picture where the step stands; `format` (`jpg`, `png`, `webp`, `gif`) and `orientation` (EXIF's 1 to 8, already applied) are the file's as it came. Colours are those of sRGB. `profile` is the name of its ICC profile, where it has one that `srgb` has not yet taken away.",
        examples: &["\"info\""],
        ..About::PLAIN
    };

    fn bare() -> Option<Self> {
        Some(Self)
    }

    fn commutes_with_grey(&self) -> bool {
        false
    }

    fn apply(&self, work: &mut Work<'_>) -> Result<(), Error> {
        let (width, height) = work.size();
        let colours = colour::colours(&work.picture);
        let shown = work.shown(vec![colours.mean, colours.dominant]);
        let profile = profile_name(work);
        let fields = &mut work.fields;
        fields.insert("width".into(), width.into());
        fields.insert("height".into(), height.into());
        fields.insert("format".into(), work.source.format.extension().into());
        fields.insert("orientation".into(), work.source.orientation.to_exif().into());
        fields.insert("has_alpha".into(), has_alpha(&work.picture).into());
        for (name, colour) in ["mean_colour", "dominant_colour"].into_iter().zip(shown) {
            fields.insert(name.into(), colour::hex(colour).into());
        }
        if let Some(name) = profile {
            fields.insert("profile".into(), name.into());
        }
        Ok(())
    }
}

/// The name of the picture's ICC profile.
fn profile_name(work: &Work<'_>) -> Option<String> {
    let name = work.profile.as_ref()?.name()?;
    let name: String = name.trim_matches(['\0', ' ']).chars().take(NAME_MAX).collect();
    (!name.is_empty()).then_some(name)
}
