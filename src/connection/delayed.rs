//! A client's messages that are over their route's rate: they wait until the rate allows them,
//! those of one route in their order.

use std::collections::VecDeque;
use std::future::pending;
use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;
use tokio::time::sleep_until;

use super::rate::Bucket;
use crate::config::RateAction;
use crate::consumer::Precedence;
use crate::message::Message;
use crate::routing::Route;

/// The messages that wait, and how much each route has let through.
#[derive(Default)]
pub(super) struct Delayed {
    lines: Vec<Line>,
}

/// A message on its way to its route's consumer.
pub(super) struct Passing {
    pub(super) route: Arc<Route>,
    pub(super) message: Message,
    /// The room in the inbox that it takes until it is handled.
    pub(super) room: OwnedSemaphorePermit,
    pub(super) precedence: Precedence,
}

/// What happens to a message now.
pub(super) enum Admitted {
    /// It is handled.
    Now(Passing),
    /// [`Delayed::next`] gives it when its time has come.
    Waits,
    /// It is over the rate of a route whose messages may not wait.
    TooMany,
}

/// One route's messages that are handled in turn, or those that are handled at once.
struct Line {
    index: usize,
    is_at_once: bool,
    bucket: Bucket,
    waiting: VecDeque<Passing>,
}

impl Delayed {
    /// Lets a message through, or keeps it.
    pub(super) fn admit(&mut self, mut passing: Passing) -> Admitted {
        let limits = passing.route.limits();
        let Some(bucket) = Bucket::new(limits.rate) else { return Admitted::Now(passing) };
        let waits = limits.rate_action == RateAction::Wait;
        let is_at_once = waits && matches!(passing.precedence, Precedence::AtOnce { .. });
        let index = passing.route.index();
        let known = self.lines.iter().position(|l| (l.index, l.is_at_once) == (index, is_at_once));
        let at = known.unwrap_or_else(|| {
            self.lines.push(Line { index, is_at_once, bucket, waiting: VecDeque::new() });
            self.lines.len() - 1
        });
        let line = &mut self.lines[at];
        if line.waiting.is_empty() && line.bucket.take() {
            return Admitted::Now(passing);
        }
        if !waits {
            return Admitted::TooMany;
        }
        passing.message.settle();
        line.waiting.push_back(passing);
        Admitted::Waits
    }

    /// Waits until a route lets its next message through. Pending while no message waits.
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

    /// Takes out the messages that this one withdraws, in their order.
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

    pub(super) fn is_empty(&self) -> bool {
        self.lines.iter().all(|line| line.waiting.is_empty())
    }

    /// Drops the messages that wait.
    pub(super) fn clear(&mut self) {
        for line in &mut self.lines {
            line.waiting = VecDeque::new();
        }
    }
}
