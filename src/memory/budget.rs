//! Memory that is granted before it is used, and released afterwards.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A number of bytes that several users share. Clones share the same budget.
#[derive(Debug, Clone)]
pub struct Budget(Arc<Pool>);

#[derive(Debug)]
struct Pool {
    limit: usize,
    taken: AtomicUsize,
}

/// Bytes granted by a budget. Dropping the grant releases them.
#[derive(Debug)]
#[must_use = "the memory is released when the grant is dropped"]
pub struct Grant {
    budget: Budget,
    bytes: usize,
}

impl Budget {
    /// A budget of this many bytes.
    #[must_use]
    pub fn new(bytes: usize) -> Self {
        Self(Arc::new(Pool { limit: bytes, taken: AtomicUsize::new(0) }))
    }

    /// Takes this many bytes, if they are free.
    #[must_use]
    pub fn try_take(&self, bytes: usize) -> Option<Grant> {
        let fitting = |taken: usize| taken.checked_add(bytes).filter(|&sum| sum <= self.0.limit);
        self.0.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fitting).ok()?;
        Some(Grant { budget: self.clone(), bytes })
    }

    /// The total number of bytes, free or taken.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.0.limit
    }

    /// How many bytes are free now.
    #[must_use]
    pub fn free(&self) -> usize {
        self.0.limit - self.0.taken.load(Ordering::Relaxed)
    }
}

impl Drop for Grant {
    fn drop(&mut self) {
        self.budget.0.taken.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::Budget;

    #[test]
    fn a_dropped_grant_is_free_again() {
        let budget = Budget::new(10);
        let first = budget.try_take(7).unwrap();
        assert!(budget.try_take(4).is_none());
        assert_eq!(budget.free(), 3, "a refused claim takes nothing");
        let second = budget.clone().try_take(3).unwrap();
        assert!(budget.try_take(1).is_none());
        assert!(budget.try_take(0).is_some() && budget.try_take(usize::MAX).is_none());
        drop(first);
        assert_eq!(budget.free(), 7);
        drop(second);
        assert_eq!(budget.free(), budget.limit());
    }
}
