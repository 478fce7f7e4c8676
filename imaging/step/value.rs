//! Values of several steps: sizes, gravities, numbers within bounds.

use serde::Deserialize;

use super::shape::Shape;
use crate::limits::Limits;

/// A size of 1 to 65535 pixels each way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "[u32; 2]")]
pub(crate) struct Size {
    pub(crate) width: u32,
    pub(crate) height: u32,
}

impl Size {
    pub(crate) fn get(self) -> (u32, u32) {
        (self.width, self.height)
    }
}

impl TryFrom<[u32; 2]> for Size {
    type Error = String;

    fn try_from([width, height]: [u32; 2]) -> Result<Self, String> {
        let is_side = |side: u32| Shape::SIDE.whole("side", side.into()).is_ok();
        if is_side(width) && is_side(height) {
            return Ok(Self { width, height });
        }
        Err(format!("[{width}, {height}]: each side is 1 to {} pixels", Limits::SIDE_MAX))
    }
}

/// A side or corner at which something is aligned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Gravity {
    /// The middle.
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
}

impl Gravity {
    /// The list for the documentation.
    pub(crate) const NAMES: &'static str = "`\"center\"`, `\"top\"`, `\"bottom\"`, `\"left\"`, \
        `\"right\"`, `\"top-left\"`, `\"top-right\"`, `\"bottom-left\"`, `\"bottom-right\"`";

    /// Which part of the remaining space is before it, across and down: 0, a half or all.
    pub(crate) fn before(self) -> (f64, f64) {
        let across = match self {
            Self::Left | Self::TopLeft | Self::BottomLeft => 0.0,
            Self::Center | Self::Top | Self::Bottom => 0.5,
            Self::Right | Self::TopRight | Self::BottomRight => 1.0,
        };
        let down = match self {
            Self::Top | Self::TopLeft | Self::TopRight => 0.0,
            Self::Center | Self::Left | Self::Right => 0.5,
            Self::Bottom | Self::BottomLeft | Self::BottomRight => 1.0,
        };
        (across, down)
    }
}
