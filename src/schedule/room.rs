//! How much may be queued, and which tasks are displaced when the queue is full.

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
    /// The most queued tasks of one client, which is a flow or a group (see
    /// [`Group`](super::Group)). Running tasks do not count.
    pub(crate) client_tasks: usize,
    /// The most queued tasks of all clients together.
    pub(crate) total_tasks: usize,
    /// The most bytes of one client's queued and running tasks.
    pub(crate) client_bytes: usize,
    /// The most bytes of all queued and running tasks.
    pub(crate) total_bytes: usize,
    /// How long after its push a task expires.
    pub(crate) deadline: Duration,
    pub(crate) order: Order,
}

/// How full the schedule is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Depth {
    pub(crate) queued: usize,
    pub(crate) running: usize,
    /// The bytes of queued and running tasks.
    pub(crate) bytes: usize,
}

impl Bounds {
    /// The most bytes of a single task.
    pub(crate) fn largest(&self) -> usize {
        self.client_bytes.min(self.total_bytes)
    }
}

impl<P> Schedule<P> {
    /// Makes room for a task of `rank` and `bytes` in `flow`. Returns the displaced tasks, detached
    /// and worst first. Returns `None`, and changes nothing, if the new task may not displace
    /// enough others.
    ///
    /// - If the client's share is full, its own worst tasks are displaced, provided the new task
    ///   outranks them. If a whole group counts as one client, they are taken from its flow with
    ///   the most queued.
    /// - If the whole queue is full, the worst tasks of the flow with the most queued, in the group
    ///   with the most queued, are displaced one by one until the new task fits. If no group has
    ///   more queued than the new task's own, and no flow of that group more than the new task's
    ///   own, the rule for the client's share applies.
    pub(super) fn make_room(
        &mut self,
        flow: FlowKey,
        rank: Rank,
        bytes: usize,
    ) -> Option<Vec<(Rank, TaskKey)>> {
        if !self.could_fit(flow, bytes) || self.is_over_full(flow) {
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

    /// Whether more is queued than the bounds allow, because they have become smaller: new tasks
    /// displace none of those.
    fn is_over_full(&self, flow: FlowKey) -> bool {
        let (bounds, own) = (&self.bounds, self.flows.load_of_client(flow));
        own.queued > bounds.client_tasks
            || own.bytes() > bounds.client_bytes
            || self.queued > bounds.total_tasks
            || self.bytes > bounds.total_bytes
    }

    /// Whether the task would fit if no tasks were queued: running tasks cannot be displaced.
    fn could_fit(&self, flow: FlowKey, bytes: usize) -> bool {
        let fits = |bound: usize, taken: usize| bytes <= bound.saturating_sub(taken);
        fits(self.bounds.client_bytes, self.flows.load_of_client(flow).running_bytes)
            && fits(self.bounds.total_bytes, self.running_bytes)
    }

    /// The flow whose worst task is displaced next; `None` if there is room.
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
