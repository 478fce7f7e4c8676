//! The types and bounds of the values that steps take: the steps are read by them, and tables are
//! documented by them.

use crate::limits::Limits;

/// The type of a value, and its bounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Shape {
    /// `true` or `false`.
    Flag,
    /// A number, from the first to the second.
    Number(f64, f64),
    /// A number above the first, and at most the second.
    NumberAbove(f64, f64),
    /// A whole number, from the first to the second.
    Whole(i64, i64),
    /// One of these whole numbers.
    WholeOf(&'static [i64]),
    /// One of these words.
    Word(&'static [&'static str]),
    /// A colour, such as `"#202020"` or `"white"`.
    Colour,
    /// A text of one line, with at most this many characters.
    Text(usize),
    /// The path of a file.
    Path,
    /// A list of exactly these values.
    List(&'static [Shape]),
    /// A value of one of these types.
    AnyOf(&'static [Shape]),
}

impl Shape {
    /// A length in pixels, which may be zero.
    // A side fits into the type of whole numbers.
    #[allow(clippy::cast_lossless)]
    pub(crate) const LENGTH: Self = Self::Whole(0, Limits::SIDE_MAX as i64);
    /// A side of a picture.
    #[allow(clippy::cast_lossless)]
    pub(crate) const SIDE: Self = Self::Whole(1, Limits::SIDE_MAX as i64);
    /// Width and height.
    pub(crate) const SIZE: Self = Self::List(&[Self::SIDE, Self::SIDE]);
    /// A distance from the left or upper edge.
    pub(crate) const DISTANCE: Self = Self::Whole(0, u32::MAX as i64);
    /// A length that reaches over the edge.
    pub(crate) const EXTENT: Self = Self::Whole(1, u32::MAX as i64);
    /// A position in the picture.
    pub(crate) const GRAVITY: Self = Self::Word(&[
        "center",
        "top",
        "bottom",
        "left",
        "right",
        "top-left",
        "top-right",
        "bottom-left",
        "bottom-right",
    ]);

    /// The number, if this is a number within these bounds; `what` names it in the error.
    pub(crate) fn number(self, what: &str, value: f64) -> Result<f64, String> {
        let bounds = match self {
            Self::Number(least, most) if (least..=most).contains(&value) => return Ok(value),
            Self::NumberAbove(least, most) if value > least && value <= most => return Ok(value),
            Self::Number(least, most) => format!("{least} to {most}"),
            Self::NumberAbove(least, most) => format!("above {least} and at most {most}"),
            _ => "no number".to_owned(),
        };
        Err(format!("{what} = {value}: it is {bounds}"))
    }

    /// The same for a whole number.
    pub(crate) fn whole(self, what: &str, value: i64) -> Result<i64, String> {
        let bounds = match self {
            Self::Whole(least, most) if (least..=most).contains(&value) => return Ok(value),
            Self::WholeOf(values) if values.contains(&value) => return Ok(value),
            Self::Whole(least, most) => format!("{least} to {most}"),
            Self::WholeOf(values) => {
                let values: Vec<String> = values.iter().map(ToString::to_string).collect();
                values.split_last().map_or_else(String::new, |(last, others)| {
                    format!("{} or {last}", others.join(", "))
                })
            }
            _ => "no whole number".to_owned(),
        };
        Err(format!("{what} = {value}: it is {bounds}"))
    }
}
