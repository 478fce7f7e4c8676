//! A model of the schedule's rules over plain lists: slow, but obviously correct.

mod level;

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use self::level::{Level, Turn};
use super::super::{Bounds, Depth, Entry, Group, Order};

/// A task's payload, which is a unique name in these tests.
pub(crate) type Name = u32;

#[derive(Clone)]
struct Job {
    entry: Entry<Name>,
    arrival: u64,
    deadline: Instant,
    named_as_expired: bool,
    /// Whether it was cancelled while it ran, so that its uuid no longer identifies it.
    cancelled: bool,
    /// What its group and its flow are charged until it is finished.
    running: Option<[u64; 2]>,
}

#[derive(Default)]
struct Client {
    /// The top, the bottom, and whether the client scrolls up.
    view: Option<(i64, i64, bool)>,
    left: bool,
}

pub(crate) struct Model {
    bounds: Bounds,
    jobs: Vec<Job>,
    groups: Level<Group>,
    /// The flows of each known group.
    flows: HashMap<Group, Level<Arc<str>>>,
    clients: HashMap<String, Client>,
    arrivals: u64,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Pushed {
    Accepted(Vec<Entry<Name>>),
    Duplicate,
    Refused,
    TooLarge,
}

/// The queued entries that were removed, and the running ones that were reported.
pub(crate) type Out = (Vec<Entry<Name>>, Vec<Name>);

impl Model {
    pub(crate) fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            jobs: Vec::new(),
            groups: Level::new(10_000_000),
            flows: HashMap::new(),
            clients: HashMap::new(),
            arrivals: 0,
        }
    }

    pub(crate) fn push(&mut self, entry: Entry<Name>, now: Instant) -> Pushed {
        let same = |job: &Job| {
            job.entry.client == entry.client && job.entry.uuid == entry.uuid && !job.cancelled
        };
        if self.jobs.iter().any(same) {
            return Pushed::Duplicate;
        }
        if entry.bytes > self.bounds.client_bytes || entry.bytes > self.bounds.total_bytes {
            return Pushed::TooLarge;
        }
        let group_waited = queued(&self.jobs, in_group(&entry.group)).count() > 0;
        let flow_waited = queued(&self.jobs, in_flow(&entry)).count() > 0;
        let job = Job {
            arrival: self.arrivals,
            deadline: now + self.bounds.deadline,
            named_as_expired: false,
            cancelled: false,
            running: None,
            entry,
        };
        let mut jobs = self.jobs.clone();
        let mut displaced = Vec::new();
        while let Some((group, flow)) = self.who_gives_way(&jobs, &job.entry) {
            let giver = |job: &Job| job.entry.group == group && job.entry.flow == flow;
            let worst = queued(&jobs, giver).max_by_key(|job| self.rank(job));
            let is_own = giver(&job);
            match worst.filter(|worst| !is_own || self.rank(&job) < self.rank(worst)) {
                None => return Pushed::Refused,
                Some(worst) => {
                    let arrival = worst.arrival;
                    displaced.push(worst.entry.clone());
                    jobs.retain(|job| job.arrival != arrival);
                }
            }
        }
        self.arrivals += 1;
        self.clients.entry(job.entry.client.to_string()).or_default();
        let (group, flow) = (job.entry.group.clone(), job.entry.flow.clone());
        jobs.push(job);
        self.jobs = jobs;
        let average = self.groups.average;
        let flows = self.flows.entry(group.clone()).or_insert_with(|| Level::new(average));
        flows.enter(flow, flow_waited);
        self.groups.enter(group, group_waited);
        self.forget();
        Pushed::Accepted(displaced)
    }

    /// The group and the flow whose task is displaced next.
    fn who_gives_way(&self, jobs: &[Job], new: &Entry<Name>) -> Option<(Group, Arc<str>)> {
        let client: Vec<_> = jobs.iter().filter(|job| is_of_client(&job.entry, new)).collect();
        let client_queued = client.iter().filter(|job| job.running.is_none()).count();
        let client_bytes: usize = client.iter().map(|job| size(job)).sum();
        let all_bytes: usize = jobs.iter().map(size).sum();
        let count: fn(&Job) -> usize = |_| 1;
        let own_group = new.group.clone();
        let largest_of_client = |amount| {
            let flow = if own_group.is_one_client {
                self.largest_flow(jobs, &own_group, new, amount)
            } else {
                new.flow.clone()
            };
            (own_group.clone(), flow)
        };
        let largest = |amount| {
            let group = self.groups.largest(Some(&own_group), |group| {
                queued(jobs, in_group(group)).map(amount).sum::<usize>()
            });
            let flow = self.largest_flow(jobs, &group, new, amount);
            (group, flow)
        };
        if client_queued >= self.bounds.client_tasks {
            Some(largest_of_client(count))
        } else if client_bytes + new.bytes > self.bounds.client_bytes {
            Some(largest_of_client(size))
        } else if queued(jobs, |_| true).count() >= self.bounds.total_tasks {
            Some(largest(count))
        } else if all_bytes + new.bytes > self.bounds.total_bytes {
            Some(largest(size))
        } else {
            None
        }
    }

    /// The flow of a group that has the most. In the new task's own group, its own flow unless
    /// another has more.
    fn largest_flow(
        &self,
        jobs: &[Job],
        group: &Group,
        new: &Entry<Name>,
        amount: fn(&Job) -> usize,
    ) -> Arc<str> {
        let Some(flows) = self.flows.get(group) else { return new.flow.clone() };
        let own = Some(&new.flow).filter(|_| *group == new.group);
        flows.largest(own, |flow| {
            let in_it = |job: &Job| job.entry.group == *group && job.entry.flow == *flow;
            queued(jobs, in_it).map(amount).sum()
        })
    }

    pub(crate) fn pop(&mut self, now: Instant) -> (Option<Entry<Name>>, Out) {
        let expired = self.expire(now);
        let jobs = &self.jobs;
        let group = self.groups.next(|group| Turn::of(jobs, 0, in_group(group)));
        let Some(group) = group else { return (None, expired) };
        let flows = &self.flows[&group];
        let flow = flows.next(|flow| {
            Turn::of(jobs, 1, |job| job.entry.group == group && job.entry.flow == *flow)
        });
        let flow = flow.unwrap();
        let in_it = |job: &Job| job.entry.group == group && job.entry.flow == flow;
        let next = queued(jobs, in_it).min_by_key(|job| self.rank(job)).unwrap().arrival;
        let charges =
            [self.groups.dispatch(&group), self.flows.get_mut(&group).unwrap().dispatch(&flow)];
        let job = self.jobs.iter_mut().find(|job| job.arrival == next).unwrap();
        job.running = Some(charges);
        let entry = job.entry.clone();
        self.forget();
        (Some(entry), expired)
    }

    pub(crate) fn finish(&mut self, name: Name, cost: Duration) {
        let at = self.jobs.iter().position(|job| job.entry.payload == name).unwrap();
        let jobs = &self.jobs;
        let Entry { group, flow, .. } = jobs[at].entry.clone();
        let cost = u64::try_from(cost.as_nanos()).unwrap().clamp(1_000, 3_600_000_000_000);
        let busy = |group: &Group| jobs.iter().any(in_group(group));
        self.groups.finish(&group, cost, busy);
        let busy = |flow: &Arc<str>| {
            jobs.iter().any(|job| job.entry.group == group && job.entry.flow == *flow)
        };
        self.flows.get_mut(&group).unwrap().finish(&flow, cost, busy);
        self.jobs.remove(at);
        self.forget();
    }

    /// `None`: no such task.
    pub(crate) fn cancel(&mut self, client: &str, uuid: &str) -> Option<Out> {
        let named = |job: &Job| &*job.entry.client == client && &*job.entry.uuid == uuid;
        let out = self.take(named);
        for job in self.jobs.iter_mut().filter(|job| named(job)) {
            job.cancelled = true;
        }
        self.forget();
        (out != Out::default()).then_some(out)
    }

    pub(crate) fn cancel_client(&mut self, client: &str) -> Out {
        if let Some(client) = self.clients.get_mut(client) {
            client.view = None;
        }
        self.take(|job| &*job.entry.client == client)
    }

    pub(super) fn leave(&mut self, client: &str) {
        if let Some(client) = self.clients.get_mut(client) {
            client.left = true;
        }
        self.forget();
    }

    pub(crate) fn reprioritise(&mut self, client: &str, uuid: &str, offset_top: i64) -> bool {
        let job = self.jobs.iter_mut().find(|job| {
            &*job.entry.client == client && &*job.entry.uuid == uuid && job.running.is_none()
        });
        job.map(|job| job.entry.offset_top = offset_top).is_some()
    }

    pub(crate) fn set_viewport(&mut self, client: &str, top: i64, height: i64) {
        let client = self.clients.entry(client.to_string()).or_default();
        let up = match client.view {
            Some((old, _, up)) => top < old || (top == old && up),
            None => false,
        };
        client.view = Some((top, top + height, up));
    }

    pub(crate) fn expire(&mut self, now: Instant) -> Out {
        let out = self.take(|job| job.deadline <= now && !job.named_as_expired);
        for job in self.jobs.iter_mut().filter(|job| job.deadline <= now) {
            job.named_as_expired = true;
        }
        out
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.jobs
            .iter()
            .filter(|job| !job.named_as_expired && !job.cancelled)
            .map(|job| job.deadline)
            .min()
    }

    pub(crate) fn drain(&mut self) -> Vec<Entry<Name>> {
        self.take(|job| job.running.is_none()).0
    }

    pub(crate) fn depth(&self) -> Depth {
        Depth {
            queued: self.jobs.iter().filter(|job| job.running.is_none()).count(),
            running: self.jobs.iter().filter(|job| job.running.is_some()).count(),
            bytes: self.jobs.iter().map(size).sum(),
        }
    }

    pub(super) fn queued_of(&self, group: &Group, flow: &Arc<str>) -> usize {
        let in_it = |job: &Job| job.entry.group == *group && job.entry.flow == *flow;
        queued(&self.jobs, in_it).count()
    }

    /// How many groups and flows are known.
    pub(super) fn known(&self) -> (usize, usize) {
        let flows = self.flows.values().map(|flows| flows.members.len()).sum();
        (self.groups.members.len(), flows)
    }

    pub(super) fn position(&self, client: &str, uuid: &str) -> Option<usize> {
        let waiting = self.jobs.iter().filter(|job| job.running.is_none());
        let mut own: Vec<_> = waiting.filter(|job| &*job.entry.client == client).collect();
        own.sort_by_key(|job| self.rank(job));
        own.iter().position(|job| &*job.entry.uuid == uuid)
    }

    pub(super) fn average_cost(&self) -> Duration {
        Duration::from_nanos(self.groups.average)
    }

    /// The jobs are in order of arrival, and all have the same time until their deadline.
    fn take(&mut self, chosen: impl Fn(&Job) -> bool) -> Out {
        let (out, stay): (Vec<_>, Vec<_>) =
            self.jobs.drain(..).partition(|job| chosen(job) && job.running.is_none());
        let named = stay
            .iter()
            .filter(|job| chosen(job) && !job.cancelled)
            .map(|job| job.entry.payload)
            .collect();
        self.jobs = stay;
        self.forget();
        (out.into_iter().map(|job| job.entry).collect(), named)
    }

    fn forget(&mut self) {
        let jobs = &self.jobs;
        self.groups.forget(!jobs.is_empty(), |group| jobs.iter().any(in_group(group)));
        self.flows.retain(|group, _| self.groups.members.contains_key(group));
        for (group, flows) in &mut self.flows {
            flows.forget(jobs.iter().any(in_group(group)), |flow| {
                jobs.iter().any(|job| job.entry.group == *group && job.entry.flow == *flow)
            });
        }
        let client_has =
            |name: &str| jobs.iter().any(|job| &*job.entry.client == name && !job.cancelled);
        self.clients.retain(|name, c| client_has(name) || (c.view.is_some() && !c.left));
    }

    fn rank(&self, job: &Job) -> (u8, i64, u64) {
        let offset = job.entry.offset_top;
        let client = self.clients.get(&*job.entry.client);
        let view = client.and_then(|client| client.view);
        let (class, distance) = match view.filter(|_| self.bounds.order == Order::Viewport) {
            None => (1, offset),
            Some((top, bottom, _))
                if (top..bottom).contains(&offset)
                    || (offset < top && offset + job.entry.height > top && bottom > top) =>
            {
                (0, offset - top)
            }
            Some((_, bottom, up)) if offset >= bottom => (if up { 2 } else { 1 }, offset - bottom),
            Some((top, _, up)) => (if up { 1 } else { 2 }, top - offset),
        };
        (class, distance, job.arrival)
    }
}

fn size(job: &Job) -> usize {
    job.entry.bytes
}

fn queued<'a>(
    jobs: &'a [Job],
    chosen: impl Fn(&Job) -> bool + 'a,
) -> impl Iterator<Item = &'a Job> {
    jobs.iter().filter(move |job| job.running.is_none() && chosen(job))
}

fn in_group(group: &Group) -> impl Fn(&Job) -> bool + '_ {
    move |job| job.entry.group == *group
}

fn in_flow(entry: &Entry<Name>) -> impl Fn(&Job) -> bool + '_ {
    move |job| job.entry.group == entry.group && job.entry.flow == entry.flow
}

/// Whether both belong to the same client.
fn is_of_client(one: &Entry<Name>, other: &Entry<Name>) -> bool {
    one.group == other.group && (one.group.is_one_client || one.flow == other.flow)
}

impl Turn {
    fn of(jobs: &[Job], level: usize, chosen: impl Fn(&Job) -> bool) -> Self {
        let waits = queued(jobs, &chosen).count() > 0;
        let charges = jobs.iter().filter(|job| chosen(job)).filter_map(|job| job.running);
        Self { waits, pending: charges.map(|charges| charges[level]).sum() }
    }
}
