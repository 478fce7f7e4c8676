//! The schedule decides which task runs next, which is displaced, and which is too late.
//!
//! It has no thread, lock or clock of its own, and sends no answers. It returns every entry that
//! leaves it, so that the caller can answer and free the entry after releasing its lock.
//!
//! A call takes logarithmic time in the number of queued tasks, unless its documentation says
//! otherwise.

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
pub(crate) mod tests;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use slab::Slab;

pub use self::rank::Order;
use self::{
    backlog::Handles,
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

/// See the [module](self). A task is identified by its client and its uuid.
#[derive(Debug)]
pub(crate) struct Schedule<P> {
    bounds: Bounds,
    tasks: Slab<Task<P>>,
    clients: Clients,
    flows: Flows,
    /// The deadlines of queued tasks, and of running ones until they are reported as expired.
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
        place: Handles,
    },
    Running {
        charge: Charge,
        /// Whether its client has cancelled it, so that its client and uuid no longer identify it.
        cancelled: bool,
    },
}

impl<P> Task<P> {
    /// Its rank by its client's current view; `None` if it is not queued.
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

    /// Applies other bounds from now on. Queued tasks keep their deadlines, and their places unless
    /// the order changes, even where they are more than the bounds allow.
    pub(crate) fn set_bounds(&mut self, bounds: Bounds) {
        if bounds.order == Order::Offset && self.bounds.order != Order::Offset {
            for flow in self.clients.forget_views() {
                self.flows.backlog_mut(flow).set_scrolled();
            }
        }
        self.bounds = bounds;
    }

    /// Queues a task or returns it. Call [`expire`](Self::expire) before, so that expired tasks do
    /// not take up room.
    ///
    /// If there is no room, tasks are displaced by the rules in `room`, each in logarithmic time.
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
        // A deadline beyond the clock's range means no deadline.
        let deadline = now
            .checked_add(self.bounds.deadline)
            .map(|deadline| self.deadlines.push((deadline, arrival), key));
        let state = State::Queued { entry, place };
        self.tasks.insert(Task { client, flow, uuid, arrival, bytes, deadline, state });
        self.settle(flow);
        let displaced = displaced.into_iter().filter_map(|(_, key)| self.evict(key)).collect();
        Push::Accepted { displaced }
    }

    /// Removes one task of the client if it is still queued. If it is running, its uuid becomes
    /// free: the client may push another task with that uuid before the worker has finished this
    /// one.
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

    /// Removes all queued tasks of the client and forgets its viewport. Logarithmic time for each
    /// task.
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

    /// Notes that the client has left. Its tasks stay, in their order, and its viewport is
    /// forgotten after the last of them. A client that was cancelled need not leave.
    pub(crate) fn leave(&mut self, client: &str) {
        if let Some(key) = self.clients.find(client) {
            self.clients.leave(key);
            self.clients.settle(key);
        }
    }

    /// Moves a queued task on its page; it keeps its order of arrival among equal ranks. `false` if
    /// it is not queued.
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

    /// Sets the part of the page that the client sees. Its queued tasks are ranked again when the
    /// next task of its flow is taken, and only once, however often the client has scrolled. It has
    /// no effect if the order is by offset.
    ///
    /// The viewport is remembered until the client is cancelled or leaves.
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

    /// Removes queued tasks that have reached their deadline, and reports running ones that have.
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

    /// When the next task expires.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.peek().map(|((deadline, _), _)| deadline)
    }

    /// Removes all queued tasks, in order of arrival. Logarithmic time for each task.
    pub(crate) fn drain(&mut self) -> Vec<Entry<P>> {
        let tasks = self.in_order_of_arrival(self.tasks.iter().map(|(key, _)| TaskKey(key)));
        self.withdraw_all(tasks)
    }

    pub(crate) fn depth(&self) -> Depth {
        Depth { queued: self.queued, running: self.tasks.len() - self.queued, bytes: self.bytes }
    }

    /// How many clients have tasks. Linear in the clients.
    pub(crate) fn clients(&self) -> usize {
        self.clients.with_tasks()
    }

    /// How many of the client's own queued tasks come before this one; `None` if it is not queued.
    /// Linear in the client's tasks.
    pub(crate) fn position(&self, client: &str, uuid: &str) -> Option<usize> {
        let rank = self.rank(self.clients.find_task(client, uuid)?)?;
        let others = self.clients.tasks(self.clients.find(client)?);
        Some(others.filter_map(|key| self.rank(key)).filter(|&other| other < rank).count())
    }

    /// The recent average CPU time of a task; an assumed value before the first task is finished.
    pub(crate) fn average_cost(&self) -> Duration {
        self.flows.average_cost()
    }

    fn rank(&self, key: TaskKey) -> Option<Rank> {
        self.tasks[key.0].rank(&self.clients)
    }

    /// Ranks the flow's tasks by the current viewports of its clients. Linear in the number of its
    /// tasks, if one of the clients has scrolled.
    fn rank_anew(&mut self, flow: FlowKey) {
        if !self.flows.backlog(flow).is_scrolled() {
            return;
        }
        let (tasks, clients) = (&self.tasks, &self.clients);
        self.flows.backlog_mut(flow).rerank_all(|old, task| {
            // A backlog holds only queued tasks, which have a rank.
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

    /// Removes a queued task; for a running one, returns only its id.
    fn withdraw(&mut self, key: TaskKey) -> Result<Entry<P>, RunningId> {
        self.detach(key);
        self.evict(key).ok_or_else(|| RunningId { key, arrival: self.tasks[key.0].arrival })
    }

    /// Forgets a task that was detached, and returns its entry. `None` if it is running.
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

    /// Removes a task's deadline, and its uuid from its client.
    fn disown(&mut self, key: TaskKey) {
        let task = &mut self.tasks[key.0];
        if let Some(deadline) = task.deadline.take() {
            self.deadlines.remove(deadline);
        }
        // After a cancel, the uuid may belong to another task, and the client's slot to another
        // client.
        let named = match &mut task.state {
            State::Queued { .. } => true,
            State::Running { cancelled, .. } => !std::mem::replace(cancelled, true),
        };
        if named {
            self.clients.remove(task.client, &task.uuid);
        }
    }

    /// Puts a detached task back into the backlog of its flow.
    fn attach(&mut self, key: TaskKey, rank: Rank) {
        let Task { flow, bytes, state, .. } = &mut self.tasks[key.0];
        if let State::Queued { place, .. } = state {
            *place = self.flows.attach(*flow, rank, key, *bytes);
            self.queued += 1;
            self.bytes += *bytes;
        }
    }

    /// Removes a task from its flow's backlog, without any other change to the task.
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
