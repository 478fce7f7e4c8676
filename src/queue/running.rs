//! The tasks that workers have begun: worked on, waiting for something, or ready to go on.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use super::task::Answering;
use crate::message::{Cancellation, Reason};
use crate::schedule::RunningId;
use crate::spare::GiveBack;

/// The tasks that were begun. What they are is their worker's; here is only how they stand.
#[derive(Debug, Default)]
pub(super) struct Running {
    tasks: HashMap<RunningId, Begun>,
    /// Those that a worker is to go on with, in the order in which they became so.
    ready: VecDeque<RunningId>,
    /// How many of the tasks no worker is at: they wait or are ready.
    resting: usize,
}

#[derive(Debug)]
struct Begun {
    cancellation: Cancellation,
    /// `None` once it is answered: whoever takes it out of here answers.
    answer: Option<Answering>,
    /// Why nobody waits for it any more. Noted under the queue's lock, and so before the
    /// cancellation itself, which is given after it.
    told: Option<Reason>,
    /// CPU time until it last rested.
    cost: Duration,
    stand: Stand,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stand {
    /// A worker is at it; woken meanwhile, it is ready as soon as that worker lets go of it.
    Worked {
        woken: bool,
    },
    Waiting,
    Ready,
}

/// A task that a worker is to go on with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ready {
    pub(super) id: RunningId,
    /// It has been answered, and is only to be dropped.
    pub(super) over: bool,
}

/// What telling a task that nobody waits for it has come to.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) cancellation: Cancellation,
    /// Where no worker is at it: it is over, after so much CPU time, and to be answered.
    pub(super) over: Option<Over>,
}

/// The state of a task that its worker has let go of.
#[derive(Debug)]
pub(super) enum Rested {
    /// It waits until it is woken.
    Waits,
    /// Its answer is not wanted any more. This is the answer that ends it, unless it has been
    /// given.
    Over(Option<(Answering, Reason)>),
}

/// A task that is over before its worker has noticed.
#[derive(Debug)]
pub(super) struct Over {
    pub(super) id: RunningId,
    pub(super) answer: Answering,
    pub(super) reason: Reason,
    pub(super) cost: Duration,
}

impl Running {
    /// A worker has begun a task.
    pub(super) fn begin(&mut self, id: RunningId, cancellation: Cancellation, answer: Answering) {
        let stand = Stand::Worked { woken: false };
        let (answer, cost) = (Some(answer), Duration::ZERO);
        self.tasks.insert(id, Begun { cancellation, answer, told: None, cost, stand });
    }

    /// The task's worker lets go of it, because it waits for something. The task is over if it was
    /// told in the meantime that its answer is not wanted.
    pub(super) fn rest(&mut self, id: RunningId, cost: Duration) -> Rested {
        let Some(task) = self.tasks.get_mut(&id) else { return Rested::Over(None) };
        let woken = task.stand == Stand::Worked { woken: true };
        task.cost = cost;
        task.stand = Stand::Waiting;
        self.resting += 1;
        let answer = task.take_answer();
        let over = task.answer.is_none();
        if woken || over {
            self.make_ready(id);
        }
        if over { Rested::Over(answer) } else { Rested::Waits }
    }

    /// The answer to a task that was told to stop, and why; also while a worker runs it. `None` if
    /// it has been answered.
    pub(super) fn take_answer(&mut self, id: RunningId) -> Option<(Answering, Reason)> {
        self.tasks.get_mut(&id)?.take_answer()
    }

    /// What the task waited for has come; `true` if a worker should look.
    pub(super) fn wake(&mut self, id: RunningId) -> bool {
        let Some(task) = self.tasks.get_mut(&id) else { return false };
        match task.stand {
            Stand::Worked { .. } => task.stand = Stand::Worked { woken: true },
            Stand::Waiting => {
                self.make_ready(id);
                return true;
            }
            Stand::Ready => {}
        }
        false
    }

    /// The next task to go on with.
    pub(super) fn next_ready(&mut self) -> Option<Ready> {
        let id = self.ready.pop_front()?;
        self.ready.give_back();
        let task = self.tasks.get_mut(&id)?;
        task.stand = Stand::Worked { woken: false };
        self.resting -= 1;
        Some(Ready { id, over: task.answer.is_none() })
    }

    /// Nobody waits for the task any more. Where no worker is at it, it is over at once.
    pub(super) fn tell(&mut self, id: RunningId, reason: Reason) -> Option<Told> {
        let task = self.tasks.get_mut(&id)?;
        task.told.get_or_insert(reason);
        let cancellation = task.cancellation.clone();
        let over = if task.rests() { task.over(id) } else { None };
        if over.is_some() && task.stand == Stand::Waiting {
            self.make_ready(id);
        }
        Some(Told { cancellation, over })
    }

    /// The task is done; `true` if it is to be answered.
    pub(super) fn finish(&mut self, id: RunningId) -> bool {
        let Some(task) = self.tasks.remove(&id) else { return false };
        self.tasks.give_back();
        // Its worker ended without taking it up again.
        if task.rests() {
            self.resting -= 1;
            self.ready.retain(|ready| *ready != id);
        }
        task.answer.is_some()
    }

    /// All that are not answered, to be answered without their having stopped.
    pub(super) fn give_up(&mut self) -> Vec<Answering> {
        self.tasks.values_mut().filter_map(|task| task.answer.take()).collect()
    }

    pub(super) fn ids(&self) -> Vec<RunningId> {
        self.tasks.keys().copied().collect()
    }

    /// How many are begun.
    pub(super) fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Whether there are any that no worker is at.
    pub(super) fn any_rests(&self) -> bool {
        self.resting > 0
    }

    fn make_ready(&mut self, id: RunningId) {
        if let Some(task) = self.tasks.get_mut(&id) {
            task.stand = Stand::Ready;
            self.ready.push_back(id);
        }
    }
}

impl Begun {
    fn rests(&self) -> bool {
        !matches!(self.stand, Stand::Worked { .. })
    }

    fn over(&mut self, id: RunningId) -> Option<Over> {
        let (answer, reason) = self.take_answer()?;
        Some(Over { id, answer, reason, cost: self.cost })
    }

    fn take_answer(&mut self) -> Option<(Answering, Reason)> {
        let reason = self.told?;
        Some((self.answer.take()?, reason))
    }
}
