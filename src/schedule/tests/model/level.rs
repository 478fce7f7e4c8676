//! One level of the model: its members, by name.

use std::{collections::HashMap, hash::Hash};

/// The members of one level, by name.
pub(super) struct Level<N> {
    pub(super) members: HashMap<N, Member>,
    virtual_time: u64,
    pub(super) average: u64,
    activations: u64,
}

pub(super) struct Member {
    served: u64,
    average: u64,
    activation: u64,
}

/// A member's place: whether it has queued tasks, and what its running tasks are charged.
pub(super) struct Turn {
    pub(super) waits: bool,
    pub(super) pending: u64,
}

impl<N: Clone + Eq + Hash> Level<N> {
    pub(super) fn new(average: u64) -> Self {
        Self { members: HashMap::new(), virtual_time: 0, average, activations: 0 }
    }

    /// Marks a member with a queued task; `waited`: it had some before.
    pub(super) fn enter(&mut self, name: N, waited: bool) {
        let (served, average) = (self.virtual_time, self.average);
        let member = self.members.entry(name).or_insert(Member { served, average, activation: 0 });
        if !waited {
            member.served = member.served.max(self.virtual_time);
            member.activation = self.activations;
            self.activations += 1;
        }
    }

    pub(super) fn next(&self, turn: impl Fn(&N) -> Turn) -> Option<N> {
        let turns = self.members.iter().map(|(name, member)| (name, member, turn(name)));
        let waiting = turns.filter(|(.., turn)| turn.waits);
        let next = waiting
            .min_by_key(|(_, member, turn)| (member.served + turn.pending, member.activation));
        next.map(|(name, ..)| name.clone())
    }

    pub(super) fn dispatch(&mut self, name: &N) -> u64 {
        let member = &self.members[name];
        self.virtual_time = self.virtual_time.max(member.served);
        member.average
    }

    pub(super) fn finish(&mut self, name: &N, cost: u64, is_busy: impl Fn(&N) -> bool) {
        let busy = self.members.keys().filter(|name| is_busy(name)).count();
        self.virtual_time += cost.min(10_000_000) / (busy as u64 + 1);
        let member = self.members.get_mut(name).unwrap();
        member.served += cost;
        for average in [&mut member.average, &mut self.average] {
            *average = *average - *average / 8 + cost / 8;
        }
    }

    /// The member with the most; `own` unless another has more.
    pub(super) fn largest(&self, own: Option<&N>, amount: impl Fn(&N) -> usize) -> N {
        let largest =
            self.members.iter().max_by_key(|(name, member)| (amount(name), member.activation));
        let largest = largest.map(|(name, _)| name);
        match own {
            None => largest.unwrap(),
            Some(own) => largest.filter(|name| amount(name) > amount(own)).unwrap_or(own),
        }
        .clone()
    }

    pub(super) fn forget(&mut self, any_jobs: bool, has_jobs: impl Fn(&N) -> bool) {
        let now = self.virtual_time;
        self.members.retain(|name, member| has_jobs(name) || (member.served > now && any_jobs));
    }
}
