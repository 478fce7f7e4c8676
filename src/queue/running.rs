//! The tasks that workers have begun: a worker polls them, or they wait, or they can go on.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use super::cost::Cost;
use super::task::Answering;
use crate::message::{Cancellation, Reason};
use crate::schedule::RunningId;
use crate::spare::GiveBack;

/// The state of each task that was begun. The workers keep the tasks themselves.
#[derive(Debug, Default)]
pub(super) struct Running {
    tasks: HashMap<RunningId, Begun>,
    /// Tasks that can continue, in the order in which they were woken.
    ready: VecDeque<RunningId>,
    /// How many tasks no worker polls: they wait or can continue.
    resting: usize,
}

#[derive(Debug)]
struct Begun {
    cancellation: Cancellation,
    /// `None` once it is answered; the caller that takes it out must answer.
    answer: Option<Answering>,
    /// Why it was cancelled. Set under the queue's lock, before the notice of cancellation is given.
    given_reason: Option<Reason>,
    /// Its cost when it was last parked.
    cost: Cost,
    stand: Stand,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stand {
    /// A worker polls it. A task that is woken meanwhile can go on as soon as it is parked.
    Worked {
        woken: bool,
    },
    Waiting,
    Ready,
}

/// A task that can go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ready {
    pub(super) id: RunningId,
    /// It has been answered, and the worker only drops it.
    pub(super) over: bool,
}

/// The effect of cancelling a task.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) cancellation: Cancellation,
    /// Set where no worker polls it: it is over, and the caller answers it.
    pub(super) over: Option<Over>,
}

/// The state of a task that its worker has parked.
#[derive(Debug)]
pub(super) enum Parked {
    /// It waits until it is woken.
    Waits,
    /// It was cancelled. This is the answer that ends it, unless it has been given.
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
        let (answer, cost) = (Some(answer), Cost::Cpu(Duration::ZERO));
        self.tasks.insert(id, Begun { cancellation, answer, given_reason: None, cost, stand });
    }

    /// The task waits for something. It is over if it was cancelled in the meantime.
    pub(super) fn park(&mut self, id: RunningId, cost: Cost) -> Parked {
        let Some(task) = self.tasks.get_mut(&id) else { return Parked::Over(None) };
        let woken = task.stand == Stand::Worked { woken: true };
        task.cost = cost;
        task.stand = Stand::Waiting;
        self.resting += 1;
        let answer = task.take_answer();
        let over = task.answer.is_none();
        if woken || over {
            self.make_ready(id);
        }
        if over { Parked::Over(answer) } else { Parked::Waits }
    }

    /// The answer to a cancelled task and the reason, even while a worker polls it. `None` if it has
    /// been answered.
    pub(super) fn take_answer(&mut self, id: RunningId) -> Option<(Answering, Reason)> {
        self.tasks.get_mut(&id)?.take_answer()
    }

    /// The task can go on; `true` if an idle worker should take it.
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

    /// Cancels the task. Where no worker polls it, it is over at once.
    pub(super) fn tell(&mut self, id: RunningId, reason: Reason) -> Option<Told> {
        let task = self.tasks.get_mut(&id)?;
        task.given_reason.get_or_insert(reason);
        let cancellation = task.cancellation.clone();
        let over = if task.rests() { task.over(id) } else { None };
        if over.is_some() && task.stand == Stand::Waiting {
            self.make_ready(id);
        }
        Some(Told { cancellation, over })
    }

    /// The task is done; `true` if the caller is to answer it.
    pub(super) fn finish(&mut self, id: RunningId) -> bool {
        let Some(task) = self.tasks.remove(&id) else { return false };
        self.tasks.give_back();
        // Its worker ended without resuming it.
        if task.rests() {
            self.resting -= 1;
            self.ready.retain(|ready| *ready != id);
        }
        task.answer.is_some()
    }

    /// The answers to all tasks that are still unanswered.
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

    /// Whether there is a task that no worker polls.
    pub(super) fn any_parked(&self) -> bool {
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
        Some(Over { id, answer, reason, cost: self.cost.charged() })
    }

    fn take_answer(&mut self) -> Option<(Answering, Reason)> {
        let reason = self.given_reason?;
        Some((self.answer.take()?, reason))
    }
}
