//! The order of turns: start-time fair queueing between the members of one level, by the CPU time
//! that they actually took.
//!
//! A member's account records how much it was served, in nanoseconds of virtual time. The member
//! that was served least is next. The cost of a running task is not known yet, so until it is
//! finished, its member is charged the average cost of its tasks, and then the actual cost.
//! Estimates affect only the order of turns: they do not enter `served`, and so not the virtual
//! time at which newcomers start.

use std::time::Duration;

use super::heap::{Handle, Heap};

/// The assumed cost of a task before the first one has finished.
pub(super) const INITIAL_COST: Duration = Duration::from_millis(10);
/// The least that a task is charged. With zero, its member would be the least served one forever.
const MIN_CHARGE: Duration = Duration::from_micros(1);
/// The most that a task is charged, so that a wrong clock cannot keep a member waiting forever.
const MAX_CHARGE: Duration = Duration::from_secs(3600);
/// The most that a finished task advances the virtual time; see [`Turns::finish`].
const MAX_DRIFT: Duration = Duration::from_millis(10);
/// The most members without tasks that are remembered because they were served beyond the virtual
/// time. Above that, those nearest to the virtual time are forgotten.
pub(super) const MAX_RESTING: usize = 1024;

/// A member's slot, which is reused for another member after this one is forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct MemberKey(pub(super) usize);

/// Members in the order of their turns, and the virtual time.
#[derive(Debug)]
pub(super) struct Turns {
    /// The virtual time: where the most recent turn started, in the same unit as `Account::served`.
    /// It never decreases.
    now: u64,
    /// Members with queued tasks.
    waiting: Heap<Turn, MemberKey>,
    /// Members without tasks, by how much they were served. They are kept only until the virtual
    /// time reaches that, because a newcomer would then start at the same point.
    resting: Heap<u64, MemberKey>,
    average: Average,
    activations: u64,
}

/// Of equal turns, the member that has waited longer is first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Turn {
    start: u64,
    activation: u64,
}

/// How much one member was served, and its place in the order of turns.
#[derive(Debug)]
pub(super) struct Account {
    served: u64,
    /// The charge for its running tasks until they are finished.
    pending: u64,
    average: Average,
    /// The number of its last change to waiting, over all members.
    activation: u64,
    standing: Standing,
}

#[derive(Debug)]
enum Standing {
    /// It has queued tasks, and maybe running ones.
    Waiting(Handle),
    /// It has only running tasks, or is being moved.
    Running,
    /// It does not have tasks.
    Resting(Handle),
}

impl Turns {
    /// Turns without members. `average` is the assumed cost of a task until the first one is
    /// finished.
    pub(super) fn new(average: Duration) -> Self {
        Self {
            now: 0,
            waiting: Heap::default(),
            resting: Heap::default(),
            average: Average(nanos(average)),
            activations: 0,
        }
    }

    /// The account of a new member.
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

    /// Marks a member with queued tasks. If it had none before, it starts at the current virtual
    /// time, or at what it was served if that is later: being away gains no advantage. Returns
    /// `false` if it was already waiting.
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

    /// Marks a member with running tasks but without queued ones.
    pub(super) fn step_aside(&mut self, account: &mut Account) {
        match std::mem::replace(&mut account.standing, Standing::Running) {
            Standing::Waiting(handle) => drop(self.waiting.remove(handle)),
            Standing::Resting(handle) => drop(self.resting.remove(handle)),
            Standing::Running => {}
        }
    }

    /// Marks a member without tasks.
    pub(super) fn rest(&mut self, member: MemberKey, account: &mut Account) {
        if !matches!(account.standing, Standing::Resting(_)) {
            self.step_aside(account);
            account.standing = Standing::Resting(self.resting.push(account.served, member));
        }
    }

    /// Removes and returns a resting member that need not be remembered. If no member has tasks
    /// (`idle`), this is true of each, because no other member waited while it was served.
    pub(super) fn forget(&mut self, idle: bool) -> Option<MemberKey> {
        let (served, _) = self.resting.peek()?;
        let forgotten = idle || served <= self.now || self.resting.len() > MAX_RESTING;
        forgotten.then(|| self.resting.pop()).flatten().map(|(_, member)| member)
    }

    /// Starts a task of the member; returns what the member is charged until the task is finished.
    pub(super) fn dispatch(&mut self, account: &mut Account) -> u64 {
        self.now = self.now.max(account.served);
        let charge = account.average.0;
        account.pending += charge;
        self.requeue(account);
        charge
    }

    /// Ends a task that was charged `charge` and took `cost`; `busy` is the number of members with
    /// tasks, including this one.
    ///
    /// It also advances the virtual time a little. Every newcomer starts at the current virtual
    /// time. If only dispatches advanced it, an endless stream of newcomers would all start at the
    /// same time, and a member that was served once would wait forever. It advances by less than
    /// one member's share of the cost, so never past a member that is alone.
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

/// The average cost of tasks in nanoseconds, in which recent tasks weigh more.
#[derive(Clone, Copy, Debug)]
struct Average(u64);

impl Average {
    /// The latest task weighs one eighth, the one before it seven eighths of that, and so on.
    const WEIGHT: u64 = 8;

    fn add(&mut self, cost: Duration) {
        self.0 = self.0 - self.0 / Self::WEIGHT + nanos(cost) / Self::WEIGHT;
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
