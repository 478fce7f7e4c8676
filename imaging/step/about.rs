//! The declaration of a step: the one source of how it is read, checked and documented.

use std::path::Path;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::shape::Shape;
use crate::encoding::Encoding;
use crate::error::Error;
use crate::geometry::Geometry;
use crate::profile::Profile;
use crate::workpiece::{Source, Workpiece};

/// A step's declaration.
#[derive(Debug, Clone, Copy)]
pub struct About {
    /// Its name in a pipeline.
    pub name: &'static str,
    /// Its group in the documentation.
    pub group: Group,
    /// The value after its name.
    pub takes: Takes,
    /// Its effect, in one line.
    pub summary: &'static str,
    /// Further facts, in sentences, with the bounds of its values.
    pub details: &'static str,
    /// Examples of it; the documentation shows the first one first.
    pub examples: &'static [&'static str],
    /// Its value as it is written without a table, if it can be.
    pub value: Option<Shape>,
    /// The keys of its table, if it takes one.
    pub keys: &'static [Key],
}

impl About {
    /// For `..About::PLAIN`: a step that is only a name.
    pub(super) const PLAIN: Self = Self {
        name: "",
        group: Group::Colour,
        takes: Takes::Nothing,
        summary: "",
        details: "",
        examples: &[],
        value: None,
        keys: &[],
    };
}

/// A key of a step's table.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// The key.
    pub name: &'static str,
    /// Its value.
    pub shape: Shape,
    /// Its meaning.
    pub meaning: &'static str,
    /// Its default; empty if the key is required.
    pub default: &'static str,
}

/// The value after a step's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// `"grayscale"`.
    Nothing,
    /// `{ blur = 2.0 }`.
    Value,
    /// `"jpeg"` or `{ jpeg = { quality = 80 } }`.
    Either,
}

/// A step's group, in the documentation's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// Size and section.
    Size,
    /// Position and surroundings.
    Shape,
    /// Light and colour.
    Colour,
    /// Sharpness.
    Detail,
    /// Marks on the picture.
    Mark,
    /// The file format.
    Format,
    /// Fields of the answer.
    Answer,
}

impl Group {
    /// All groups, in the documentation's order.
    pub const ALL: [Self; 7] = [
        Self::Size,
        Self::Shape,
        Self::Colour,
        Self::Detail,
        Self::Mark,
        Self::Format,
        Self::Answer,
    ];

    /// Its heading.
    #[must_use]
    pub fn heading(self) -> &'static str {
        match self {
            Self::Size => "Size",
            Self::Shape => "Shape",
            Self::Colour => "Colour",
            Self::Detail => "Detail",
            Self::Mark => "Marks",
            Self::Format => "File",
            Self::Answer => "Fields of the answer",
        }
    }
}

/// A kind of step, which every file of this folder defines.
pub(super) trait Kind: DeserializeOwned {
    /// Its declaration.
    const ABOUT: About;

    /// The step that its name alone means, if that is allowed.
    fn bare() -> Option<Self> {
        None
    }

    /// See [`Step::geometry`](super::Step::geometry).
    fn geometry(&self, _size: (u32, u32)) -> Option<Result<Geometry, Error>> {
        None
    }

    /// See [`Step::file`](super::Step::file).
    fn file(&self) -> Option<&Path> {
        None
    }

    /// See [`Step::load`](super::Step::load).
    fn load(&mut self, _file: Vec<u8>) -> Result<(), String> {
        Ok(())
    }

    /// See [`Step::size_after`](super::Step::size_after).
    fn size_after(&self, size: (u32, u32)) -> (u32, u32) {
        size
    }

    /// See [`Step::size_between`](super::Step::size_between).
    fn size_between(&self, size: (u32, u32)) -> (u32, u32) {
        (self.size_after(size).0, size.1)
    }

    /// See [`Step::commutes_with_grey`](super::Step::commutes_with_grey).
    fn commutes_with_grey(&self) -> bool {
        true
    }

    /// See [`Step::makes_grey`](super::Step::makes_grey).
    fn makes_grey(&self) -> bool {
        false
    }

    /// See [`Step::needs_pixels`](super::Step::needs_pixels).
    fn needs_pixels(&self) -> bool {
        true
    }

    /// See [`Step::encoding`](super::Step::encoding).
    fn encoding(&self) -> Option<Encoding> {
        None
    }

    /// See [`Step::apply_without_pixels`](super::Step::apply_without_pixels).
    fn apply_without_pixels(
        &self,
        _source: &Source<'_>,
        _profile: &mut Option<Profile>,
        _fields: &mut Map<String, Value>,
    ) {
    }

    /// See [`Step::apply`](super::Step::apply).
    fn apply(&self, _piece: &mut Workpiece<'_>) -> Result<(), Error> {
        Ok(())
    }
}
