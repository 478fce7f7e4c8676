//! Pipelines: steps in order, and what is known of them together once the table is loaded.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use waterway::Error;

use super::Checkpoint;
use super::codec::Encoding;
use super::step::Step;
use super::work::Work;

#[cfg(test)]
mod tests;

/// The steps that a result stands for.
#[derive(Debug, Clone, PartialEq)]
pub struct Pipeline {
    steps: Vec<Step>,
    grey: bool,
    encoding: Option<Encoding>,
}

impl Pipeline {
    /// Of these steps.
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

    /// Whether its result is the same when it begins with a grey picture.
    #[must_use]
    pub fn is_grey(&self) -> bool {
        self.grey
    }

    /// Whether nothing but the picture may be in its result's file.
    #[must_use]
    pub fn strips(&self) -> bool {
        self.steps.iter().any(Step::strips)
    }

    /// How its result is written, if a step says so: the last one that does.
    #[must_use]
    pub fn encoding(&self) -> Option<Encoding> {
        self.encoding
    }
}

impl<'de> Deserialize<'de> for Pipeline {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let pipeline = Self::new(Vec::deserialize(deserializer)?);
        pipeline.encoding.map_or(Ok(()), Encoding::built_in).map_err(D::Error::custom)?;
        Ok(pipeline)
    }
}

/// Why a pipeline did not come to its end.
#[derive(Debug)]
pub enum Stopped {
    /// The checkpoint said so: nobody waits for the result.
    Checkpoint(Error),
    /// A step failed.
    Step(Error),
}

/// Runs steps in order, with the checkpoint before each.
///
/// # Errors
/// [`Stopped`]: by the checkpoint or by a step, whose error is `step_failed`, `bad_header` or
/// `failed`.
pub fn run<'a>(
    work: &mut Work<'_>,
    steps: impl IntoIterator<Item = &'a Step>,
    checkpoint: &mut Checkpoint<'_>,
) -> Result<(), Stopped> {
    for step in steps {
        checkpoint(step.name()).map_err(Stopped::Checkpoint)?;
        step.apply(work).map_err(Stopped::Step)?;
    }
    Ok(())
}
