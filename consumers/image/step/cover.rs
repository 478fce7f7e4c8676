//! `{ cover = [320, 240] }`: exactly this size, proportions kept, the rest cut off.

use serde::Deserialize;
use serde::de::Deserializer;
use waterway::Error;

use self::focus::Focus;
use super::about::{About, Group, Key, Kind, Takes};
use super::parse::short_or_table;
use super::value::{Gravity, Size};
use crate::image::geometry::{Geometry, Rect};
use crate::image::work::Work;

mod focus;

/// The size, and which part of the picture stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cover {
    size: Size,
    /// Nothing: where most is to be seen.
    gravity: Option<Gravity>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    size: Size,
    #[serde(default)]
    gravity: Place,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
enum Place {
    #[default]
    Center,
    Top,
    Bottom,
    Left,
    Right,
    TopLeft,
    TopRight,
    BottomLeft,
    BottomRight,
    Smart,
}

impl From<Size> for Table {
    fn from(size: Size) -> Self {
        Self { size, gravity: Place::Center }
    }
}

impl<'de> Deserialize<'de> for Cover {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Table { size, gravity } = short_or_table::<_, Size, Table>(deserializer)?;
        let gravity = match gravity {
            Place::Center => Some(Gravity::Center),
            Place::Top => Some(Gravity::Top),
            Place::Bottom => Some(Gravity::Bottom),
            Place::Left => Some(Gravity::Left),
            Place::Right => Some(Gravity::Right),
            Place::TopLeft => Some(Gravity::TopLeft),
            Place::TopRight => Some(Gravity::TopRight),
            Place::BottomLeft => Some(Gravity::BottomLeft),
            Place::BottomRight => Some(Gravity::BottomRight),
            Place::Smart => None,
        };
        Ok(Self { size, gravity })
    }
}

impl Cover {
    /// With this much of what is cut off lying before what stays, across and down.
    fn cut(self, from: (u32, u32), before: (f64, f64)) -> Geometry {
        let (width, height) = self.size.get();
        let whole = Rect::of(from);
        let factor = (f64::from(width) / whole.width).max(f64::from(height) / whole.height);
        let (across, down) = (
            (f64::from(width) / factor).min(whole.width),
            (f64::from(height) / factor).min(whole.height),
        );
        let source = Rect {
            left: (whole.width - across) * before.0,
            top: (whole.height - down) * before.1,
            width: across,
            height: down,
        };
        Geometry { source, size: (width, height) }
    }
}

impl Kind for Cover {
    const ABOUT: About = About {
        name: "cover",
        group: Group::Size,
        takes: Takes::Value,
        summary: "exactly this size, proportions kept, the rest cut off",
        details: "A picture that is too small is enlarged. With `gravity = \"smart\"`, what stays is where most is to be seen: edges, colours that stand out, skin.",
        examples: &[
            "{ cover = [320, 240] }",
            "{ cover = { size = [320, 240], gravity = \"top\" } }",
            "{ cover = { size = [320, 240], gravity = \"smart\" } }",
        ],
        keys: &[
            Key { name: "size", meaning: "width and height, 1 to 65535 px each", default: "" },
            Key {
                name: "gravity",
                meaning: "which part stays: `\"center\"`, a side such as `\"top\"`, a corner such as `\"bottom-left\"`, or `\"smart\"`",
                default: "\"center\"",
            },
        ],
    };

    fn geometry(&self, size: (u32, u32)) -> Option<Result<Geometry, Error>> {
        self.gravity.map(|gravity| Ok(self.cut(size, gravity.before())))
    }

    fn size_after(&self, _: (u32, u32)) -> (u32, u32) {
        self.size.get()
    }

    fn commutes_with_grey(&self) -> bool {
        self.gravity.is_some()
    }

    fn apply(&self, work: &mut Work<'_>) -> Result<(), Error> {
        let from = work.size();
        let before = if let Some(gravity) = self.gravity {
            gravity.before()
        } else {
            let Geometry { source, .. } = self.cut(from, (0.0, 0.0));
            Focus::of(&work.picture)?.before(from, (source.width, source.height))
        };
        work.reshape("cover", &self.cut(from, before))
    }
}
