//! A task from its turn to its end.

use std::time::Duration;

use super::{Entry, RunningId, Schedule, State};

impl<P> Schedule<P> {
    /// The task whose turn it is, which stays queued. Linear in the number of its flow's tasks, if
    /// a client of that flow has scrolled.
    pub(crate) fn peek(&mut self) -> Option<(RunningId, &P)> {
        let flow = self.flows.next()?;
        self.rank_anew(flow);
        let key = self.flows.backlog(flow).first()?;
        let task = &self.tasks[key.0];
        match &task.state {
            State::Queued { entry, .. } => {
                Some((RunningId { key, arrival: task.arrival }, &entry.payload))
            }
            State::Running { .. } => None,
        }
    }

    /// The payload of a task that was [peeked](Self::peek), if it is still queued.
    pub(crate) fn queued_mut(&mut self, id: RunningId) -> Option<&mut P> {
        let task = self.tasks.get_mut(id.key.0).filter(|task| task.arrival == id.arrival)?;
        match &mut task.state {
            State::Queued { entry, .. } => Some(&mut entry.payload),
            State::Running { .. } => None,
        }
    }

    /// Starts a task that was [peeked](Self::peek), if it is still queued. Call
    /// [`expire`](Self::expire) before, so that no task begins too late.
    pub(crate) fn begin(&mut self, id: RunningId) -> Option<Entry<P>> {
        self.queued_mut(id)?;
        let flow = self.tasks[id.key.0].flow;
        self.detach(id.key);
        let task = &mut self.tasks[id.key.0];
        let charge = self.flows.start(flow, task.bytes);
        self.bytes += task.bytes;
        self.running_bytes += task.bytes;
        let state = std::mem::replace(&mut task.state, State::Running { charge, cancelled: false });
        self.settle(flow);
        match state {
            State::Queued { entry, .. } => Some(entry),
            State::Running { .. } => None,
        }
    }

    /// Ends a running task, whatever its outcome, after `cost` of CPU time. An unknown or stale
    /// `id` is ignored.
    pub(crate) fn finish(&mut self, id: RunningId, cost: Duration) {
        let Some(task) = self.tasks.get(id.key.0).filter(|task| task.arrival == id.arrival) else {
            return;
        };
        let State::Running { charge, .. } = task.state else { return };
        let (flow, bytes) = (task.flow, task.bytes);
        self.bytes -= bytes;
        self.running_bytes -= bytes;
        self.flows.finish(flow, bytes, charge, cost);
        self.forget(id.key);
        self.settle(flow);
    }
}
