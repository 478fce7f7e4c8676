//! Flows in two levels: the workers' time is shared between groups, and each group's time between
//! its flows. A flow is a connection with its backlog.

use std::{sync::Arc, time::Duration};

use super::{
    backlog::{Backlog, Handles},
    entry::{Group, TaskKey},
    rank::Rank,
    sharing::{Load, Measure, Sharing},
    turns::{INITIAL_COST, MemberKey},
};

/// Every group with its flows. A group without tasks does not remember flows.
#[derive(Debug)]
pub(super) struct Flows {
    groups: Sharing<Group, Sharing<Arc<str>, Backlog>>,
}

/// Identifies a flow for as long as it has tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct FlowKey {
    group: MemberKey,
    flow: MemberKey,
}

/// The charges of a running task's group and flow until it is finished, in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Charge {
    group: u64,
    flow: u64,
}

impl Default for Flows {
    fn default() -> Self {
        Self { groups: Sharing::new(INITIAL_COST) }
    }
}

impl Flows {
    pub(super) fn average_cost(&self) -> Duration {
        self.groups.average_cost()
    }

    /// The flow with this name, added if it is new. Call [`settle`](Self::settle) afterwards.
    pub(super) fn enter(&mut self, group: &Group, flow: &Arc<str>) -> FlowKey {
        let group = self.groups.enter(group, |turns| Sharing::new(turns.average()));
        let flow = self.groups.content_mut(group).enter(flow, |_| Backlog::default());
        FlowKey { group, flow }
    }

    /// The flow whose turn it is.
    pub(super) fn next(&self) -> Option<FlowKey> {
        let group = self.groups.next()?;
        self.groups.content(group).next().map(|flow| FlowKey { group, flow })
    }

    pub(super) fn backlog(&self, key: FlowKey) -> &Backlog {
        self.groups.content(key.group).content(key.flow)
    }

    pub(super) fn backlog_mut(&mut self, key: FlowKey) -> &mut Backlog {
        self.groups.content_mut(key.group).content_mut(key.flow)
    }

    /// The load of the flow's client: of the flow itself, or of its whole group.
    pub(super) fn load_of_client(&self, key: FlowKey) -> Load {
        if self.groups.name(key.group).is_one_client {
            self.groups.load(key.group)
        } else {
            self.groups.content(key.group).load(key.flow)
        }
    }

    /// The flow whose task is displaced when the client has too much. In a group that counts as one
    /// client, this is the flow with the most queued; `key` itself if no other flow has more.
    pub(super) fn largest_of_client(&self, measure: Measure, key: FlowKey) -> FlowKey {
        let FlowKey { group, flow } = key;
        if self.groups.name(group).is_one_client {
            FlowKey { group, flow: self.groups.content(group).larger(measure, flow) }
        } else {
            key
        }
    }

    /// The flow whose task is displaced when all clients together have too much: the flow with the
    /// most queued, in the group with the most queued. If no other group has more than that of
    /// `key`, the flow is one of that group: `key` itself, unless another has more.
    pub(super) fn largest(&self, measure: Measure, key: FlowKey) -> FlowKey {
        let group = self.groups.larger(measure, key.group);
        let flows = self.groups.content(group);
        let flow = if group == key.group {
            flows.larger(measure, key.flow)
        } else {
            flows.largest(measure).unwrap_or(key.flow)
        };
        FlowKey { group, flow }
    }

    /// Queues a task. Call [`settle`](Self::settle) afterwards.
    pub(super) fn attach(
        &mut self,
        key: FlowKey,
        rank: Rank,
        task: TaskKey,
        bytes: usize,
    ) -> Handles {
        self.groups.queue(key.group, bytes);
        self.groups.content_mut(key.group).queue(key.flow, bytes);
        self.backlog_mut(key).insert(rank, task)
    }

    /// Removes a queued task. Call [`settle`](Self::settle) afterwards.
    pub(super) fn detach(&mut self, key: FlowKey, place: Handles, bytes: usize) {
        self.groups.unqueue(key.group, bytes);
        self.groups.content_mut(key.group).unqueue(key.flow, bytes);
        self.backlog_mut(key).remove(place);
    }

    /// Starts a task that was detached. Call [`settle`](Self::settle) afterwards.
    pub(super) fn start(&mut self, key: FlowKey, bytes: usize) -> Charge {
        let group = self.groups.start(key.group, bytes);
        Charge { group, flow: self.groups.content_mut(key.group).start(key.flow, bytes) }
    }

    /// Finishes a running task. Call [`settle`](Self::settle) afterwards.
    pub(super) fn finish(&mut self, key: FlowKey, bytes: usize, charge: Charge, cost: Duration) {
        self.groups.finish(key.group, bytes, charge.group, cost);
        self.groups.content_mut(key.group).finish(key.flow, bytes, charge.flow, cost);
    }

    /// Updates the flow's and its group's place in the order of turns after their tasks have
    /// changed. `idle`: no flow has a task. A flow may be settled again after it was forgotten.
    pub(super) fn settle(&mut self, key: FlowKey, idle: bool) {
        if !self.groups.knows(key.group) {
            return;
        }
        let group_is_idle = self.groups.load(key.group).is_empty();
        self.groups.content_mut(key.group).settle(key.flow, group_is_idle);
        self.groups.settle(key.group, idle);
    }

    /// Checks all invariants, and calls the checks for every group and every flow.
    #[cfg(test)]
    pub(super) fn check_invariants(
        &self,
        mut check_group: impl FnMut(&Group, Load),
        mut check_flow: impl FnMut(FlowKey, &Backlog, Load),
    ) {
        self.groups.check_invariants(|group, name, flows, load| {
            check_group(name, load);
            let mut sum = Load::default();
            flows.check_invariants(|flow, _, backlog, load| {
                backlog.check_invariants();
                sum.queued += load.queued;
                sum.queued_bytes += load.queued_bytes;
                sum.running += load.running;
                sum.running_bytes += load.running_bytes;
                check_flow(FlowKey { group, flow }, backlog, load);
            });
            assert_eq!(sum, load, "a group has what its flows have");
            assert!(!load.is_empty() || flows.known() == 0, "without tasks it has no flows");
        });
    }

    /// The largest capacity for groups, or for the flows of one group.
    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        let mut most = self.groups.capacity();
        self.groups.check_invariants(|_, _, flows, _| most = most.max(flows.capacity()));
        most
    }

    #[cfg(test)]
    pub(super) fn queued_of(&self, group: &Group, flow: &Arc<str>) -> usize {
        self.groups.find(group).map_or(0, |key| {
            let flows = self.groups.content(key);
            flows.find(flow).map_or(0, |flow| flows.load(flow).queued)
        })
    }

    /// How many groups and flows are known.
    #[cfg(test)]
    pub(super) fn known(&self) -> (usize, usize) {
        let mut flows = 0;
        self.groups.check_invariants(|_, _, group, _| flows += group.known());
        (self.groups.known(), flows)
    }
}
