//! `{ cover = [320, 240] }`: fills exactly this size, keeps the proportions, and cuts off the rest.

use serde::Deserialize;
use serde::de::Deserializer;

use self::focus::Focus;
use super::about::{About, Group, Key, Kind, Takes};
use super::shape::Shape;
use super::short::short_or_table;
use super::value::{Gravity, Size};
use crate::error::Error;
use crate::geometry::{Geometry, Rect};
use crate::workpiece::Workpiece;

mod focus;

/// The size, and the part of the picture that stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cover {
    size: Size,
    /// `None`: the part with most to see.
    gravity: Option<Gravity>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    size: Size,
    #[serde(default)]
    gravity: Span,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
enum Span {
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
        Self { size, gravity: Span::Center }
    }
}

impl<'de> Deserialize<'de> for Cover {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Table { size, gravity } = short_or_table::<_, Size, Table>(deserializer)?;
        let gravity = match gravity {
            Span::Center => Some(Gravity::Center),
            Span::Top => Some(Gravity::Top),
            Span::Bottom => Some(Gravity::Bottom),
            Span::Left => Some(Gravity::Left),
            Span::Right => Some(Gravity::Right),
            Span::TopLeft => Some(Gravity::TopLeft),
            Span::TopRight => Some(Gravity::TopRight),
            Span::BottomLeft => Some(Gravity::BottomLeft),
            Span::BottomRight => Some(Gravity::BottomRight),
            Span::Smart => None,
        };
        Ok(Self { size, gravity })
    }
}

impl Cover {
    /// The cut with these parts of the removed area before it, across and down.
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
        summary: "fills exactly this size, keeps the proportions and cuts off the rest",
        details: "A picture that is too small is enlarged. `gravity = \"smart\"` keeps the part with the most detail: edges, vivid colours, skin.",
        examples: &[
            "{ cover = [320, 240] }",
            "{ cover = { size = [320, 240], gravity = \"top\" } }",
            "{ cover = { size = [320, 240], gravity = \"smart\" } }",
        ],
        value: Some(Shape::SIZE),
        keys: &[
            Key {
                name: "size",
                shape: Shape::SIZE,
                meaning: "width and height, 1 to 65535 px each",
                default: "",
            },
            Key {
                name: "gravity",
                shape: Shape::AnyOf(&[Shape::GRAVITY, Shape::Word(&["smart"])]),
                meaning: "the part to keep: `\"center\"`, a side such as `\"top\"`, a corner such as `\"bottom-left\"`, or `\"smart\"`",
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

    fn apply(&self, piece: &mut Workpiece<'_>) -> Result<(), Error> {
        let from = piece.size();
        let before = if let Some(gravity) = self.gravity {
            gravity.before()
        } else {
            let Geometry { source, .. } = self.cut(from, (0.0, 0.0));
            Focus::of(&piece.picture, piece.buffers)?.before(from, (source.width, source.height))
        };
        piece.reshape("cover", &self.cut(from, before))
    }
}
