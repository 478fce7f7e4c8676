//! Memory that is granted before it is used, and given back afterwards.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A number of bytes that users share. Clones are the same budget.
#[derive(Debug, Clone)]
pub struct Budget(Arc<Pool>);

#[derive(Debug)]
struct Pool {
    limit: usize,
    taken: AtomicUsize,
}

/// Bytes of a budget. Dropped, they are free again.
#[derive(Debug)]
#[must_use = "dropped, the memory is given back"]
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

    /// All of its bytes, free and taken.
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
    fn what_is_taken_is_free_again_when_it_is_dropped() {
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
