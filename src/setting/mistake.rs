//! One thing that is wrong in a file.

use super::place::Place;

/// One thing that is wrong, where it stands, and the way out.
///
/// [`Report`](super::Report) shows many of them beside the lines that they are about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// What the mark points at.
    pub place: Place,
    /// What is wrong, without a full stop.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
}

impl Mistake {
    /// Something wrong at a place.
    pub fn new(place: Place, message: impl Into<String>) -> Self {
        Self { place, message: message.into(), help: None }
    }

    /// The way out, where there is one to name.
    #[must_use]
    pub fn help(mut self, help: impl Into<Option<String>>) -> Self {
        self.help = help.into();
        self
    }
}
