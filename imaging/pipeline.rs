//! Pipelines: steps in order, and the properties of the whole that are known once the table is
//! loaded.

use std::ops::ControlFlow;

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::encoding::Encoding;
use crate::error::Error;
use crate::profile::Profile;
use crate::step::Step;
use crate::workpiece::{Source, Workpiece};

#[cfg(test)]
mod tests;

/// The steps that make a result.
#[derive(Debug, Clone, PartialEq)]
pub struct Pipeline {
    steps: Vec<Step>,
    grey: bool,
    encoding: Option<Encoding>,
}

impl Pipeline {
    /// A pipeline of these steps.
    #[must_use]
    pub fn new(steps: Vec<Step>) -> Self {
        let becomes_grey = steps.iter().position(Step::makes_grey);
        let grey = becomes_grey.is_some_and(|at| steps[..at].iter().all(Step::commutes_with_grey));
        let encoding = steps.iter().rev().find_map(Step::encoding);
        Self { steps, grey, encoding }
    }

    /// Its steps, in order.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Whether its result is the same if it begins with a grey picture.
    #[must_use]
    pub fn is_grey(&self) -> bool {
        self.grey
    }

    /// Whether the result's file may contain nothing but the picture.
    #[must_use]
    pub fn strips(&self) -> bool {
        self.steps.iter().any(Step::strips)
    }

    /// How its result is written, if a step decides that: the last such step.
    #[must_use]
    pub fn encoding(&self) -> Option<Encoding> {
        self.encoding
    }
}

impl<'de> Deserialize<'de> for Pipeline {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(Self::new)
    }
}

/// Called before each stage of the work on a picture, with the stage's name, to ask whether to go on.
pub type Checkpoint<'a, B> = dyn FnMut(&'static str) -> ControlFlow<B> + Send + 'a;

/// Runs steps in order on the pixels of a picture. It asks the checkpoint before each step, by the
/// step's name, and stops where that breaks.
///
/// # Errors
/// Those of a step: see [`Step::apply`].
pub(crate) fn run<B>(
    piece: &mut Workpiece<'_>,
    steps: &[&Step],
    checkpoint: &mut Checkpoint<'_, B>,
) -> Result<ControlFlow<B>, Error> {
    for step in steps {
        if let ControlFlow::Break(broken) = checkpoint(step.name()) {
            return Ok(ControlFlow::Break(broken));
        }
        if step.needs_pixels() {
            step.apply(piece)?;
        } else {
            step.apply_without_pixels(piece.source, &mut piece.profile, &mut piece.fields);
        }
    }
    Ok(ControlFlow::Continue(()))
}

/// Runs steps that do not look at the picture, in order, and returns the fields that they add. It
/// asks the checkpoint before each step, by the step's name.
///
/// # Errors
/// [`Failed`](crate::ErrorKind::Failed) for a step that needs the picture.
pub fn run_without_pixels<B>(
    steps: &[&Step],
    source: &Source<'_>,
    profile: &mut Option<Profile>,
    checkpoint: &mut Checkpoint<'_, B>,
) -> Result<ControlFlow<B, Map<String, Value>>, Error> {
    let mut fields = Map::new();
    for step in steps {
        if let ControlFlow::Break(broken) = checkpoint(step.name()) {
            return Ok(ControlFlow::Break(broken));
        }
        if step.needs_pixels() {
            return Err(Error::failed(format!("{} needs the picture", step.name())));
        }
        step.apply_without_pixels(source, profile, &mut fields);
    }
    Ok(ControlFlow::Continue(fields))
}
