//! The memory that a task needs while it runs.

use super::{Budget, Grant};
use crate::error::{Error, code};

/// The memory that a task needs while it runs.
#[derive(Debug, Clone)]
pub struct Need {
    bytes: usize,
    own: Option<Budget>,
}

/// The memory granted to a running task.
#[derive(Debug)]
pub(crate) struct Granted {
    _whole: Grant,
    _own: Option<Grant>,
}

impl Need {
    /// A need of this many bytes.
    #[must_use]
    pub fn new(bytes: usize) -> Self {
        Self { bytes, own: None }
    }

    /// The same need, which is also taken from the consumer's own budget.
    #[must_use]
    pub fn within(mut self, budget: &Budget) -> Self {
        self.own = Some(budget.clone());
        self
    }

    /// Takes the memory from the service and from the consumer's own budget, if both have enough
    /// free.
    pub(crate) fn try_take(&self, work: &Budget) -> Option<Granted> {
        let whole = work.try_take(self.bytes)?;
        let own = match &self.own {
            Some(own) => Some(own.try_take(self.bytes)?),
            None => None,
        };
        Some(Granted { _whole: whole, _own: own })
    }

    /// Checks whether this much memory can ever be free.
    ///
    /// # Errors
    /// `too_big` if it exceeds the total memory.
    pub(crate) fn check(&self, work: &Budget) -> Result<(), Error> {
        let own = self.own.as_ref().map_or(usize::MAX, Budget::limit);
        let limit = work.limit().min(own);
        if self.bytes <= limit {
            return Ok(());
        }
        let [needed, limit] = [self.bytes, limit].map(|bytes| bytes.div_ceil(1 << 20));
        let message =
            format!("it needs about {needed} MiB of memory, but may use at most {limit} MiB");
        Err(Error::new(code::TOO_BIG, message))
    }
}
