//! The queued tasks of a flow, ordered from both ends: the next to run, and the first to be
//! displaced.

use std::cmp::Reverse;

use super::{
    entry::TaskKey,
    heap::{Handle, Heap},
    rank::Rank,
};

/// The same tasks in two heaps, so that access to either end takes logarithmic time. A task near
/// one end is near the leaves of the other heap, where removing it is cheap.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    first: Heap<Rank, TaskKey>,
    last: Heap<Reverse<Rank>, TaskKey>,
    /// Whether a client of the flow has scrolled, so that the ranks must be updated before either
    /// end is used. They are updated only once, however often clients scroll until then.
    scrolled: bool,
}

/// The handles of a task in the two heaps of its flow's backlog.
#[derive(Clone, Copy, Debug)]
pub(super) struct Handles {
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

    pub(super) fn insert(&mut self, rank: Rank, task: TaskKey) -> Handles {
        Handles { first: self.first.push(rank, task), last: self.last.push(Reverse(rank), task) }
    }

    pub(super) fn remove(&mut self, handles: Handles) {
        self.first.remove(handles.first);
        self.last.remove(handles.last);
    }

    pub(super) fn rerank(&mut self, handles: Handles, rank: Rank) {
        self.first.rekey(handles.first, rank);
        self.last.rekey(handles.last, Reverse(rank));
    }

    /// Computes the rank of every task again, in linear time; `rank` gets the old rank and the
    /// task.
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
    pub(super) fn rank(&self, handles: Handles) -> Option<Rank> {
        self.first.key(handles.first)
    }

    #[cfg(test)]
    pub(super) fn tasks(&self) -> impl Iterator<Item = TaskKey> + '_ {
        self.first.iter().map(|(_, task)| task)
    }
}
