//! A client's messages over their route's rate: they wait until the rate allows them. Those of one
//! route keep their order.

use std::collections::VecDeque;
use std::future::pending;

use tokio::time::sleep_until;

use super::rate::Bucket;
use super::room::Place;
use crate::config::RateAction;
use crate::consumer::Precedence;
use crate::message::Message;
use crate::routing::MatchedRoutes;
use crate::service::LiveRoute;

/// The waiting messages, and the rate of each route.
#[derive(Default)]
pub(super) struct Delayed {
    lines: Vec<Line>,
    /// How many messages have waited so far.
    count: u64,
}

/// A message on its way to its route's consumer.
pub(super) struct Passing {
    pub(super) route: LiveRoute,
    pub(super) message: Message,
    /// Its place in the inbox, which it takes until it is handled.
    pub(super) place: Place,
    pub(super) precedence: Precedence,
    /// Its number among the messages that have waited; `None` if it has not.
    pub(super) number: Option<u64>,
}

/// What happens to a message.
pub(super) enum Admitted {
    /// It is handled now.
    Now(Passing),
    /// It waits; [`Delayed::next`] returns it when the rate allows it.
    Waits,
    /// It is over the rate, and its route does not let messages wait.
    TooMany,
}

/// The messages of one route that are handled in turn, or those that are handled at once.
struct Line {
    route: LiveRoute,
    is_at_once: bool,
    bucket: Bucket,
    waiting: VecDeque<Passing>,
}

impl Delayed {
    /// Admits a message, or lets it wait. A message that has waited before may always wait.
    pub(super) fn admit(&mut self, mut passing: Passing) -> Admitted {
        let limits = passing.route.limits();
        let Some(bucket) = Bucket::new(limits.rate) else { return Admitted::Now(passing) };
        let waits = limits.rate_action == RateAction::Wait;
        let is_at_once = waits && matches!(passing.precedence, Precedence::AtOnce { .. });
        let known = self
            .lines
            .iter()
            .position(|line| line.route.is(&passing.route) && line.is_at_once == is_at_once);
        let at = known.unwrap_or_else(|| {
            let (route, waiting) = (passing.route.clone(), VecDeque::new());
            self.lines.push(Line { route, is_at_once, bucket, waiting });
            self.lines.len() - 1
        });
        let line = &mut self.lines[at];
        if line.waiting.is_empty() && line.bucket.take() {
            return Admitted::Now(passing);
        }
        if !waits && passing.number.is_none() {
            return Admitted::TooMany;
        }
        self.count += 1;
        passing.number.get_or_insert(self.count);
        passing.message.settle();
        line.waiting.push_back(passing);
        Admitted::Waits
    }

    /// Waits until the rate of a route allows its next message. It never completes while no message
    /// waits.
    pub(super) async fn next(&mut self) -> Passing {
        loop {
            let waiting = self.lines.iter_mut().filter(|line| !line.waiting.is_empty());
            let Some(line) = waiting.min_by_key(|line| line.bucket.ready()) else {
                return pending().await;
            };
            sleep_until(line.bucket.ready()).await;
            if line.bucket.take()
                && let Some(passing) = line.waiting.pop_front()
            {
                return passing;
            }
        }
    }

    /// Removes the waiting messages that this one withdraws, in their order.
    pub(super) fn withdraw(&mut self, by: &Passing) -> Vec<Passing> {
        let Precedence::AtOnce { withdraws: Some(name) } = &by.precedence else {
            return Vec::new();
        };
        let mut withdrawn = Vec::new();
        for line in &mut self.lines {
            let mut at = 0;
            while let Some(passing) = line.waiting.get(at) {
                let is_named = matches!(
                    &passing.precedence,
                    Precedence::InTurn { name: Some(known) } if known == name
                );
                if is_named && passing.route.queue() == by.route.queue() {
                    withdrawn.extend(line.waiting.remove(at));
                } else {
                    at += 1;
                }
            }
        }
        withdrawn
    }

    /// Lets a message that [`next`](Self::next) has returned wait again, before all others.
    pub(super) fn put_back(&mut self, passing: Passing) {
        let mut lines = self.lines.iter_mut();
        if let Some(line) = lines.find(|line| line.route.is(&passing.route)) {
            line.bucket.give_back();
            line.waiting.push_front(passing);
        }
    }

    /// Counts by the rates of another table from now on. A route that takes the same messages as a
    /// former one goes on with its count. Returns the messages that waited, in their order, so that
    /// the other table routes them.
    pub(super) fn follow(&mut self, matched: &MatchedRoutes<LiveRoute>) -> Vec<Passing> {
        let mut waited = Vec::new();
        for Line { route, is_at_once, bucket, waiting } in std::mem::take(&mut self.lines) {
            waited.extend(waiting);
            let same = matched.live().find(|new| new.takes_same(&route));
            if let Some(new) = same.filter(|_| !bucket.is_full())
                && let Some(fresh) = Bucket::new(new.limits().rate)
            {
                let (bucket, waiting) = (fresh.after(Some(&bucket)), VecDeque::new());
                self.lines.push(Line { route: new.clone(), is_at_once, bucket, waiting });
            }
        }
        waited.sort_by_key(|passing| passing.number);
        waited
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lines.iter().all(|line| line.waiting.is_empty())
    }

    /// Drops the waiting messages.
    pub(super) fn clear(&mut self) {
        for line in &mut self.lines {
            line.waiting = VecDeque::new();
        }
    }
}
