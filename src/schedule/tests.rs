//! The schedule against its rules.

mod fairness;
mod model;
mod random;
mod rules;

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{Bounds, Entry, Expired, Order, Push, RunningId, Schedule, State, TaskKey};

/// Bounds that are not reached.
const AMPLE: Bounds = Bounds {
    client_tasks: 10_000,
    total_tasks: 100_000,
    client_bytes: 1 << 30,
    total_bytes: 1 << 40,
    deadline: Duration::from_secs(60),
    order: Order::Viewport,
};

/// What a worker finds: what to do next, and what it is too late for.
#[derive(Debug, PartialEq, Eq)]
struct Pop<P> {
    task: Option<(RunningId, Entry<P>)>,
    expired: Expired<P>,
}

/// A client that is a flow of its own.
fn entry(client: &str, uuid: &str, offset_top: i64) -> Entry<()> {
    entry_of(client, client, uuid, offset_top, 1)
}

fn entry_of(flow: &str, client: &str, uuid: &str, offset_top: i64, bytes: usize) -> Entry<()> {
    let (flow, client, uuid) = (flow.into(), client.into(), uuid.into());
    Entry { flow, client, uuid, offset_top, height: 0, bytes, payload: () }
}

fn accept(schedule: &mut Schedule<()>, entry: Entry<()>, now: Instant) {
    let pushed = schedule.push(entry, now);
    assert_eq!(pushed, Push::Accepted { displaced: vec![] });
}

fn pop(schedule: &mut Schedule<()>, now: Instant) -> Option<(RunningId, Entry<()>)> {
    schedule.pop(now).task
}

fn uuids(entries: &[Entry<()>]) -> Vec<&str> {
    entries.iter().map(|entry| &*entry.uuid).collect()
}

impl<P> Schedule<P> {
    /// How much the largest of its collections has room for.
    fn capacity(&self) -> usize {
        let [clients, flows] = [self.clients.capacity(), self.flows.capacity()];
        self.tasks.capacity().max(self.deadlines.capacity()).max(clients).max(flows)
    }

    /// The next task, which runs from now on, as a worker takes it.
    fn pop(&mut self, now: Instant) -> Pop<P> {
        let expired = self.expire(now);
        let next = self.peek().map(|(id, _)| id);
        let task = next.and_then(|id| Some((id, self.begin(id)?)));
        Pop { task, expired }
    }

    /// Every index says the same as the tasks themselves.
    fn check_invariants(&self) {
        self.deadlines.check_invariants();
        let (mut queued, mut bytes, mut running_bytes, mut named) = (0, 0, 0, 0);
        // By flow: queued, running, bytes.
        let mut flows: HashMap<_, (usize, usize, usize)> = HashMap::new();
        for (at, task) in &self.tasks {
            let key = TaskKey(at);
            let flow = flows.entry(task.flow.0).or_default();
            flow.2 += task.bytes;
            bytes += task.bytes;
            if let Some(deadline) = task.deadline {
                assert_eq!(self.deadlines.key(deadline).map(|(_, a)| a), Some(task.arrival));
            }
            let cancelled = matches!(task.state, State::Running { cancelled: true, .. });
            named += usize::from(!cancelled);
            assert!(cancelled || self.clients.tasks(task.client).any(|known| known == key));
            match &task.state {
                State::Queued { entry, .. } => {
                    queued += 1;
                    flow.0 += 1;
                    assert!(task.deadline.is_some());
                    assert_eq!(self.clients.find_task(&entry.client, &entry.uuid), Some(key));
                    let view = self.clients.view(task.client);
                    let rank = super::Rank::new(view, entry.offset_top, entry.height, task.arrival);
                    assert_eq!(self.rank(key), Some(rank), "ranked by what its reader sees now");
                }
                State::Running { .. } => {
                    flow.1 += 1;
                    running_bytes += task.bytes;
                }
            }
        }
        let counted = (self.queued, self.bytes, self.running_bytes);
        assert_eq!(counted, (queued, bytes, running_bytes));
        assert!(queued <= self.bounds.total_tasks && bytes <= self.bounds.total_bytes);
        let deadlines = self.tasks.iter().filter(|(_, task)| task.deadline.is_some()).count();
        assert_eq!(self.deadlines.len(), deadlines);
        assert_eq!(self.clients.check_invariants(), named);
        self.flows.check_invariants(|key, backlog, running, bytes| {
            let expected = flows.remove(&key.0).unwrap_or_default();
            assert_eq!((backlog.len(), running, bytes), expected);
            assert!(backlog.len() <= self.bounds.client_tasks && bytes <= self.bounds.client_bytes);
            assert!(backlog.tasks().all(|task| self.tasks[task.0].flow == key));
        });
        assert!(flows.is_empty(), "every task's flow is known");
    }
}

fn shared(name: &str) -> Arc<str> {
    name.into()
}
