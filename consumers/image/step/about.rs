//! What a step says of itself: the one source of how it is read, checked and documented.

use std::path::PathBuf;

use serde::de::DeserializeOwned;
use waterway::Error;

use crate::image::codec::Encoding;
use crate::image::geometry::Geometry;
use crate::image::work::Work;

/// A step's declaration.
#[derive(Debug, Clone, Copy)]
pub struct About {
    /// What `routing.toml` calls it.
    pub name: &'static str,
    /// What it is among steps.
    pub group: Group,
    /// What stands behind its name.
    pub takes: Takes,
    /// What it does, in a line.
    pub summary: &'static str,
    /// What else there is to know, in sentences; with the bounds of what it takes.
    pub details: &'static str,
    /// How it is written; the first one is shown first.
    pub examples: &'static [&'static str],
    /// The keys of its table, where it takes one.
    pub keys: &'static [Key],
}

impl About {
    /// For `..About::PLAIN`: a step that is its name alone.
    pub(super) const PLAIN: Self = Self {
        name: "",
        group: Group::Colour,
        takes: Takes::Nothing,
        summary: "",
        details: "",
        examples: &[],
        keys: &[],
    };
}

/// A key of a step's table.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// The key.
    pub name: &'static str,
    /// What it says.
    pub meaning: &'static str,
    /// What holds without it; empty where it is required.
    pub default: &'static str,
}

/// What stands behind a step's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// `"grayscale"`.
    Nothing,
    /// `{ blur = 2.0 }`.
    Value,
    /// `"jpeg"` or `{ jpeg = { quality = 80 } }`.
    Either,
}

/// What a step is among steps, in the order of the documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// Size and what is shown.
    Size,
    /// How it stands, and what is around it.
    Shape,
    /// Light and colour.
    Colour,
    /// Sharp or soft.
    Detail,
    /// What is put on it.
    Mark,
    /// How it is written.
    Format,
    /// What is read from it.
    Answer,
}

impl Group {
    /// All, in the order of the documentation.
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

/// A kind of step: what every file of this folder defines.
pub(super) trait Kind: DeserializeOwned {
    /// Its declaration.
    const ABOUT: About;

    /// The step that its name alone stands for, where it may stand alone.
    fn bare() -> Option<Self> {
        None
    }

    /// See [`Step::geometry`](super::Step::geometry).
    fn geometry(&self, _size: (u32, u32)) -> Option<Result<Geometry, Error>> {
        None
    }

    /// See [`Step::files`](super::Step::files).
    fn files(&self) -> &[PathBuf] {
        &[]
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

    /// See [`Step::apply`](super::Step::apply).
    fn apply(&self, work: &mut Work<'_>) -> Result<(), Error>;
}
