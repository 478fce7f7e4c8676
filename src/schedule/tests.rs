//! Tests of the schedule.

mod fairness;
pub(crate) mod model;
mod random;
mod room;
mod rules;

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use super::sharing::Load;
use super::{
    Bounds, Entry, Expired, FlowKey, Group, Order, Owner, Push, RunningId, Schedule, State, TaskKey,
};

/// Bounds that are too high to matter.
const AMPLE: Bounds = Bounds {
    client_tasks: 10_000,
    total_tasks: 100_000,
    client_bytes: 1 << 30,
    total_bytes: 1 << 40,
    deadline: Duration::from_secs(60),
    order: Order::Viewport,
};

/// The next task for a worker, and the tasks that have expired.
#[derive(Debug, PartialEq, Eq)]
struct Pop<P> {
    task: Option<(RunningId, Entry<P>)>,
    expired: Expired<P>,
}

/// The only group of a table that shares in one level.
const EVERYBODY: Group = Group { owner: Owner::Everybody, is_one_client: false };

/// A task of a client that is a flow of its own.
fn entry(client: &str, uuid: &str, offset_top: i64) -> Entry<()> {
    entry_of(client, client, uuid, offset_top, 1)
}

fn entry_of(flow: &str, client: &str, uuid: &str, offset_top: i64, bytes: usize) -> Entry<()> {
    let (flow, client, uuid) = (flow.into(), client.into(), uuid.into());
    Entry { group: EVERYBODY, flow, client, uuid, offset_top, height: 0, bytes, payload: () }
}

/// A task of a connection from an address, with sharing in two levels.
fn entry_at(address: u8, client: &str, uuid: &str, offset_top: i64, bytes: usize) -> Entry<()> {
    let group = Group { owner: Owner::Address([10, 0, 0, address].into()), is_one_client: false };
    Entry { group, ..entry_of(client, client, uuid, offset_top, bytes) }
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
    /// The largest capacity of its collections.
    fn capacity(&self) -> usize {
        let [clients, flows] = [self.clients.capacity(), self.flows.capacity()];
        self.tasks.capacity().max(self.deadlines.capacity()).max(clients).max(flows)
    }

    /// Starts and returns the next task, as a worker does.
    fn pop(&mut self, now: Instant) -> Pop<P> {
        let expired = self.expire(now);
        let next = self.peek().map(|(id, _)| id);
        let task = next.and_then(|id| Some((id, self.begin(id)?)));
        Pop { task, expired }
    }

    /// Checks that every index agrees with the tasks.
    fn check_invariants(&self) {
        self.deadlines.check_invariants();
        let (mut queued, mut bytes, mut running_bytes, mut named) = (0, 0, 0, 0);
        let mut flows: HashMap<FlowKey, Load> = HashMap::new();
        for (at, task) in &self.tasks {
            let key = TaskKey(at);
            let flow = flows.entry(task.flow).or_default();
            bytes += task.bytes;
            if let Some(deadline) = task.deadline {
                assert_eq!(self.deadlines.key(deadline).map(|(_, a)| a), Some(task.arrival));
            }
            let cancelled = matches!(task.state, State::Running { cancelled: true, .. });
            named += usize::from(!cancelled);
            assert!(cancelled || self.clients.tasks(task.client).any(|known| known == key));
            match &task.state {
                State::Queued { entry, place } => {
                    queued += 1;
                    flow.queued += 1;
                    flow.queued_bytes += task.bytes;
                    assert!(task.deadline.is_some());
                    assert_eq!(self.clients.find_task(&entry.client, &entry.uuid), Some(key));
                    let view = self.clients.view(task.client);
                    let rank = super::Rank::new(view, entry.offset_top, entry.height, task.arrival);
                    assert_eq!(self.rank(key), Some(rank), "ranked by the current viewport");
                    let backlog = self.flows.backlog(task.flow);
                    assert!(backlog.is_scrolled() || backlog.rank(*place) == Some(rank));
                }
                State::Running { .. } => {
                    flow.running += 1;
                    flow.running_bytes += task.bytes;
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
        let within = |load: Load| {
            load.queued <= self.bounds.client_tasks && load.bytes() <= self.bounds.client_bytes
        };
        self.flows.check_invariants(
            |group, load| assert!(!group.is_one_client || within(load)),
            |key, backlog, load| {
                assert_eq!(load, flows.remove(&key).unwrap_or_default());
                assert!(within(load));
                assert_eq!(backlog.tasks().count(), load.queued);
                assert!(backlog.tasks().all(|task| self.tasks[task.0].flow == key));
            },
        );
        assert!(flows.is_empty(), "every task's flow is known");
    }
}

fn shared(name: &str) -> Arc<str> {
    name.into()
}
