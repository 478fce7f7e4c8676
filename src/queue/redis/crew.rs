//! The workers' side of a queue in Redis: tasks that were claimed for free workers, and those that
//! the workers have begun.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;

use super::RedisQueue;
use super::courier::End;
use super::pending::Unsettled;
use crate::error::Error;
use crate::memory::Need;
use crate::message::{Cancellation, Message, Reason};
use crate::queue::claim::{Claim, Next};
use crate::queue::cost::Cost;
use crate::queue::running::{Parked, Ready, Running};
use crate::queue::task::{Answering, Task};
use crate::schedule::RunningId;

/// The tasks of this process's workers.
#[derive(Debug, Default)]
pub(super) struct Crew {
    pub(super) running: Running,
    /// Claimed tasks, whether a worker has begun them or not.
    claims: HashMap<RunningId, Held>,
    /// Their numbers, by their ids.
    by_id: HashMap<String, RunningId>,
    /// How many claimed tasks wait for their content.
    arriving: usize,
    /// Claimed tasks that no worker has begun yet.
    incoming: VecDeque<Incoming>,
    /// How many workers wait for work.
    idle: usize,
    last: u64,
    pub(super) stopped: bool,
    pub(super) unsettled: Unsettled,
}

/// A claim of this process.
#[derive(Debug)]
struct Held {
    id: String,
    token: String,
    end: UnboundedSender<End>,
    /// Whether the courier knows what it has cost.
    has_ended: bool,
    /// While its content is on the way from the store: ends that.
    arriving: Option<Cancellation>,
}

/// A claimed task that no worker has begun.
#[derive(Debug)]
pub(super) struct Incoming {
    pub(super) number: RunningId,
    pub(super) task: Task,
    pub(super) answer: Answering,
    pub(super) again: Answering,
    need: Option<Need>,
}

impl Crew {
    /// How many more tasks free workers could begin.
    pub(super) fn free(&self, begun_at_most: usize) -> usize {
        if self.stopped {
            return 0;
        }
        let claimed = self.incoming.len() + self.arriving;
        let begun = self.running.len() + claimed;
        self.idle.saturating_sub(claimed).min(begun_at_most.saturating_sub(begun))
    }

    /// A number for a claim.
    pub(super) fn number(&mut self) -> RunningId {
        self.last += 1;
        RunningId::numbered(self.last)
    }

    /// Notes a claim whose task has not arrived yet.
    pub(super) fn expect(
        &mut self,
        number: RunningId,
        (id, token): (String, String),
        end: UnboundedSender<End>,
        cancellation: Cancellation,
    ) {
        self.by_id.insert(id.clone(), number);
        let arriving = Some(cancellation);
        self.claims.insert(number, Held { id, token, end, has_ended: false, arriving });
        self.arriving += 1;
    }

    /// The way to the courier of a claim whose task has not arrived yet; `None` if it has ended.
    pub(super) fn end_of(&self, number: RunningId) -> Option<UnboundedSender<End>> {
        let held = self.claims.get(&number).filter(|held| held.arriving.is_some());
        held.map(|held| held.end.clone())
    }

    /// Takes the task of a claim for the next free worker.
    pub(super) fn take_in(
        &mut self,
        number: RunningId,
        task: Task,
        [answer, again]: [Answering; 2],
    ) {
        if self.arrived(number).is_some() {
            self.incoming.push_back(Incoming { number, task, answer, again, need: None });
        }
    }

    /// Ends a claim whose task cannot arrive.
    pub(super) fn refuse(&mut self, number: RunningId, error: Error) {
        if self.arrived(number).is_some() {
            self.answer(number, error);
        }
    }

    /// Ends a claim whose task has not arrived yet; `false` if the claim has ended or its task
    /// has arrived.
    pub(super) fn give_up(&mut self, number: RunningId, reason: Reason) -> bool {
        let Some(cancellation) = self.arrived(number) else { return false };
        cancellation.cancel(reason);
        self.answer(number, reason.error());
        true
    }

    /// Ends all claims whose tasks have not arrived yet.
    pub(super) fn give_up_all(&mut self, reason: Reason) {
        let arriving = self.claims.iter().filter(|(_, held)| held.arriving.is_some());
        for number in arriving.map(|(number, _)| *number).collect::<Vec<_>>() {
            self.give_up(number, reason);
        }
    }

    fn arrived(&mut self, number: RunningId) -> Option<Cancellation> {
        let cancellation = self.claims.get_mut(&number)?.arriving.take()?;
        self.arriving -= 1;
        Some(cancellation)
    }

    fn answer(&mut self, number: RunningId, error: Error) {
        self.end(number, Duration::ZERO);
        if let Some(held) = self.claims.get(&number) {
            // The courier may have ended already.
            let _ = held.end.send(End::Answer(Err(error)));
        }
    }

    /// The ids and tokens of all claims.
    pub(super) fn claims(&self) -> Vec<(String, String)> {
        self.claims.values().map(|held| (held.id.clone(), held.token.clone())).collect()
    }

    /// Forgets a claim, once it has ended.
    pub(super) fn forget(&mut self, number: RunningId) {
        if let Some(held) = self.claims.remove(&number) {
            // The task may be claimed again meanwhile.
            if self.by_id.get(&held.id) == Some(&number) {
                self.by_id.remove(&held.id);
            }
        }
    }

    /// Takes the tasks out that no worker has begun.
    pub(super) fn take_incoming(&mut self) -> VecDeque<Incoming> {
        std::mem::take(&mut self.incoming)
    }
}

impl RedisQueue {
    pub(super) fn next_work(
        &self,
        estimate: impl Fn(&Message) -> Need,
        dismissed: &AtomicBool,
    ) -> Option<Next> {
        let mut crew = self.crew();
        loop {
            if dismissed.load(Ordering::Relaxed) {
                self.shared.work.notify_one();
                return None;
            }
            if let Some(Ready { id, over }) = crew.running.next_ready() {
                if crew.stopped {
                    self.shared.work.notify_all();
                }
                return Some(if over { Next::Drop(id) } else { Next::Resume(id) });
            }
            if crew.stopped && crew.incoming.is_empty() && !crew.running.any_parked() {
                return None;
            }
            let Some(first) = crew.incoming.front() else {
                crew = self.wait(crew);
                continue;
            };
            let Some(need) = &first.need else {
                let (number, message) = (first.number, first.task.message.clone());
                drop(crew);
                let need = estimate(&message);
                drop(message);
                crew = self.crew();
                let same = |incoming: &&mut Incoming| incoming.number == number;
                if let Some(incoming) = crew.incoming.front_mut().filter(same) {
                    incoming.need = Some(need);
                }
                continue;
            };
            let refused = need.check(&self.shared.memory.work).err();
            let granted = need.try_take(&self.shared.memory.work);
            if refused.is_none() && granted.is_none() {
                crew = self.wait_for_memory(crew);
                continue;
            }
            let Some(Incoming { number, task, answer, again, .. }) = crew.incoming.pop_front()
            else {
                continue;
            };
            crew.running.begin(number, task.message.cancellation.clone(), again);
            drop(crew);
            let claim = Claim::new(self.clone().into(), number, task, granted, answer);
            match refused {
                None => return Some(Next::Begin(claim)),
                Some(error) => claim.finish(Err(error), Duration::ZERO),
            }
            crew = self.crew();
        }
    }

    fn wait<'a>(&'a self, mut crew: MutexGuard<'a, Crew>) -> MutexGuard<'a, Crew> {
        crew.idle += 1;
        self.shared.wanted.notify_one();
        let mut crew = self.shared.work.wait(crew).unwrap_or_else(PoisonError::into_inner);
        crew.idle -= 1;
        crew
    }

    fn wait_for_memory<'a>(&'a self, mut crew: MutexGuard<'a, Crew>) -> MutexGuard<'a, Crew> {
        const LOOK_EVERY: Duration = Duration::from_millis(20);
        crew.idle += 1;
        let waited = self.shared.work.wait_timeout(crew, LOOK_EVERY);
        let (mut crew, _) = waited.unwrap_or_else(PoisonError::into_inner);
        crew.idle -= 1;
        crew
    }

    pub(super) fn park_task(&self, id: RunningId, cost: Cost) {
        let mut crew = self.crew();
        let Parked::Over(answer) = crew.running.park(id, cost) else { return };
        crew.end(id, cost.charged());
        drop(crew);
        if let Some((answer, reason)) = answer {
            answer.error(reason.error());
        }
    }

    pub(super) fn wake_task(&self, id: RunningId) {
        let mut crew = self.crew();
        let woken = crew.running.wake(id) && crew.idle > 0;
        drop(crew);
        if woken {
            self.shared.work.notify_one();
        }
    }

    pub(super) fn finish_task(&self, id: RunningId, cost: Duration) -> bool {
        let mut crew = self.crew();
        let unanswered = crew.running.finish(id);
        crew.end(id, cost);
        drop(crew);
        // One more task may be begun, or memory may be free.
        self.shared.work.notify_one();
        unanswered
    }

    /// Gives the notice of cancellation to a task of this process's workers.
    pub(super) fn stop_task(&self, id: &str, reason: Reason) {
        let crew = self.crew();
        if let Some(number) = crew.by_id.get(id).copied() {
            self.stop_number(crew, number, reason);
        }
    }

    /// Gives the notice of cancellation to one claim. This process may have another one of the same
    /// task, which is valid.
    pub(super) fn stop_claim(&self, token: &str, reason: Reason) {
        let crew = self.crew();
        let claim = crew.claims.iter().find(|(_, held)| held.token == token);
        if let Some(number) = claim.map(|(number, _)| *number) {
            self.stop_number(crew, number, reason);
        }
    }

    fn stop_number(&self, mut crew: MutexGuard<'_, Crew>, number: RunningId, reason: Reason) {
        if crew.give_up(number, reason) {
            drop(crew);
            // One more task may be begun.
            self.shared.wanted.notify_one();
            return;
        }
        if let Some(at) = crew.incoming.iter().position(|incoming| incoming.number == number) {
            let incoming = crew.incoming.remove(at);
            crew.end(number, Duration::ZERO);
            drop(crew);
            if let Some(incoming) = incoming {
                incoming.answer.error(reason.error());
            }
            return;
        }
        let stopped = crew.stop(&[number], reason);
        drop(crew);
        self.tell_stopped(stopped);
    }

    /// Gives the notice of cancellation to all tasks that workers have begun.
    pub(super) fn stop_all(&self, reason: Reason) {
        let mut crew = self.crew();
        let ids = crew.running.ids();
        let stopped = crew.stop(&ids, reason);
        drop(crew);
        self.tell_stopped(stopped);
    }

    fn tell_stopped(&self, stopped: Stopped) {
        for answer in stopped.over {
            answer.error(stopped.reason.error());
            // A worker drops the task.
            self.shared.work.notify_one();
        }
        for cancellation in stopped.running {
            cancellation.cancel(stopped.reason);
        }
    }
}

struct Stopped {
    reason: Reason,
    running: Vec<Cancellation>,
    over: Vec<Answering>,
}

impl Crew {
    fn stop(&mut self, ids: &[RunningId], reason: Reason) -> Stopped {
        let mut stopped = Stopped { reason, running: Vec::new(), over: Vec::new() };
        for id in ids {
            let Some(told) = self.running.tell(*id, reason) else { continue };
            stopped.running.push(told.cancellation);
            if let Some(over) = told.over {
                self.end(*id, over.cost);
                stopped.over.push(over.answer);
            }
        }
        stopped
    }

    /// Tells the courier of a task what it has cost.
    pub(super) fn end(&mut self, id: RunningId, cost: Duration) {
        if let Some(held) = self.claims.get_mut(&id).filter(|held| !held.has_ended) {
            held.has_ended = true;
            // The courier may have ended already.
            let _ = held.end.send(End::Cost(cost, Some(self.unsettled.begin())));
        }
    }
}
