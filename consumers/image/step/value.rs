//! What several steps take: sizes, colours, gravities, numbers within bounds.

use std::fmt;
use std::ops::RangeInclusive;

use serde::Deserialize;

use crate::image::codec::Limits;

/// A size of 1 to 65535 pixels each way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "[u32; 2]")]
pub(in crate::image) struct Size {
    pub(in crate::image) width: u32,
    pub(in crate::image) height: u32,
}

impl Size {
    pub(in crate::image) fn get(self) -> (u32, u32) {
        (self.width, self.height)
    }
}

impl TryFrom<[u32; 2]> for Size {
    type Error = String;

    fn try_from([width, height]: [u32; 2]) -> Result<Self, String> {
        let sides = 1..=Limits::SIDE_MAX;
        if sides.contains(&width) && sides.contains(&height) {
            return Ok(Self { width, height });
        }
        Err(format!("[{width}, {height}]: each side is 1 to {} pixels", Limits::SIDE_MAX))
    }
}

/// A colour, `"#rgb"`, `"#rrggbb"`, `"#rrggbbaa"`, `"white"`, `"black"` or `"transparent"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(in crate::image) struct Colour(pub(super) [u8; 4]);

impl Colour {
    pub(in crate::image) const WHITE: Self = Self([255; 4]);

    /// Whether nothing shines through.
    pub(in crate::image) fn is_opaque(self) -> bool {
        self.0[3] == u8::MAX
    }

    /// Whether it is a shade of grey.
    pub(in crate::image) fn is_grey(self) -> bool {
        let [r, g, b, _] = self.0;
        r == g && g == b
    }
}

impl TryFrom<String> for Colour {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let digits = match text.as_str() {
            "white" => "ffffff",
            "black" => "000000",
            "transparent" => "00000000",
            other => other.strip_prefix('#').unwrap_or_default(),
        };
        let byte = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
        let nibble = |at: usize| u8::from_str_radix(digits.get(at..=at)?, 16).ok().map(|n| n * 17);
        // Signs are digits to `from_str_radix`.
        let plain = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        let colour = match digits.len() {
            3 if plain => [nibble(0), nibble(1), nibble(2), Some(u8::MAX)],
            6 if plain => [byte(0), byte(2), byte(4), Some(u8::MAX)],
            8 if plain => [byte(0), byte(2), byte(4), byte(6)],
            _ => [None; 4],
        };
        let [Some(r), Some(g), Some(b), Some(alpha)] = colour else {
            return Err(format!(
                "{text:?} is no colour\nwrite \"#rrggbb\", \"#rrggbbaa\", \"white\", \"black\" or \
                 \"transparent\""
            ));
        };
        Ok(Self([r, g, b, alpha]))
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [r, g, b, alpha] = self.0;
        write!(f, "#{r:02x}{g:02x}{b:02x}")?;
        if self.is_opaque() { Ok(()) } else { write!(f, "{alpha:02x}") }
    }
}

/// A side or corner that something keeps to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::image) enum Gravity {
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
    /// As the documentation lists it.
    pub(in crate::image) const NAMES: &'static str = "`\"center\"`, `\"top\"`, `\"bottom\"`, `\"left\"`, \
        `\"right\"`, `\"top-left\"`, `\"top-right\"`, `\"bottom-left\"`, `\"bottom-right\"`";

    /// How much of what is left over lies before it, across and down: 0, a half or all.
    pub(in crate::image) fn before(self) -> (f64, f64) {
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

/// A number within its bounds, or what is wrong with it: `what` names it, as `"brightness"`.
pub(in crate::image) fn within(
    what: &str,
    value: f64,
    bounds: RangeInclusive<f64>,
) -> Result<f64, String> {
    if bounds.contains(&value) {
        return Ok(value);
    }
    Err(format!("{what} = {value}: it is {} to {}", bounds.start(), bounds.end()))
}

/// A whole number within its bounds, likewise.
pub(in crate::image) fn whole(
    what: &str,
    value: i64,
    bounds: RangeInclusive<i64>,
) -> Result<i64, String> {
    if bounds.contains(&value) {
        return Ok(value);
    }
    Err(format!("{what} = {value}: it is {} to {}", bounds.start(), bounds.end()))
}
