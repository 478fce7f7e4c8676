//! `{ pad = 16 }`: adds a margin, or centres the picture in a larger size.

use image::DynamicImage;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

use super::about::{About, Group, Key, Kind, Takes};
use super::shape::Shape;
use super::short::short_or_table;
use super::value::{Gravity, Size};
use crate::buffers::Buffers;
use crate::colour::Colour;
use crate::error::Error;
use crate::pixels;
use crate::workpiece::Workpiece;

/// The margins, and their colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pad {
    extent: Extent,
    colour: Colour,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extent {
    /// To at least this size; a longer side stays.
    To(Size, Gravity),
    /// By this much.
    By { top: u32, right: u32, bottom: u32, left: u32 },
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct Table {
    size: Option<Size>,
    gravity: Option<Gravity>,
    top: Side,
    right: Side,
    bottom: Side,
    left: Side,
    colour: Option<Colour>,
}

#[derive(Deserialize, Default, Clone, Copy, PartialEq)]
#[serde(try_from = "i64")]
struct Side(u32);

impl TryFrom<i64> for Side {
    type Error = String;

    fn try_from(pixels: i64) -> Result<Self, String> {
        let pixels = Shape::LENGTH.whole("pad", pixels)?;
        Ok(Self(u32::try_from(pixels).unwrap_or(0)))
    }
}

/// `{ pad = 16 }` or `{ pad = [640, 480] }`.
enum Short {
    Sides(Side),
    Size(Size),
}

impl<'de> Deserialize<'de> for Short {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Short;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a margin in pixels, a size such as [640, 480] or a table")
            }

            fn visit_i64<E: serde::de::Error>(self, pixels: i64) -> Result<Short, E> {
                Side::try_from(pixels).map(Short::Sides).map_err(E::custom)
            }

            fn visit_u64<E: serde::de::Error>(self, pixels: u64) -> Result<Short, E> {
                self.visit_i64(i64::try_from(pixels).unwrap_or(i64::MAX))
            }

            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, list: A) -> Result<Short, A::Error> {
                let list = serde::de::value::SeqAccessDeserializer::new(list);
                Size::deserialize(list).map(Short::Size)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl From<Short> for Table {
    fn from(short: Short) -> Self {
        match short {
            Short::Sides(side) => {
                Self { top: side, right: side, bottom: side, left: side, ..Self::default() }
            }
            Short::Size(size) => Self { size: Some(size), ..Self::default() },
        }
    }
}

impl<'de> Deserialize<'de> for Pad {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let table = short_or_table::<_, Short, Table>(deserializer)?;
        let Table { size, gravity, top, right, bottom, left, colour } = table;
        let by_sides = [top, right, bottom, left].iter().any(|side| *side != Side(0));
        let extent = match size {
            Some(_) if by_sides => {
                let message = "pad takes a size or sides, not both\ntwo steps do both";
                return Err(D::Error::custom(message));
            }
            None if gravity.is_some() => {
                let message = "gravity is for a size\ngive `size`, or leave gravity out";
                return Err(D::Error::custom(message));
            }
            Some(size) => Extent::To(size, gravity.unwrap_or_default()),
            None => Extent::By { top: top.0, right: right.0, bottom: bottom.0, left: left.0 },
        };
        Ok(Self { extent, colour: colour.unwrap_or(Colour::WHITE) })
    }
}

impl Pad {
    /// The new size, and the picture's position in it.
    fn span(self, (width, height): (u32, u32)) -> ((u32, u32), (u32, u32)) {
        match self.extent {
            Extent::To(size, gravity) => {
                let padded = (width.max(size.width), height.max(size.height));
                let (across, down) = gravity.before();
                // A part of a side fits into the type of a side.
                #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
                let before = |room: u32, part: f64| (f64::from(room) * part).floor() as u32;
                let corner = (before(padded.0 - width, across), before(padded.1 - height, down));
                (padded, corner)
            }
            Extent::By { top, right, bottom, left } => {
                let padded = (
                    width.saturating_add(left).saturating_add(right),
                    height.saturating_add(top).saturating_add(bottom),
                );
                (padded, (left, top))
            }
        }
    }
}

impl Kind for Pad {
    const ABOUT: About = About {
        name: "pad",
        group: Group::Shape,
        takes: Takes::Value,
        summary: "adds a margin, or pads to a larger size",
        details: "`{ pad = 16 }` adds a margin on all sides. `{ pad = [640, 480] }` centres the picture in that size; a side that is already longer stays. Each value is at most 65535 px.",
        examples: &[
            "{ pad = 16 }",
            "{ pad = [640, 480] }",
            "{ pad = { size = [640, 480], gravity = \"top\", colour = \"#202020\" } }",
            "{ pad = { bottom = 40, colour = \"black\" } }",
        ],
        value: Some(Shape::AnyOf(&[Shape::LENGTH, Shape::SIZE])),
        keys: &[
            Key {
                name: "size",
                shape: Shape::SIZE,
                meaning: "width and height to pad to",
                default: "by sides",
            },
            Key {
                name: "gravity",
                shape: Shape::GRAVITY,
                meaning: "position of the picture in that size: `\"center\"`, a side such as `\"top\"`, a corner such as `\"bottom-left\"`",
                default: "\"center\"",
            },
            Key { name: "top", shape: Shape::LENGTH, meaning: "px above", default: "0" },
            Key { name: "right", shape: Shape::LENGTH, meaning: "px to the right", default: "0" },
            Key { name: "bottom", shape: Shape::LENGTH, meaning: "px below", default: "0" },
            Key { name: "left", shape: Shape::LENGTH, meaning: "px to the left", default: "0" },
            Key {
                name: "colour",
                shape: Shape::Colour,
                meaning: "colour of the margin; a colour with alpha makes the picture transparent",
                default: "\"white\"",
            },
        ],
    };

    fn size_after(&self, size: (u32, u32)) -> (u32, u32) {
        self.span(size).0
    }

    fn apply(&self, piece: &mut Workpiece<'_>) -> Result<(), Error> {
        let (size, corner) = self.span(piece.size());
        piece.check("pad", size)?;
        if size != piece.size() {
            piece.bring_to_srgb();
            let picture = pixels::taking(std::mem::take(&mut piece.picture), self.colour);
            piece.picture = self.padded(&picture, size, corner, piece.buffers)?;
        }
        Ok(())
    }
}

impl Pad {
    fn padded(
        self,
        picture: &DynamicImage,
        size: (u32, u32),
        (left, top): (u32, u32),
        buffers: &mut Buffers,
    ) -> Result<DynamicImage, Error> {
        let Colour([r, g, b, alpha]) = self.colour;
        let grey = pixels::luma([r, g, b]);
        let (samples, channels) = pixels::samples(picture);
        let pixel: &[u8] = match channels {
            1 => &[grey],
            2 => &[grey, alpha],
            3 => &[r, g, b],
            _ => &[r, g, b, alpha],
        };
        let mut padded = buffers.take(size.0 as usize * size.1 as usize * channels)?;
        padded.chunks_exact_mut(channels).for_each(|to| to.copy_from_slice(pixel));
        let (row, width) = (size.0 as usize * channels, picture.width() as usize * channels);
        let begin = left as usize * channels;
        let rows = padded.chunks_exact_mut(row).skip(top as usize);
        for (to, from) in rows.zip(samples.chunks_exact(width)) {
            to[begin..begin + width].copy_from_slice(from);
        }
        Ok(pixels::from_samples(size, channels, padded))
    }
}
