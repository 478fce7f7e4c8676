//! The schedule's rules once more, over plain lists, with nothing clever: slow and obviously right.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use super::super::{Bounds, Depth, Entry, Order};

/// A task's payload is its name here: no two pushes have the same.
pub(super) type Name = u32;

#[derive(Clone)]
struct Job {
    entry: Entry<Name>,
    arrival: u64,
    deadline: Instant,
    named_as_expired: bool,
    /// Cancelled while it ran: nothing names it any more.
    cancelled: bool,
    /// What its flow is charged with meanwhile.
    running: Option<u64>,
}

struct Flow {
    served: u64,
    average: u64,
    activation: u64,
}

#[derive(Default)]
struct Client {
    /// Top, bottom, whether it goes up.
    view: Option<(i64, i64, bool)>,
    left: bool,
}

pub(super) struct Model {
    bounds: Bounds,
    jobs: Vec<Job>,
    flows: HashMap<String, Flow>,
    clients: HashMap<String, Client>,
    virtual_time: u64,
    average: u64,
    arrivals: u64,
    activations: u64,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Pushed {
    Accepted(Vec<Entry<Name>>),
    Duplicate,
    Refused,
    TooLarge,
}

/// Queued entries that came out, running ones that were named.
pub(super) type Out = (Vec<Entry<Name>>, Vec<Name>);

impl Model {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            jobs: Vec::new(),
            flows: HashMap::new(),
            clients: HashMap::new(),
            virtual_time: 0,
            average: 10_000_000,
            arrivals: 0,
            activations: 0,
        }
    }

    pub(super) fn push(&mut self, entry: Entry<Name>, now: Instant) -> Pushed {
        let same = |job: &Job| {
            job.entry.client == entry.client && job.entry.uuid == entry.uuid && !job.cancelled
        };
        if self.jobs.iter().any(same) {
            return Pushed::Duplicate;
        }
        if entry.bytes > self.bounds.client_bytes || entry.bytes > self.bounds.total_bytes {
            return Pushed::TooLarge;
        }
        let flow = entry.flow.to_string();
        let was_waiting = queued(&self.jobs, &flow).count() > 0;
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
        while let Some(giver) = self.who_gives_way(&jobs, &flow, job.entry.bytes) {
            let worst = queued(&jobs, &giver).max_by_key(|job| self.rank(job));
            match worst.filter(|worst| giver != flow || self.rank(&job) < self.rank(worst)) {
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
        jobs.push(job);
        self.jobs = jobs;
        let (served, average) = (self.virtual_time, self.average);
        let flow = self.flows.entry(flow).or_insert(Flow { served, average, activation: 0 });
        if !was_waiting {
            flow.served = flow.served.max(self.virtual_time);
            flow.activation = self.activations;
            self.activations += 1;
        }
        self.forget();
        Pushed::Accepted(displaced)
    }

    fn who_gives_way(&self, jobs: &[Job], own: &str, bytes: usize) -> Option<String> {
        let of = |flow: &str| jobs.iter().filter(|job| &*job.entry.flow == flow).map(size).sum();
        let own_bytes: usize = of(own);
        let all_bytes: usize = jobs.iter().map(size).sum();
        let largest = |amount: &dyn Fn(&str) -> usize| {
            let largest =
                self.flows.iter().max_by_key(|(name, flow)| (amount(name), flow.activation));
            let larger = largest.map(|(name, _)| name).filter(|name| amount(name) > amount(own));
            Some(larger.map_or(own, |name| name).to_string())
        };
        if queued(jobs, own).count() >= self.bounds.client_tasks
            || own_bytes + bytes > self.bounds.client_bytes
        {
            Some(own.to_string())
        } else if jobs.iter().filter(|job| job.running.is_none()).count() >= self.bounds.total_tasks
        {
            largest(&|flow| queued(jobs, flow).count())
        } else if all_bytes + bytes > self.bounds.total_bytes {
            largest(&|flow| queued(jobs, flow).map(size).sum())
        } else {
            None
        }
    }

    pub(super) fn pop(&mut self, now: Instant) -> (Option<Entry<Name>>, Out) {
        let expired = self.expire(now);
        let turn = |(name, flow): &(&String, &Flow)| {
            let jobs = self.jobs.iter().filter(|job| *job.entry.flow == **name);
            let pending: u64 = jobs.filter_map(|job| job.running).sum();
            (flow.served + pending, flow.activation)
        };
        let waiting = self.flows.iter().filter(|(name, _)| queued(&self.jobs, name).count() > 0);
        let Some((name, flow)) = waiting.min_by_key(turn) else { return (None, expired) };
        let next = queued(&self.jobs, name).min_by_key(|job| self.rank(job)).unwrap().arrival;
        self.virtual_time = self.virtual_time.max(flow.served);
        let charge = flow.average;
        let job = self.jobs.iter_mut().find(|job| job.arrival == next).unwrap();
        job.running = Some(charge);
        let entry = job.entry.clone();
        self.forget();
        (Some(entry), expired)
    }

    pub(super) fn finish(&mut self, name: Name, cost: Duration) {
        let at = self.jobs.iter().position(|job| job.entry.payload == name).unwrap();
        let busy = self.flows.keys().filter(|flow| self.has_jobs(flow)).count();
        let job = self.jobs.remove(at);
        let cost = u64::try_from(cost.as_nanos()).unwrap().clamp(1_000, 3_600_000_000_000);
        self.virtual_time += cost.min(10_000_000) / (busy as u64 + 1);
        let flow = self.flows.get_mut(&*job.entry.flow).unwrap();
        flow.served += cost;
        for average in [&mut flow.average, &mut self.average] {
            *average = *average - *average / 8 + cost / 8;
        }
        self.forget();
    }

    /// `None`: unknown.
    pub(super) fn cancel(&mut self, client: &str, uuid: &str) -> Option<Out> {
        let named = |job: &Job| &*job.entry.client == client && &*job.entry.uuid == uuid;
        let out = self.take(named);
        for job in self.jobs.iter_mut().filter(|job| named(job)) {
            job.cancelled = true;
        }
        self.forget();
        (out != Out::default()).then_some(out)
    }

    pub(super) fn cancel_client(&mut self, client: &str) -> Out {
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

    pub(super) fn reprioritise(&mut self, client: &str, uuid: &str, offset_top: i64) -> bool {
        let job = self.jobs.iter_mut().find(|job| {
            &*job.entry.client == client && &*job.entry.uuid == uuid && job.running.is_none()
        });
        job.map(|job| job.entry.offset_top = offset_top).is_some()
    }

    pub(super) fn set_viewport(&mut self, client: &str, top: i64, height: i64) {
        let client = self.clients.entry(client.to_string()).or_default();
        let up = match client.view {
            Some((old, _, up)) => top < old || (top == old && up),
            None => false,
        };
        client.view = Some((top, top + height, up));
    }

    pub(super) fn expire(&mut self, now: Instant) -> Out {
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

    pub(super) fn drain(&mut self) -> Vec<Entry<Name>> {
        self.take(|job| job.running.is_none()).0
    }

    pub(super) fn depth(&self) -> Depth {
        Depth {
            queued: self.jobs.iter().filter(|job| job.running.is_none()).count(),
            running: self.jobs.iter().filter(|job| job.running.is_some()).count(),
            bytes: self.jobs.iter().map(size).sum(),
            flows: self.flows.keys().filter(|flow| self.has_jobs(flow)).count(),
        }
    }

    pub(super) fn queued_of(&self, flow: &str) -> usize {
        queued(&self.jobs, flow).count()
    }

    pub(super) fn position(&self, client: &str, uuid: &str) -> Option<usize> {
        let waiting = self.jobs.iter().filter(|job| job.running.is_none());
        let mut own: Vec<_> = waiting.filter(|job| &*job.entry.client == client).collect();
        own.sort_by_key(|job| self.rank(job));
        own.iter().position(|job| &*job.entry.uuid == uuid)
    }

    pub(super) fn average_cost(&self) -> Duration {
        Duration::from_nanos(self.average)
    }

    /// Jobs stand in order of arrival, and all have the same time to their deadline.
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
        let (jobs, now) = (&self.jobs, self.virtual_time);
        let flow_has = |name: &str| jobs.iter().any(|job| &*job.entry.flow == name);
        let client_has =
            |name: &str| jobs.iter().any(|job| &*job.entry.client == name && !job.cancelled);
        self.flows.retain(|name, flow| flow_has(name) || (flow.served > now && !jobs.is_empty()));
        self.clients.retain(|name, c| client_has(name) || (c.view.is_some() && !c.left));
    }

    fn has_jobs(&self, flow: &str) -> bool {
        self.jobs.iter().any(|job| &*job.entry.flow == flow)
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

fn queued<'a>(jobs: &'a [Job], flow: &'a str) -> impl Iterator<Item = &'a Job> {
    jobs.iter().filter(move |job| &*job.entry.flow == flow && job.running.is_none())
}
