//! How much may be queued, and which tasks are displaced when it is too much.

use std::time::Duration;

use super::{Schedule, TaskKey};
use super::{
    flow::FlowKey,
    rank::{Order, Rank},
    sharing::Measure,
};

/// How much may be queued, for how long, and in what order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Queued tasks of one client, which is a flow or a group: see
    /// [`Group`](super::Group). Running ones do not count.
    pub(crate) client_tasks: usize,
    /// Queued tasks of all.
    pub(crate) total_tasks: usize,
    /// Bytes of one client's queued and running tasks.
    pub(crate) client_bytes: usize,
    /// Bytes of everybody's queued and running tasks.
    pub(crate) total_bytes: usize,
    /// From a task's push until it is too late for it.
    pub(crate) deadline: Duration,
    pub(crate) order: Order,
}

/// How full the schedule is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Depth {
    pub(crate) queued: usize,
    pub(crate) running: usize,
    /// Of queued and running tasks.
    pub(crate) bytes: usize,
}

impl Bounds {
    /// How many bytes a single task may have.
    pub(crate) fn largest(&self) -> usize {
        self.client_bytes.min(self.total_bytes)
    }
}

impl<P> Schedule<P> {
    /// Makes room in the budgets for a task of `rank` and `bytes` in `flow`. Returns who has to give
    /// way, detached and worst first, or `None` when there is no room that it could rightly take;
    /// then everybody is where they were.
    ///
    /// - Where the client's share is full, its own worst tasks are displaced if the new one
    ///   outranks them. Where a whole group is one client, the worst task of its flow with the most
    ///   queued is displaced.
    /// - Where the whole queue is full, the worst tasks of the flow with the most queued, in the
    ///   group with the most queued, are displaced one by one until the new task fits. If no group
    ///   has more queued than the new task's own, and no flow of that group more than the new
    ///   task's own, the rule for the client's share applies.
    pub(super) fn make_room(
        &mut self,
        flow: FlowKey,
        rank: Rank,
        bytes: usize,
    ) -> Option<Vec<(Rank, TaskKey)>> {
        if !self.could_fit(flow, bytes) {
            return None;
        }
        let mut detached = Vec::new();
        while let Some(giver) = self.who_gives_way(flow, bytes) {
            self.rank_anew(giver);
            let worst = self.flows.backlog(giver).last();
            let Some((worst, task)) = worst.filter(|&(worst, _)| giver != flow || rank < worst)
            else {
                for (rank, task) in detached {
                    self.attach(task, rank);
                }
                return None;
            };
            self.detach(task);
            detached.push((worst, task));
        }
        Some(detached)
    }

    /// Whether it would fit if nothing were queued: running tasks cannot be displaced.
    fn could_fit(&self, flow: FlowKey, bytes: usize) -> bool {
        let fits = |bound: usize, taken: usize| bytes <= bound.saturating_sub(taken);
        fits(self.bounds.client_bytes, self.flows.load_of_client(flow).running_bytes)
            && fits(self.bounds.total_bytes, self.running_bytes)
    }

    /// The flow whose worst task is displaced next; `None` when there is room.
    fn who_gives_way(&self, flow: FlowKey, bytes: usize) -> Option<FlowKey> {
        let (bounds, own) = (&self.bounds, self.flows.load_of_client(flow));
        let over = |bound: usize, taken: usize| bytes > bound.saturating_sub(taken);
        if own.queued >= bounds.client_tasks {
            Some(self.flows.largest_of_client(Measure::Tasks, flow))
        } else if over(bounds.client_bytes, own.bytes()) {
            Some(self.flows.largest_of_client(Measure::Bytes, flow))
        } else if self.queued >= bounds.total_tasks {
            Some(self.flows.largest(Measure::Tasks, flow))
        } else if over(bounds.total_bytes, self.bytes) {
            Some(self.flows.largest(Measure::Bytes, flow))
        } else {
            None
        }
    }
}
