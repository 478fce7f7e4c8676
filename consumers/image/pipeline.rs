//! Runs a picture through the steps of its pipeline.

use waterway::Error;

use super::Checkpoint;
use super::step::Step;
use super::work::Work;

#[cfg(test)]
mod tests;

/// Why a pipeline did not come to its end.
#[derive(Debug)]
pub enum Stopped {
    /// The checkpoint said so: nobody waits for the result.
    Checkpoint(Error),
    /// A step failed.
    Step(Error),
}

/// Runs the steps in order, with the checkpoint before each.
///
/// # Errors
/// [`Stopped`]: by the checkpoint or by a step, whose error is `step_failed` or `failed`.
pub fn run(
    work: &mut Work<'_>,
    steps: &[Step],
    checkpoint: &mut Checkpoint<'_>,
) -> Result<(), Stopped> {
    for step in steps {
        checkpoint(step.name()).map_err(Stopped::Checkpoint)?;
        step.apply(work).map_err(Stopped::Step)?;
    }
    Ok(())
}
