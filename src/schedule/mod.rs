//! The schedule: which task runs next, which is displaced, which is too late.
//!
//! It owns no thread, lock or clock, and answers nobody. Every entry that leaves it is returned, so
//! that its caller can answer and free it after letting go of its lock.
//!
//! A call costs the logarithm of what is queued, but for those that say otherwise.

mod heap;
mod rank;
mod entry;
mod backlog;
mod client;
mod turns;
mod sharing;
mod flow;
mod room;
mod run;
#[cfg(test)]
mod tests;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use slab::Slab;

pub use self::rank::Order;
use self::{
    backlog::Place,
    client::{ClientKey, Clients},
    entry::{Deadline, TaskKey},
    flow::{Charge, FlowKey, Flows},
    heap::{Handle, Heap},
    rank::{Rank, View},
};
pub(crate) use self::{
    entry::{Cancelled, CancelledClient, Entry, Expired, Group, Owner, Push, RunningId},
    rank::Viewport,
    room::{Bounds, Depth},
};
use crate::spare::GiveBack;

/// See the [module](self). A task is named by its client and its uuid.
#[derive(Debug)]
pub(crate) struct Schedule<P> {
    bounds: Bounds,
    tasks: Slab<Task<P>>,
    clients: Clients,
    flows: Flows,
    /// Of queued tasks, and of running ones until they are named as expired.
    deadlines: Heap<Deadline, TaskKey>,
    arrivals: u64,
    queued: usize,
    bytes: usize,
    running_bytes: usize,
}

#[derive(Debug)]
struct Task<P> {
    client: ClientKey,
    flow: FlowKey,
    uuid: Arc<str>,
    arrival: u64,
    bytes: usize,
    deadline: Option<Handle>,
    state: State<P>,
}

#[derive(Debug)]
enum State<P> {
    Queued {
        entry: Entry<P>,
        place: Place,
    },
    Running {
        charge: Charge,
        /// Its client has cancelled it, so neither its client nor its uuid names it any more.
        cancelled: bool,
    },
}

impl<P> Task<P> {
    /// By what its client sees now; `None` if it is not queued.
    fn rank(&self, clients: &Clients) -> Option<Rank> {
        let State::Queued { entry, .. } = &self.state else { return None };
        let view = clients.view(self.client);
        Some(Rank::new(view, entry.offset_top, entry.height, self.arrival))
    }
}

impl<P> Schedule<P> {
    pub(crate) fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            tasks: Slab::new(),
            clients: Clients::default(),
            flows: Flows::default(),
            deadlines: Heap::default(),
            arrivals: 0,
            queued: 0,
            bytes: 0,
            running_bytes: 0,
        }
    }

    /// Queues a task, or gives it back. [`expire`](Self::expire) first what must not take up room.
    ///
    /// Where there is no room, tasks are displaced by the rules in `room`: k logarithms for k of
    /// them.
    pub(crate) fn push(&mut self, entry: Entry<P>, now: Instant) -> Push<P> {
        if self.clients.find_task(&entry.client, &entry.uuid).is_some() {
            return Push::Duplicate(entry);
        }
        if entry.bytes > self.bounds.largest() {
            return Push::TooLarge(entry);
        }
        let client = self.clients.enter(&entry.client);
        let flow = self.flows.enter(&entry.group, &entry.flow);
        let arrival = self.arrivals;
        let rank = Rank::new(self.clients.view(client), entry.offset_top, entry.height, arrival);
        let Some(displaced) = self.make_room(flow, rank, entry.bytes) else {
            self.clients.settle(client);
            self.settle(flow);
            return Push::Refused(entry);
        };
        self.arrivals += 1;
        let key = TaskKey(self.tasks.vacant_key());
        let bytes = entry.bytes;
        let uuid = Arc::clone(&entry.uuid);
        self.clients.insert(client, Arc::clone(&uuid), key, flow);
        self.queued += 1;
        self.bytes += bytes;
        let place = self.flows.attach(flow, rank, key, bytes);
        // A deadline beyond what the clock can say is none.
        let deadline = now
            .checked_add(self.bounds.deadline)
            .map(|deadline| self.deadlines.push((deadline, arrival), key));
        let state = State::Queued { entry, place };
        self.tasks.insert(Task { client, flow, uuid, arrival, bytes, deadline, state });
        self.settle(flow);
        let displaced = displaced.into_iter().filter_map(|(_, key)| self.evict(key)).collect();
        Push::Accepted { displaced }
    }

    /// Takes one task of the client out, if it is still queued. If it is running, its uuid is free
    /// from now on: the client may push another task of that uuid before the worker has finished.
    pub(crate) fn cancel(&mut self, client: &str, uuid: &str) -> Cancelled<P> {
        let Some(key) = self.clients.find_task(client, uuid) else { return Cancelled::Unknown };
        match self.withdraw(key) {
            Ok(entry) => Cancelled::Queued(entry),
            Err(id) => {
                self.disown(key);
                Cancelled::Running(id)
            }
        }
    }

    /// Takes all of the client's queued tasks out and forgets its viewport. One logarithm a task.
    pub(crate) fn cancel_client(&mut self, client: &str) -> CancelledClient<P> {
        let mut cancelled = CancelledClient { queued: Vec::new(), running: Vec::new() };
        let Some(key) = self.clients.find(client) else { return cancelled };
        let tasks = self.in_order_of_arrival(self.clients.tasks(key));
        self.clients.set_view(key, None);
        self.clients.settle(key);
        for task in tasks {
            match self.withdraw(task) {
                Ok(entry) => cancelled.queued.push(entry),
                Err(id) => cancelled.running.push(id),
            }
        }
        cancelled
    }

    /// The client has left, but its tasks stay, and stay in their order: its viewport is forgotten
    /// with the last of them. (Whoever cancels a client need not call this.)
    pub(crate) fn leave(&mut self, client: &str) {
        if let Some(key) = self.clients.find(client) {
            self.clients.leave(key);
            self.clients.settle(key);
        }
    }

    /// Moves a queued task on its page; among equals it keeps its place. `false` if it is not queued.
    pub(crate) fn reprioritise(&mut self, client: &str, uuid: &str, offset_top: i64) -> bool {
        let Some(key) = self.clients.find_task(client, uuid) else { return false };
        let task = &mut self.tasks[key.0];
        let State::Queued { entry, place } = &mut task.state else { return false };
        entry.offset_top = offset_top;
        let rank =
            Rank::new(self.clients.view(task.client), offset_top, entry.height, task.arrival);
        self.flows.backlog_mut(task.flow).rerank(*place, rank);
        true
    }

    /// The client now sees `viewport`. Its queued tasks are ranked again when a task of its flow is
    /// taken next, and then once, however often the client has scrolled. It has no effect where the
    /// order is by offset.
    ///
    /// A viewport is remembered until the client is cancelled or leaves.
    pub(crate) fn set_viewport(&mut self, client: &Arc<str>, viewport: Viewport) {
        if self.bounds.order == Order::Offset {
            return;
        }
        let key = self.clients.enter(client);
        let old = self.clients.view(key);
        let view = old.map_or(View::first(viewport), |view| view.scrolled(viewport));
        if old == Some(view) {
            return;
        }
        self.clients.set_view(key, Some(view));
        if let Some(flow) = self.clients.flow(key) {
            self.flows.backlog_mut(flow).set_scrolled();
        }
    }

    /// Takes out what is queued and past its deadline, and names what is running and past it.
    /// A deadline is past from its very instant on.
    pub(crate) fn expire(&mut self, now: Instant) -> Expired<P> {
        let mut expired = Expired { queued: Vec::new(), running: Vec::new() };
        while let Some(((deadline, _), key)) = self.deadlines.peek()
            && deadline <= now
        {
            self.deadlines.pop();
            self.tasks[key.0].deadline = None;
            match self.withdraw(key) {
                Ok(entry) => expired.queued.push(entry),
                Err(id) => expired.running.push(id),
            }
        }
        expired
    }

    /// When [`expire`](Self::expire) will next have something to say.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.peek().map(|((deadline, _), _)| deadline)
    }

    /// Takes out everything that is queued, in order of arrival. One logarithm a task.
    pub(crate) fn drain(&mut self) -> Vec<Entry<P>> {
        let tasks = self.in_order_of_arrival(self.tasks.iter().map(|(key, _)| TaskKey(key)));
        self.withdraw_all(tasks)
    }

    pub(crate) fn depth(&self) -> Depth {
        Depth { queued: self.queued, running: self.tasks.len() - self.queued, bytes: self.bytes }
    }

    /// How many of the client's own queued tasks are before this one; `None` if it is not queued.
    /// Linear in the client's tasks.
    pub(crate) fn position(&self, client: &str, uuid: &str) -> Option<usize> {
        let rank = self.rank(self.clients.find_task(client, uuid)?)?;
        let others = self.clients.tasks(self.clients.find(client)?);
        Some(others.filter_map(|key| self.rank(key)).filter(|&other| other < rank).count())
    }

    /// CPU time that a task takes of late; a guess before the first was finished.
    pub(crate) fn average_cost(&self) -> Duration {
        self.flows.average_cost()
    }

    fn rank(&self, key: TaskKey) -> Option<Rank> {
        self.tasks[key.0].rank(&self.clients)
    }

    /// Orders the flow's tasks by the current viewports of its clients. Linear in the number of its
    /// tasks, if one of the clients has scrolled.
    fn rank_anew(&mut self, flow: FlowKey) {
        if !self.flows.backlog(flow).is_scrolled() {
            return;
        }
        let (tasks, clients) = (&self.tasks, &self.clients);
        self.flows.backlog_mut(flow).rerank_all(|old, task| {
            // A backlog has queued tasks only.
            tasks[task.0].rank(clients).unwrap_or(old)
        });
    }

    fn in_order_of_arrival(&self, tasks: impl Iterator<Item = TaskKey>) -> Vec<TaskKey> {
        let mut tasks: Vec<_> = tasks.collect();
        tasks.sort_unstable_by_key(|key| self.tasks[key.0].arrival);
        tasks
    }

    fn withdraw_all(&mut self, tasks: Vec<TaskKey>) -> Vec<Entry<P>> {
        tasks.into_iter().filter_map(|key| self.withdraw(key).ok()).collect()
    }

    /// Takes a queued task out; a running one is only named.
    fn withdraw(&mut self, key: TaskKey) -> Result<Entry<P>, RunningId> {
        self.detach(key);
        self.evict(key).ok_or_else(|| RunningId { key, arrival: self.tasks[key.0].arrival })
    }

    /// Forgets a task that was detached, and hands over what it was. `None` if it is running.
    fn evict(&mut self, key: TaskKey) -> Option<Entry<P>> {
        if matches!(self.tasks[key.0].state, State::Running { .. }) {
            return None;
        }
        let task = self.forget(key);
        self.settle(task.flow);
        match task.state {
            State::Queued { entry, .. } => Some(entry),
            State::Running { .. } => None,
        }
    }

    fn forget(&mut self, key: TaskKey) -> Task<P> {
        self.disown(key);
        let task = self.tasks.remove(key.0);
        self.tasks.give_back();
        task
    }

    /// Takes a task's name and deadline from it.
    fn disown(&mut self, key: TaskKey) {
        let task = &mut self.tasks[key.0];
        if let Some(deadline) = task.deadline.take() {
            self.deadlines.remove(deadline);
        }
        // The name of a cancelled task may be another's by now, and so may its client's slot.
        let named = match &mut task.state {
            State::Queued { .. } => true,
            State::Running { cancelled, .. } => !std::mem::replace(cancelled, true),
        };
        if named {
            self.clients.remove(task.client, &task.uuid);
        }
    }

    /// Puts a task that was detached back among its flow's queued ones.
    fn attach(&mut self, key: TaskKey, rank: Rank) {
        let Task { flow, bytes, state, .. } = &mut self.tasks[key.0];
        if let State::Queued { place, .. } = state {
            *place = self.flows.attach(*flow, rank, key, *bytes);
            self.queued += 1;
            self.bytes += *bytes;
        }
    }

    /// Takes a task out of its flow's queued ones, and changes nothing else of it.
    fn detach(&mut self, key: TaskKey) {
        if let Task { flow, bytes, state: State::Queued { place, .. }, .. } = &self.tasks[key.0] {
            self.flows.detach(*flow, *place, *bytes);
            self.queued -= 1;
            self.bytes -= *bytes;
        }
    }

    fn settle(&mut self, flow: FlowKey) {
        self.flows.settle(flow, self.tasks.is_empty());
    }
}
