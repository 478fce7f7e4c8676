//! `"info"`: the picture's properties, as fields of the answer.

use serde::Deserialize;

use super::about::{About, Group, Kind};
use crate::error::Error;
use crate::pixels::has_alpha;
use crate::shades;
use crate::workpiece::Workpiece;

/// Takes no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) struct Info;

/// The longest name of a profile in the answer, in characters.
const NAME_MAX: usize = 100;

impl Kind for Info {
    const ABOUT: About = About {
        name: "info",
        group: Group::Answer,
        summary: "`width`, `height`, `format`, `orientation`, `has_alpha`, `mean_colour`, `dominant_colour`, `profile`",
        details: "They describe the picture after the steps before this one. Only `format` (`jpg`, `png`, `webp`, `gif`) and `orientation` (EXIF's 1 to 8, already applied) are those of the file that was sent. Colours are sRGB's. `profile` is the name of the ICC profile, if there is one and `srgb` has not removed it.",
        examples: &["\"info\""],
        ..About::PLAIN
    };

    fn bare() -> Option<Self> {
        Some(Self)
    }

    fn commutes_with_grey(&self) -> bool {
        false
    }

    fn apply(&self, piece: &mut Workpiece<'_>) -> Result<(), Error> {
        let (width, height) = piece.size();
        let colours = shades::colours(&piece.picture);
        let shown = piece.shown(vec![colours.mean, colours.dominant]);
        let profile = profile_name(piece);
        let fields = &mut piece.fields;
        fields.insert("width".into(), width.into());
        fields.insert("height".into(), height.into());
        fields.insert("format".into(), piece.source.format.extension().into());
        fields.insert("orientation".into(), piece.source.orientation.to_exif().into());
        fields.insert("has_alpha".into(), has_alpha(&piece.picture).into());
        for (name, colour) in ["mean_colour", "dominant_colour"].into_iter().zip(shown) {
            fields.insert(name.into(), shades::hex(colour).into());
        }
        if let Some(name) = profile {
            fields.insert("profile".into(), name.into());
        }
        Ok(())
    }
}

/// The name of the picture's ICC profile.
fn profile_name(piece: &Workpiece<'_>) -> Option<String> {
    let name = piece.profile.as_ref()?.name()?;
    let name: String = name.trim_matches(['\0', ' ']).chars().take(NAME_MAX).collect();
    (!name.is_empty()).then_some(name)
}
