//! Random sequences of calls: the schedule behaves like the model, and loses no task.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::{Duration, Instant},
};

use proptest::prelude::*;

use super::{
    super::{
        Bounds, Cancelled, Entry, Group, Order, Owner, Push, RunningId, Schedule, TaskKey, Viewport,
    },
    model::{Model, Name, Out, Pushed},
    shared,
};

#[derive(Clone, Debug)]
enum Call {
    Push { client: u8, uuid: u8, offset_top: i64, height: i64, bytes: usize },
    Pop,
    Finish { which: usize, cost: Duration },
    FinishUnknown { key: usize, arrival: u64 },
    Cancel { client: u8, uuid: u8 },
    CancelClient(u8),
    Leave(u8),
    Reprioritise { client: u8, uuid: u8, offset_top: i64 },
    SetViewport { client: u8, top: i16, height: u8 },
    Expire,
    Wait(u64),
    Drain,
}

const CLIENTS: u8 = 7;
const UUIDS: u8 = 8;

fn call() -> impl Strategy<Value = Call> {
    let (client, uuid) = (|| 0..CLIENTS, || 0..UUIDS);
    let offset = || -100..400_i64;
    let cost = prop_oneof![
        8 => (0..30_000_u64).prop_map(Duration::from_micros),
        1 => Just(Duration::from_secs(8000)),
    ];
    prop_oneof![
        24 => (client(), uuid(), offset(), 0..80_i64, 0..40_usize).prop_map(
            |(client, uuid, offset_top, height, bytes)| {
                Call::Push { client, uuid, offset_top, height, bytes }
            }
        ),
        8 => Just(Call::Pop),
        6 => (any::<usize>(), cost).prop_map(|(which, cost)| Call::Finish { which, cost }),
        1 => (0..9_usize, 0..20_u64).prop_map(|(key, arrival)| Call::FinishUnknown { key, arrival }),
        2 => (client(), uuid()).prop_map(|(client, uuid)| Call::Cancel { client, uuid }),
        1 => client().prop_map(Call::CancelClient),
        1 => client().prop_map(Call::Leave),
        3 => (client(), uuid(), offset()).prop_map(|(client, uuid, offset_top)| {
            Call::Reprioritise { client, uuid, offset_top }
        }),
        4 => (client(), -150..400_i16, 0..120_u8).prop_map(|(client, top, height)| {
            Call::SetViewport { client, top, height }
        }),
        1 => Just(Call::Expire),
        4 => (0..40_u64).prop_map(Call::Wait),
        1 => prop_oneof![9 => Just(Call::Expire), 1 => Just(Call::Drain)],
    ]
}

fn bounds() -> impl Strategy<Value = Bounds> {
    let order = prop_oneof![1 => Just(Order::Offset), 3 => Just(Order::Viewport)];
    (0..8_usize, 0..16_usize, 20..150_usize, 20..250_usize, 20..200_u64, order).prop_map(
        |(client_tasks, total_tasks, client_bytes, total_bytes, deadline, order)| Bounds {
            client_tasks,
            total_tasks,
            client_bytes,
            total_bytes,
            deadline: Duration::from_millis(deadline),
            order,
        },
    )
}

/// The schedule and its model.
struct Pair {
    schedule: Schedule<Name>,
    model: Model,
    now: Instant,
    pushes: Name,
    /// Tasks that were accepted and have not left the schedule.
    inside: HashSet<Name>,
    running: Vec<RunningId>,
    names: HashMap<RunningId, Name>,
}

impl Pair {
    fn new(bounds: Bounds) -> Self {
        Self {
            schedule: Schedule::new(bounds),
            model: Model::new(bounds),
            now: Instant::now(),
            pushes: 0,
            inside: HashSet::new(),
            running: Vec::new(),
            names: HashMap::new(),
        }
    }

    fn call(&mut self, call: &Call) {
        match *call {
            Call::Push { client, uuid, offset_top, height, bytes } => {
                let entry = Entry {
                    group: group(client),
                    flow: flow(client),
                    client: name(client).into(),
                    uuid: name(uuid).into(),
                    offset_top,
                    height,
                    bytes,
                    payload: self.pushes,
                };
                self.push(&entry);
            }
            Call::Pop => self.pop(),
            Call::Finish { which, cost } => {
                if !self.running.is_empty() {
                    let id = self.running.swap_remove(which % self.running.len());
                    self.schedule.finish(id, cost);
                    self.schedule.finish(id, cost);
                    self.model.finish(self.names[&id], cost);
                }
            }
            Call::FinishUnknown { key, arrival } => {
                let id = RunningId { key: TaskKey(key), arrival };
                if !self.running.contains(&id) {
                    self.schedule.finish(id, Duration::from_millis(1));
                }
            }
            Call::Cancel { client, uuid } => {
                let out = match self.schedule.cancel(&name(client), &name(uuid)) {
                    Cancelled::Queued(entry) => Some((vec![entry], vec![])),
                    Cancelled::Running(id) => Some((vec![], vec![id])),
                    Cancelled::Unknown => None,
                };
                let out = out.map(|(queued, running)| self.out(queued, &running));
                assert_eq!(out, self.model.cancel(&name(client), &name(uuid)));
            }
            Call::CancelClient(client) => {
                let cancelled = self.schedule.cancel_client(&name(client));
                let out = self.out(cancelled.queued, &cancelled.running);
                assert_eq!(out, self.model.cancel_client(&name(client)));
            }
            Call::Leave(client) => {
                self.schedule.leave(&name(client));
                self.model.leave(&name(client));
            }
            Call::Reprioritise { client, uuid, offset_top } => {
                let (client, uuid) = (name(client), name(uuid));
                let moved = self.schedule.reprioritise(&client, &uuid, offset_top);
                assert_eq!(moved, self.model.reprioritise(&client, &uuid, offset_top));
            }
            Call::SetViewport { client, top, height } => {
                let viewport = Viewport::new(f64::from(top), f64::from(height)).unwrap();
                self.schedule.set_viewport(&name(client).into(), viewport);
                self.model.set_viewport(&name(client), i64::from(top), i64::from(height));
            }
            Call::Expire => {
                let expired = self.schedule.expire(self.now);
                let out = self.out(expired.queued, &expired.running);
                assert_eq!(out, self.model.expire(self.now));
            }
            Call::Wait(time) => self.now += Duration::from_millis(time),
            Call::Drain => {
                let drained = self.schedule.drain();
                assert_eq!(self.out(drained, &[]).0, self.model.drain());
            }
        }
        self.compare();
    }

    fn push(&mut self, entry: &Entry<Name>) {
        self.pushes += 1;
        let expected = self.model.push(entry.clone(), self.now);
        let pushed = match self.schedule.push(entry.clone(), self.now) {
            Push::Accepted { displaced } => {
                let displaced = self.out(displaced, &[]).0;
                self.inside.insert(entry.payload);
                Pushed::Accepted(displaced)
            }
            Push::Duplicate(back) => {
                assert_eq!(&back, entry);
                Pushed::Duplicate
            }
            Push::Refused(back) => {
                assert_eq!(&back, entry);
                Pushed::Refused
            }
            Push::TooLarge(back) => {
                assert_eq!(&back, entry);
                Pushed::TooLarge
            }
        };
        assert_eq!(pushed, expected);
    }

    fn pop(&mut self) {
        let popped = self.schedule.pop(self.now);
        let expired = self.out(popped.expired.queued, &popped.expired.running);
        let task = popped.task.map(|(id, entry)| {
            assert!(self.inside.remove(&entry.payload), "handed out once");
            assert_eq!(self.names.insert(id, entry.payload), None, "no id is used twice");
            self.running.push(id);
            entry
        });
        assert_eq!((task, expired), self.model.pop(self.now));
    }

    /// Checks that each entry leaves once, and maps ids of running tasks to names.
    fn out(&mut self, queued: Vec<Entry<Name>>, running: &[RunningId]) -> Out {
        for entry in &queued {
            assert!(self.inside.remove(&entry.payload), "{} left before", entry.payload);
        }
        (queued, running.iter().map(|id| self.names[id]).collect())
    }

    fn compare(&self) {
        self.schedule.check_invariants();
        let depth = self.schedule.depth();
        assert_eq!(depth, self.model.depth());
        assert_eq!((depth.queued, depth.running), (self.inside.len(), self.running.len()));
        assert_eq!(self.schedule.next_deadline(), self.model.next_deadline());
        assert_eq!(self.schedule.average_cost(), self.model.average_cost());
        assert_eq!(self.schedule.flows.known(), self.model.known());
        for client in 0..CLIENTS {
            let (group, flow) = (group(client), flow(client));
            let queued = self.schedule.flows.queued_of(&group, &flow);
            assert_eq!(queued, self.model.queued_of(&group, &flow));
            for uuid in 0..UUIDS {
                let (client, uuid) = (name(client), name(uuid));
                let position = self.schedule.position(&client, &uuid);
                assert_eq!(position, self.model.position(&client, &uuid));
            }
        }
    }
}

/// Two clients may share a connection, as requests over HTTP do.
fn flow(client: u8) -> Arc<str> {
    shared(&format!("flow {}", client * 2 / 3))
}

/// Two addresses with three connections each. The second address is one client. Tasks of both
/// addresses arrive over the connection of a proxy.
fn group(client: u8) -> Group {
    let owner = Owner::Address([10, 0, 0, client / 4].into());
    Group { owner, is_one_client: client >= 4 }
}

fn name(number: u8) -> String {
    number.to_string()
}

proptest! {
    #[test]
    fn any_sequence_of_calls_behaves_like_the_model(
        bounds in bounds(),
        calls in prop::collection::vec(call(), 0..150),
    ) {
        let mut pair = Pair::new(bounds);
        for call in calls {
            pair.call(&call);
        }
        // In the end, all tasks leave, and the schedule is empty.
        while pair.schedule.depth().queued > 0 {
            pair.pop();
        }
        for id in std::mem::take(&mut pair.running) {
            pair.schedule.finish(id, Duration::ZERO);
        }
        prop_assert!(pair.inside.is_empty());
        prop_assert_eq!(pair.schedule.depth(), super::super::Depth::default());
        prop_assert_eq!(pair.schedule.flows.known(), (0, 0));
        prop_assert_eq!(pair.schedule.next_deadline(), None);
        pair.schedule.check_invariants();
    }
}
