//! Whose turn it is: start-time fair queueing between the members of one level, by the CPU time
//! that they really took.
//!
//! A member's account says how much it was served, in nanoseconds of virtual time. The least served
//! member is next. What its running tasks will cost is not known yet, so while they run they count
//! with what the member's tasks cost on average, and with the truth afterwards. Estimates decide the
//! order of turns only: they never enter `served`, and so never enter the virtual time by which
//! newcomers are placed.

use std::time::Duration;

use super::heap::{Handle, Heap};

/// What a task is taken to cost before any was finished: a picture of 0.3 megapixels takes 5–6 ms.
pub(super) const INITIAL_COST: Duration = Duration::from_millis(10);
/// The least that a task is charged with. If it were zero, its member would be the least served
/// forever.
const MIN_CHARGE: Duration = Duration::from_micros(1);
/// The most that a task is charged with, so that a wrong clock cannot shut a member out forever.
const MAX_CHARGE: Duration = Duration::from_secs(3600);
/// How far a finished task moves the virtual time at most; see [`Turns::finish`].
const MAX_DRIFT: Duration = Duration::from_millis(10);
/// How many members are remembered at most that have nothing to do but were served beyond the
/// virtual time. Past it, those that owe least are let off.
pub(super) const MAX_RESTING: usize = 1024;

/// A member's slot; used again for another member when it is forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct MemberKey(pub(super) usize);

/// Members in the order of their turns, and the virtual time.
#[derive(Debug)]
pub(super) struct Turns {
    /// Where the most recently dispatched turn started, in the currency of `Account::served`.
    /// Never goes back.
    now: u64,
    /// Members with queued tasks.
    waiting: Heap<Turn, MemberKey>,
    /// Members with no task at all, by what they were served. Kept only until the virtual time has
    /// caught up with them: from then on a newcomer is the same.
    resting: Heap<u64, MemberKey>,
    average: Average,
    activations: u64,
}

/// Equal turns go to the member that has been waiting for longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Turn {
    start: u64,
    activation: u64,
}

/// How much one member was served, and its place in the order of turns.
#[derive(Debug)]
pub(super) struct Account {
    served: u64,
    /// What its running tasks are charged with for the time being.
    pending: u64,
    average: Average,
    /// When it last began to wait, counted in such events.
    activation: u64,
    standing: Standing,
}

#[derive(Debug)]
enum Standing {
    /// Has queued tasks, and maybe running ones.
    Waiting(Handle),
    /// Has running tasks only, or is being moved.
    Running,
    /// Has none.
    Resting(Handle),
}

impl Turns {
    /// Without members. `average` is the assumed cost of a task before the first one is finished
    /// here.
    pub(super) fn new(average: Duration) -> Self {
        Self {
            now: 0,
            waiting: Heap::default(),
            resting: Heap::default(),
            average: Average(nanos(average)),
            activations: 0,
        }
    }

    /// The account of an unknown member.
    pub(super) fn open(&self) -> Account {
        Account {
            served: self.now,
            pending: 0,
            average: self.average,
            activation: 0,
            standing: Standing::Running,
        }
    }

    pub(super) fn next(&self) -> Option<MemberKey> {
        self.waiting.peek().map(|(_, member)| member)
    }

    pub(super) fn average(&self) -> Duration {
        Duration::from_nanos(self.average.0)
    }

    pub(super) fn resting(&self) -> usize {
        self.resting.len()
    }

    /// The member has queued tasks. One that had none begins at the present virtual time or, if it
    /// was served beyond that, where it stood: being away earns nothing. `false` if it had some.
    pub(super) fn wait(&mut self, member: MemberKey, account: &mut Account) -> bool {
        if matches!(account.standing, Standing::Waiting(_)) {
            return false;
        }
        self.step_aside(account);
        account.served = account.served.max(self.now);
        account.activation = self.activations;
        self.activations += 1;
        account.standing = Standing::Waiting(self.waiting.push(account.turn(), member));
        true
    }

    /// The member has running tasks, but none queued.
    pub(super) fn step_aside(&mut self, account: &mut Account) {
        match std::mem::replace(&mut account.standing, Standing::Running) {
            Standing::Waiting(handle) => drop(self.waiting.remove(handle)),
            Standing::Resting(handle) => drop(self.resting.remove(handle)),
            Standing::Running => {}
        }
    }

    /// The member has no tasks.
    pub(super) fn rest(&mut self, member: MemberKey, account: &mut Account) {
        if !matches!(account.standing, Standing::Resting(_)) {
            self.step_aside(account);
            account.standing = Standing::Resting(self.resting.push(account.served, member));
        }
    }

    /// A resting member that need not be remembered, taken from here. When nobody has anything to do
    /// (`idle`) that is every one: nobody was kept waiting by what it took.
    pub(super) fn forget(&mut self, idle: bool) -> Option<MemberKey> {
        let (served, _) = self.resting.peek()?;
        let forgotten = idle || served <= self.now || self.resting.len() > MAX_RESTING;
        forgotten.then(|| self.resting.pop()).flatten().map(|(_, member)| member)
    }

    /// A task of the member starts to run; returns what it is charged with until it is finished.
    pub(super) fn dispatch(&mut self, account: &mut Account) -> u64 {
        self.now = self.now.max(account.served);
        let charge = account.average.0;
        account.pending += charge;
        self.requeue(account);
        charge
    }

    /// A task that was charged with `charge` took `cost`; `busy` members have tasks, this one
    /// included.
    ///
    /// Virtual time moves on here too, if little: every newcomer starts at the present, and if
    /// dispatching them were all that moved it, an endless stream of them would all start at the
    /// same instant and keep everyone waiting who was served once. It moves by less than one member's
    /// share of the cost, so never past a member that is alone.
    pub(super) fn finish(
        &mut self,
        account: &mut Account,
        charge: u64,
        cost: Duration,
        busy: usize,
    ) {
        let cost = cost.clamp(MIN_CHARGE, MAX_CHARGE);
        let shares = u64::try_from(busy).unwrap_or(u64::MAX).saturating_add(1);
        self.now = self.now.saturating_add(nanos(cost.min(MAX_DRIFT)) / shares);
        account.served = account.served.saturating_add(nanos(cost));
        account.pending = account.pending.saturating_sub(charge);
        account.average.add(cost);
        self.average.add(cost);
        self.requeue(account);
    }

    fn requeue(&mut self, account: &Account) {
        if let Standing::Waiting(handle) = account.standing {
            self.waiting.rekey(handle, account.turn());
        }
    }

    #[cfg(test)]
    pub(super) fn check_invariants(&self) {
        self.waiting.check_invariants();
        self.resting.check_invariants();
        assert!(self.resting.len() <= MAX_RESTING);
        assert!(self.resting.iter().all(|(served, _)| served > self.now));
    }

    #[cfg(test)]
    pub(super) fn check_account(
        &self,
        member: MemberKey,
        account: &Account,
        (queued, running): (usize, usize),
    ) {
        match account.standing {
            Standing::Waiting(handle) => {
                assert!(queued > 0);
                assert_eq!(self.waiting.key(handle), Some(account.turn()));
                assert!(self.waiting.iter().any(|(_, waiting)| waiting == member));
            }
            Standing::Running => assert!(queued == 0 && running > 0),
            Standing::Resting(handle) => {
                assert!(queued == 0 && running == 0);
                assert_eq!(self.resting.key(handle), Some(account.served));
                assert!(self.resting.iter().any(|(_, resting)| resting == member));
            }
        }
        assert!(running > 0 || account.pending == 0);
    }
}

impl Account {
    pub(super) fn activation(&self) -> u64 {
        self.activation
    }

    fn turn(&self) -> Turn {
        Turn { start: self.served.saturating_add(self.pending), activation: self.activation }
    }
}

/// What tasks cost, the latest ones weighing most, in nanoseconds.
#[derive(Clone, Copy, Debug)]
struct Average(u64);

impl Average {
    /// A task weighs one eighth, the one before it seven eighths of that, and so on.
    const WEIGHT: u64 = 8;

    fn add(&mut self, cost: Duration) {
        self.0 = self.0 - self.0 / Self::WEIGHT + nanos(cost) / Self::WEIGHT;
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
