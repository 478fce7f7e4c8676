//! The loops of a queue in Redis: beats, deadlines, and what keeps this process and the server of one
//! mind.

use std::time::Duration;

use futures_util::FutureExt;
use tokio::time::{sleep, sleep_until, timeout};

use super::RedisQueue;
use super::accepted::Number;
use super::inbox::Place;
use super::scripts::{Kept, Withdrawn};
use crate::message::Reason;
use crate::redis::Failure;

/// The longest random delay of the upkeep. All processes wait for the end of the same lease, and the
/// first one that calls gives the task back.
const SPREAD: Duration = Duration::from_millis(50);
/// How often this process compares its accepted tasks with those of the server.
const COMPARE: Duration = Duration::from_secs(5);
/// The age of a push before it is compared, while nothing tells that the server has lost tasks: most
/// tasks have ended by then.
const SETTLED: Duration = Duration::from_secs(1);
/// How long a comparison waits for the inbox.
const INBOX: Duration = Duration::from_secs(2);
/// The most tasks of one call.
const PART: usize = 256;
/// The pause after a comparison that failed.
const LOOK: Duration = Duration::from_secs(1);
/// The pause while the server is away.
const PAUSE: Duration = Duration::from_millis(200);

impl RedisQueue {
    /// Does all that the queue needs. Runs until it is dropped.
    pub(super) async fn keep(&self) {
        tokio::join!(
            self.read_inbox(),
            self.claim_for_workers(),
            self.beat(),
            self.look_after(),
            self.watch(),
            self.compare_regularly(),
            self.sweep_store(),
        );
    }

    /// Renews the leases of the tasks that this process's workers have.
    async fn beat(&self) {
        let shared = &self.shared;
        loop {
            sleep(self.between_beats()).await;
            let claims = self.crew().claims();
            for part in claims.chunks(PART) {
                // Without an answer, the leases end, and other workers get the tasks.
                let Ok(lost) = shared.store.beat(shared.lease, part).await else { break };
                for token in lost {
                    tracing::debug!(queue = %shared.name, claim = %token, "a lease was lost");
                    self.stop_claim(&token, Reason::Cancelled);
                }
            }
        }
    }

    /// The time between two beats, of this node and of its claims. A lease lasts for three of them.
    pub(super) fn between_beats(&self) -> Duration {
        self.shared.lease * 3 / 10
    }

    /// Lets the server give tasks back whose workers are gone, and forget nodes that are gone. It is
    /// called when a lease may have ended. While all workers renew theirs, that is as often as they
    /// beat.
    async fn look_after(&self) {
        let shared = &self.shared;
        loop {
            let mut wait = self.between_beats();
            let rules = self.rules().dead_letters;
            match shared.store.upkeep(&shared.node, shared.lease * 2, &rules).await {
                Ok((kept, counts)) => {
                    self.note(counts);
                    let Kept { given_back, died, is_known, next } = kept;
                    if given_back + died > 0 {
                        let queue = &shared.name;
                        let dead_letters = died;
                        tracing::warn!(%queue, given_back, dead_letters, "workers have lost their leases");
                    }
                    if !is_known {
                        // If it fails, the next call finds the node unknown again.
                        let _ = self.greet().await;
                    }
                    wait = wait.min(next.unwrap_or(wait));
                }
                Err(Failure::Refused(error)) => {
                    tracing::error!(queue = %shared.name, %error, "the upkeep was refused");
                }
                Err(_) => wait = wait.min(PAUSE),
            }
            // The last bits of a random UUID are random.
            let part = u32::from(uuid::Uuid::new_v4().as_bytes()[15]);
            sleep(wait + SPREAD * part / 255).await;
        }
    }

    /// Makes this node known to the server. If it was not, the server may lack its tasks too.
    pub(super) async fn greet(&self) -> Result<(), Failure> {
        if self.shared.store.hello(&self.shared.node).await? {
            self.shared.reconcile.notify_one();
        }
        Ok(())
    }

    /// Answers each task when its deadline passes.
    async fn watch(&self) {
        loop {
            let changed = self.shared.deadlines.notified();
            let next = self.accepted().next_deadline().filter(|_| !self.shared.clock.is_set());
            match next {
                None => changed.await,
                Some(next) => tokio::select! {
                    () = changed => {}
                    () = sleep_until(next) => self.expire().await,
                },
            }
        }
    }

    /// Ends the tasks whose deadline has passed. A worker that runs one is told to stop, and
    /// answers it; if no answer comes within a lease, the task is answered here.
    pub(super) async fn expire(&self) {
        let now = self.shared.clock.now();
        let mut told = Vec::new();
        let mut late = Vec::new();
        {
            let mut accepted = self.accepted();
            for number in accepted.expire(now, now + self.shared.lease) {
                match accepted.get_mut(number) {
                    Some(entry) if !entry.late => {
                        entry.late = true;
                        entry.told.get_or_insert(Reason::Expired);
                        told.push(number);
                    }
                    Some(_) => late.push(number),
                    None => {}
                }
            }
        }
        self.answer_all(&late, Reason::Expired);
        self.withdraw(&told, Reason::Expired, Running::AnswersItself).await;
    }

    async fn compare_regularly(&self) {
        loop {
            let has_lost = timeout(COMPARE, self.shared.reconcile.notified()).await.is_ok();
            let age = if has_lost { Duration::ZERO } else { SETTLED };
            if let Err(failure) = self.compare(age).await {
                tracing::debug!(queue = %self.shared.name, error = %failure, "not compared");
                sleep(LOOK).await;
                self.shared.reconcile.notify_one();
            }
        }
    }

    /// Pushes accepted tasks again that the server does not know, once all answers that it has for
    /// this process are read. Tasks whose push is younger than `age` are left out.
    pub(super) async fn compare(&self, age: Duration) -> Result<(), Failure> {
        let shared = &self.shared;
        let regrets = std::mem::take(&mut *self.regrets());
        for part in regrets.chunks(PART) {
            if let Err(failure) = shared.store.withdraw(Reason::Cancelled as u8, true, part).await {
                self.regret(regrets);
                return Err(failure);
            }
        }
        let old = shared.clock.now().checked_sub(age);
        let numbers = old.map(|old| self.accepted().queued_before(old)).unwrap_or_default();
        for part in numbers.chunks(PART) {
            let ids: Vec<String> = part.iter().map(|number| self.id(*number)).collect();
            let (last, unknown) = shared.store.known(&shared.node, &ids).await?;
            if unknown.is_empty() {
                continue;
            }
            let last: Place = last.parse().unwrap_or_default();
            let mut read = shared.read.subscribe();
            let reached = read.wait_for(|read| *read >= last);
            if last != Place::default() && timeout(INBOX, reached).await.is_err() {
                return Ok(());
            }
            for id in unknown {
                if let Some(number) = self.number(&id) {
                    self.push_again(number).await;
                }
            }
        }
        Ok(())
    }

    async fn push_again(&self, number: Number) {
        // The tasks are withdrawn.
        if self.crew().stopped {
            return;
        }
        let task = {
            let mut accepted = self.accepted();
            let Some(entry) = accepted.get_mut(number) else { return };
            if let Some(reason) = entry.told {
                drop(accepted);
                return self.answer_all(&[number], reason);
            }
            entry.queued = None;
            entry.task.clone()
        };
        tracing::debug!(queue = %self.shared.name, task = %self.id(number), "pushed again");
        self.push_accepted(number, &task, false).await;
    }

    /// Removes accepted tasks that are queued, and answers them. Those that run are told to stop.
    pub(super) async fn withdraw(&self, numbers: &[Number], reason: Reason, running: Running) {
        for part in numbers.chunks(PART) {
            let ids: Vec<String> = part.iter().map(|number| self.id(*number)).collect();
            let frees = running == Running::IsAnswered;
            let withdrawn = self.shared.store.withdraw(reason as u8, frees, &ids).await;
            let Ok((found, counts)) = withdrawn else {
                self.answer_all(part, reason);
                self.regret(ids);
                continue;
            };
            self.note(counts);
            for (number, found) in part.iter().zip(found) {
                if found == Withdrawn::Queued || frees {
                    self.answer_all(&[*number], reason);
                }
            }
        }
    }

    /// Waits until all that has ended here is known to the server, and all notices that it has left
    /// for this process until now are read.
    pub(super) async fn settle(&self) -> Result<(), Failure> {
        let shared = &self.shared;
        let unsettled = self.crew().unsettled.clone();
        unsettled.none_is_left().await;
        let (last, _) = shared.store.known(&shared.node, &[]).await?;
        let last: Place = last.parse().unwrap_or_default();
        let mut read = shared.read.subscribe();
        let reached = read.wait_for(|read| *read >= last).map(drop);
        let _ = timeout(INBOX, reached).await;
        Ok(())
    }
}

/// What happens to tasks that are withdrawn while workers run them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Running {
    /// They are answered at once, and their uuids become free.
    IsAnswered,
    /// Their worker is told to stop, and answers them.
    AnswersItself,
    /// They go on.
    GoesOn,
}
