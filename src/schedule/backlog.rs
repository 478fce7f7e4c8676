//! A flow's queued tasks, from both ends: the next to run and the first to be displaced.

use std::cmp::Reverse;

use super::{
    entry::TaskKey,
    heap::{Handle, Heap},
    rank::Rank,
};

/// The same tasks in two heaps, so that both ends cost a logarithm.
/// A task near one end is near the leaves of the other heap, where taking it out costs little.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    first: Heap<Rank, TaskKey>,
    last: Heap<Reverse<Rank>, TaskKey>,
    /// One of its clients has scrolled, so the ranks must be updated before either end is asked
    /// for. However often clients scroll until then, the ranks are updated once.
    scrolled: bool,
}

/// Where a task stands in its flow's backlog.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    first: Handle,
    last: Handle,
}

impl Backlog {
    pub(super) fn set_scrolled(&mut self) {
        self.scrolled = true;
    }

    pub(super) fn is_scrolled(&self) -> bool {
        self.scrolled
    }

    pub(super) fn first(&self) -> Option<TaskKey> {
        self.first.peek().map(|(_, task)| task)
    }

    pub(super) fn last(&self) -> Option<(Rank, TaskKey)> {
        self.last.peek().map(|(Reverse(rank), task)| (rank, task))
    }

    pub(super) fn insert(&mut self, rank: Rank, task: TaskKey) -> Place {
        Place { first: self.first.push(rank, task), last: self.last.push(Reverse(rank), task) }
    }

    pub(super) fn remove(&mut self, place: Place) {
        self.first.remove(place.first);
        self.last.remove(place.last);
    }

    pub(super) fn rerank(&mut self, place: Place, rank: Rank) {
        self.first.rekey(place.first, rank);
        self.last.rekey(place.last, Reverse(rank));
    }

    /// Ranks every task anew, in linear time; `rank` is given the rank that it has.
    pub(super) fn rerank_all(&mut self, rank: impl Fn(Rank, TaskKey) -> Rank) {
        self.scrolled = false;
        self.first.rekey_all(&rank);
        self.last.rekey_all(|Reverse(old), task| Reverse(rank(old, task)));
    }

    #[cfg(test)]
    pub(super) fn check_invariants(&self) {
        self.first.check_invariants();
        self.last.check_invariants();
        let mut first: Vec<_> = self.first.iter().collect();
        let mut last: Vec<_> = self.last.iter().map(|(Reverse(rank), task)| (rank, task)).collect();
        first.sort_unstable();
        last.sort_unstable();
        assert_eq!(first, last, "both ends hold the same tasks");
    }

    #[cfg(test)]
    pub(super) fn rank(&self, place: Place) -> Option<Rank> {
        self.first.key(place.first)
    }

    #[cfg(test)]
    pub(super) fn tasks(&self) -> impl Iterator<Item = TaskKey> + '_ {
        self.first.iter().map(|(_, task)| task)
    }
}
