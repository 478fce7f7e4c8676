//! One level of sharing: its members, whose turn it is, and which member has the most.

use std::{cmp::Reverse, collections::HashMap, hash::Hash, time::Duration};

use slab::Slab;

use super::{
    heap::{Handle, Heap},
    turns::{Account, MemberKey, Turns},
};
use crate::spare::GiveBack;

/// Members that have tasks, and members that have been served beyond the virtual time. `N` is a
/// member's name, and `T` its content.
#[derive(Debug)]
pub(super) struct Sharing<N, T> {
    members: Slab<Member<N, T>>,
    keys: HashMap<N, MemberKey>,
    turns: Turns,
    most_tasks: Heap<Reverse<Size>, MemberKey>,
    most_bytes: Heap<Reverse<Size>, MemberKey>,
}

#[derive(Debug)]
struct Member<N, T> {
    name: N,
    content: T,
    load: Load,
    account: Account,
    most_tasks: Handle,
    most_bytes: Handle,
}

/// A member's queued and running tasks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Load {
    pub(super) queued: usize,
    pub(super) queued_bytes: usize,
    pub(super) running: usize,
    pub(super) running_bytes: usize,
}

/// The bound that is exceeded: of tasks or of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Measure {
    Tasks,
    Bytes,
}

/// How much a member has queued. Of equal members, the one that began to wait last counts as
/// larger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Size {
    amount: usize,
    activation: u64,
}

impl Load {
    pub(super) fn bytes(self) -> usize {
        self.queued_bytes + self.running_bytes
    }

    pub(super) fn is_empty(self) -> bool {
        self.queued == 0 && self.running == 0
    }

    fn amount(self, measure: Measure) -> usize {
        match measure {
            Measure::Tasks => self.queued,
            Measure::Bytes => self.queued_bytes,
        }
    }
}

impl<N: Clone + Eq + Hash, T> Sharing<N, T> {
    /// A level without members. `average` is the assumed cost of a task until the first one is
    /// finished.
    pub(super) fn new(average: Duration) -> Self {
        Self {
            members: Slab::new(),
            keys: HashMap::new(),
            turns: Turns::new(average),
            most_tasks: Heap::default(),
            most_bytes: Heap::default(),
        }
    }

    /// The member with this name, added if it is new. Call [`settle`](Self::settle) afterwards.
    pub(super) fn enter(&mut self, name: &N, content: impl FnOnce(&Turns) -> T) -> MemberKey {
        if let Some(&key) = self.keys.get(name) {
            return key;
        }
        let key = MemberKey(self.members.vacant_key());
        let size = Reverse(Size { amount: 0, activation: 0 });
        self.members.insert(Member {
            name: name.clone(),
            content: content(&self.turns),
            load: Load::default(),
            account: self.turns.open(),
            most_tasks: self.most_tasks.push(size, key),
            most_bytes: self.most_bytes.push(size, key),
        });
        self.keys.insert(name.clone(), key);
        key
    }

    pub(super) fn name(&self, key: MemberKey) -> &N {
        &self.members[key.0].name
    }

    pub(super) fn content(&self, key: MemberKey) -> &T {
        &self.members[key.0].content
    }

    pub(super) fn content_mut(&mut self, key: MemberKey) -> &mut T {
        &mut self.members[key.0].content
    }

    pub(super) fn load(&self, key: MemberKey) -> Load {
        self.members[key.0].load
    }

    /// Whether the member is still known.
    pub(super) fn knows(&self, key: MemberKey) -> bool {
        self.members.contains(key.0)
    }

    pub(super) fn average_cost(&self) -> Duration {
        self.turns.average()
    }

    /// The member whose turn it is.
    pub(super) fn next(&self) -> Option<MemberKey> {
        self.turns.next()
    }

    /// The member with the most queued.
    pub(super) fn largest(&self, measure: Measure) -> Option<MemberKey> {
        let heap = match measure {
            Measure::Tasks => &self.most_tasks,
            Measure::Bytes => &self.most_bytes,
        };
        heap.peek().map(|(_, member)| member)
    }

    /// The member with the most queued; `key` itself if no other has more.
    pub(super) fn larger(&self, measure: Measure, key: MemberKey) -> MemberKey {
        let amount = |key| self.load(key).amount(measure);
        self.largest(measure).filter(|&largest| amount(largest) > amount(key)).unwrap_or(key)
    }

    /// Counts a queued task. Call [`settle`](Self::settle) afterwards.
    pub(super) fn queue(&mut self, key: MemberKey, bytes: usize) {
        let load = &mut self.members[key.0].load;
        load.queued += 1;
        load.queued_bytes += bytes;
        self.weigh(key);
    }

    /// Counts that a queued task was removed. Call [`settle`](Self::settle) afterwards.
    pub(super) fn unqueue(&mut self, key: MemberKey, bytes: usize) {
        let load = &mut self.members[key.0].load;
        load.queued -= 1;
        load.queued_bytes -= bytes;
        self.weigh(key);
    }

    /// Counts a task that now runs; returns what its member is charged until the task is finished.
    /// Call [`settle`](Self::settle) afterwards.
    pub(super) fn start(&mut self, key: MemberKey, bytes: usize) -> u64 {
        let member = &mut self.members[key.0];
        member.load.running += 1;
        member.load.running_bytes += bytes;
        self.turns.dispatch(&mut member.account)
    }

    /// Counts a running task as finished. Call [`settle`](Self::settle) afterwards.
    pub(super) fn finish(&mut self, key: MemberKey, bytes: usize, charge: u64, cost: Duration) {
        let busy = self.members.len() - self.turns.resting();
        let member = &mut self.members[key.0];
        member.load.running -= 1;
        member.load.running_bytes -= bytes;
        self.turns.finish(&mut member.account, charge, cost, busy);
    }

    /// Updates the member's place in the order of turns after its tasks have changed, and forgets
    /// resting members that the virtual time has passed. `idle`: no member has a task. A member may
    /// be settled again after it was forgotten.
    pub(super) fn settle(&mut self, key: MemberKey, idle: bool) {
        let Some(member) = self.members.get_mut(key.0) else { return };
        if member.load.is_empty() {
            self.turns.rest(key, &mut member.account);
        } else if member.load.queued == 0 {
            self.turns.step_aside(&mut member.account);
        } else if self.turns.wait(key, &mut member.account) {
            self.weigh(key);
        }
        while let Some(MemberKey(forgotten)) = self.turns.forget(idle) {
            let member = self.members.remove(forgotten);
            self.keys.remove(&member.name);
            self.members.give_back();
            self.keys.give_back();
            self.most_tasks.remove(member.most_tasks);
            self.most_bytes.remove(member.most_bytes);
        }
    }

    fn weigh(&mut self, key: MemberKey) {
        let member = &self.members[key.0];
        self.most_tasks.rekey(member.most_tasks, member.size(Measure::Tasks));
        self.most_bytes.rekey(member.most_bytes, member.size(Measure::Bytes));
    }

    /// Checks all invariants, and calls `check` for every member.
    #[cfg(test)]
    pub(super) fn check_invariants(&self, mut check: impl FnMut(MemberKey, &N, &T, Load)) {
        self.turns.check_invariants();
        self.most_tasks.check_invariants();
        self.most_bytes.check_invariants();
        let known = self.members.len();
        assert_eq!([self.keys.len(), self.most_tasks.len(), self.most_bytes.len()], [known; 3]);
        for (name, &key) in &self.keys {
            let member = &self.members[key.0];
            assert!(&member.name == name);
            let Load { queued, running, .. } = member.load;
            self.turns.check_account(key, &member.account, (queued, running));
            for (heap, handle, measure) in [
                (&self.most_tasks, member.most_tasks, Measure::Tasks),
                (&self.most_bytes, member.most_bytes, Measure::Bytes),
            ] {
                assert_eq!(heap.key(handle), Some(member.size(measure)));
            }
            check(key, name, &member.content, member.load);
        }
    }

    /// The largest capacity for members.
    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        let heaps = self.most_tasks.capacity().max(self.most_bytes.capacity());
        self.members.capacity().max(self.keys.capacity()).max(heaps)
    }

    #[cfg(test)]
    pub(super) fn find(&self, name: &N) -> Option<MemberKey> {
        self.keys.get(name).copied()
    }

    #[cfg(test)]
    pub(super) fn known(&self) -> usize {
        self.members.len()
    }
}

impl<N, T> Member<N, T> {
    fn size(&self, measure: Measure) -> Reverse<Size> {
        let (amount, activation) = (self.load.amount(measure), self.account.activation());
        Reverse(Size { amount, activation })
    }
}
