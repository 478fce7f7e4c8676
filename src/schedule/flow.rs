//! Flows: what each has queued, whose turn is next, and who has the most.

use std::{cmp::Reverse, collections::HashMap, sync::Arc, time::Duration};

use slab::Slab;

use super::{
    backlog::{Backlog, Place},
    entry::TaskKey,
    heap::{Handle, Heap},
    rank::Rank,
    turns::{Account, FlowKey, Turns},
};
use crate::spare::GiveBack;

/// Flows that have tasks, and those whose past still counts.
#[derive(Debug, Default)]
pub(super) struct Flows {
    records: Slab<Flow>,
    keys: HashMap<Arc<str>, FlowKey>,
    turns: Turns,
    most_tasks: Heap<Reverse<Size>, FlowKey>,
    most_bytes: Heap<Reverse<Size>, FlowKey>,
}

#[derive(Debug)]
pub(super) struct Flow {
    name: Arc<str>,
    backlog: Backlog,
    running: usize,
    /// Queued and running.
    bytes: usize,
    account: Account,
    most_tasks: Handle,
    most_bytes: Handle,
}

/// How much a flow has queued. Of equal ones the flow that came last counts as the largest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Size {
    amount: usize,
    activation: u64,
}

/// What the queue has too much of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Measure {
    Tasks,
    Bytes,
}

impl Flow {
    pub(super) fn queued(&self) -> usize {
        self.backlog.len()
    }

    /// Of its queued and its running tasks.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn running_bytes(&self) -> usize {
        self.bytes - self.backlog.bytes()
    }

    pub(super) fn last(&self) -> Option<(Rank, TaskKey)> {
        self.backlog.last()
    }

    pub(super) fn rank(&self, place: Place) -> Option<Rank> {
        self.backlog.rank(place)
    }

    fn amount(&self, measure: Measure) -> usize {
        match measure {
            Measure::Tasks => self.backlog.len(),
            Measure::Bytes => self.backlog.bytes(),
        }
    }

    fn size(&self, measure: Measure) -> Size {
        Size { amount: self.amount(measure), activation: self.account.activation() }
    }
}

impl Flows {
    #[cfg(test)]
    pub(super) fn find(&self, name: &str) -> Option<&Flow> {
        self.keys.get(name).map(|key| &self.records[key.0])
    }

    pub(super) fn get(&self, key: FlowKey) -> &Flow {
        &self.records[key.0]
    }

    /// How many have tasks, queued or running.
    pub(super) fn busy(&self) -> usize {
        self.records.len() - self.turns.resting()
    }

    pub(super) fn average_cost(&self) -> Duration {
        self.turns.average()
    }

    /// The flow of this name, made known if it is not. [`settle`](Self::settle) it afterwards.
    pub(super) fn enter(&mut self, name: &Arc<str>) -> FlowKey {
        if let Some(&key) = self.keys.get(name) {
            return key;
        }
        let key = FlowKey(self.records.vacant_key());
        let size = Reverse(Size { amount: 0, activation: 0 });
        self.records.insert(Flow {
            name: Arc::clone(name),
            backlog: Backlog::default(),
            running: 0,
            bytes: 0,
            account: self.turns.open(),
            most_tasks: self.most_tasks.push(size, key),
            most_bytes: self.most_bytes.push(size, key),
        });
        self.keys.insert(Arc::clone(name), key);
        key
    }

    /// The task whose turn it is, and its flow.
    pub(super) fn next(&self) -> Option<(FlowKey, TaskKey)> {
        let flow = self.turns.next()?;
        self.records[flow.0].backlog.first().map(|task| (flow, task))
    }

    /// The flow with the most queued; `key` itself where no other has more than it.
    pub(super) fn largest(&self, measure: Measure, key: FlowKey) -> FlowKey {
        let heap = match measure {
            Measure::Tasks => &self.most_tasks,
            Measure::Bytes => &self.most_bytes,
        };
        match heap.peek() {
            Some((Reverse(size), largest)) if size.amount > self.get(key).amount(measure) => {
                largest
            }
            _ => key,
        }
    }

    /// Queues a task. [`settle`](Self::settle) the flow afterwards.
    pub(super) fn attach(
        &mut self,
        key: FlowKey,
        rank: Rank,
        task: TaskKey,
        bytes: usize,
    ) -> Place {
        let flow = &mut self.records[key.0];
        flow.bytes += bytes;
        let place = flow.backlog.insert(rank, task, bytes);
        self.weigh(key);
        place
    }

    /// Takes a queued task out. [`settle`](Self::settle) the flow afterwards.
    pub(super) fn detach(&mut self, key: FlowKey, place: Place, bytes: usize) {
        let flow = &mut self.records[key.0];
        flow.bytes -= bytes;
        flow.backlog.remove(place, bytes);
        self.weigh(key);
    }

    pub(super) fn rerank(&mut self, key: FlowKey, place: Place, rank: Rank) {
        self.records[key.0].backlog.rerank(place, rank);
    }

    pub(super) fn rerank_all(&mut self, key: FlowKey, rank: impl Fn(Rank, TaskKey) -> Rank) {
        self.records[key.0].backlog.rerank_all(rank);
    }

    /// A task that was detached runs; returns what its flow is charged with until it is finished.
    pub(super) fn start(&mut self, key: FlowKey, bytes: usize) -> u64 {
        let flow = &mut self.records[key.0];
        flow.running += 1;
        flow.bytes += bytes;
        self.turns.dispatch(&mut flow.account)
    }

    /// A running task is done. [`settle`](Self::settle) the flow afterwards.
    pub(super) fn finish(&mut self, key: FlowKey, bytes: usize, charge: u64, cost: Duration) {
        let busy = self.busy();
        let flow = &mut self.records[key.0];
        flow.running -= 1;
        flow.bytes -= bytes;
        self.turns.finish(&mut flow.account, charge, cost, busy);
    }

    /// Puts the flow where its tasks say it belongs, and forgets whom the virtual time has passed.
    /// `idle`: nobody has a task. A flow may be settled again after it was forgotten.
    pub(super) fn settle(&mut self, key: FlowKey, idle: bool) {
        let Some(flow) = self.records.get_mut(key.0) else { return };
        match (flow.backlog.len(), flow.running) {
            (0, 0) => self.turns.rest(key, &mut flow.account),
            (0, _) => self.turns.step_aside(&mut flow.account),
            _ => self.turns.wait(key, &mut flow.account),
        }
        self.weigh(key);
        while let Some(FlowKey(forgotten)) = self.turns.forget(idle) {
            let flow = self.records.remove(forgotten);
            self.keys.remove(&flow.name);
            self.records.give_back();
            self.keys.give_back();
            self.most_tasks.remove(flow.most_tasks);
            self.most_bytes.remove(flow.most_bytes);
        }
    }

    fn weigh(&mut self, key: FlowKey) {
        let flow = &self.records[key.0];
        self.most_tasks.rekey(flow.most_tasks, Reverse(flow.size(Measure::Tasks)));
        self.most_bytes.rekey(flow.most_bytes, Reverse(flow.size(Measure::Bytes)));
    }

    /// Checks everything here, and hands every flow to `check`.
    #[cfg(test)]
    pub(super) fn check_invariants(&self, mut check: impl FnMut(FlowKey, &Backlog, usize, usize)) {
        self.turns.check_invariants();
        self.most_tasks.check_invariants();
        self.most_bytes.check_invariants();
        let known = self.records.len();
        assert_eq!([self.keys.len(), self.most_tasks.len(), self.most_bytes.len()], [known; 3]);
        for (name, &key) in &self.keys {
            let flow = &self.records[key.0];
            assert_eq!(&flow.name, name);
            flow.backlog.check_invariants();
            self.turns.check_account(key, &flow.account, (flow.backlog.len(), flow.running));
            for (heap, handle, measure) in [
                (&self.most_tasks, flow.most_tasks, Measure::Tasks),
                (&self.most_bytes, flow.most_bytes, Measure::Bytes),
            ] {
                assert_eq!(heap.key(handle), Some(Reverse(flow.size(measure))));
            }
            check(key, &flow.backlog, flow.running, flow.bytes);
        }
    }

    /// How many flows it has room for.
    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        let heaps = [self.most_tasks.capacity(), self.most_bytes.capacity()];
        self.records.capacity().max(self.keys.capacity()).max(heaps[0]).max(heaps[1])
    }

    #[cfg(test)]
    pub(super) fn known(&self) -> usize {
        self.records.len()
    }
}
