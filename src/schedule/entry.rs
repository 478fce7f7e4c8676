//! The types that the schedule takes and returns.

use std::{net::IpAddr, sync::Arc, time::Instant};

/// A task as it enters and leaves the schedule. `P` is the task itself, which the schedule does not
/// look into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry<P> {
    /// The group. The workers' time is first shared among groups.
    pub(crate) group: Group,
    /// The flow, which is a connection. A group's time is shared among its flows.
    pub(crate) flow: Arc<str>,
    /// The reply channel. One flow may have several, each with a viewport of its own; all tasks of
    /// one reply channel are in the same flow.
    pub(crate) client: Arc<str>,
    /// Identifies the task among those of its client.
    pub(crate) uuid: Arc<str>,
    /// Its distance from the top of the page, px.
    pub(crate) offset_top: i64,
    /// Its height on the page, px: a task that reaches into the viewport is visible.
    pub(crate) height: i64,
    /// The memory that it takes until it is finished, in bytes.
    pub(crate) bytes: usize,
    pub(crate) payload: P,
}

/// A group of flows, which together get one share of the time.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Group {
    pub(crate) owner: Owner,
    /// Whether the bounds for one client apply to the whole group instead of each flow.
    pub(crate) is_one_client: bool,
}

/// The owner of a group's flows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Owner {
    /// All flows belong to one group, so there is only one level.
    Everybody,
    /// The flows of one address or network.
    Address(IpAddr),
    /// The flows of clients whose tokens have this value of the claim.
    Claim(Arc<str>),
    /// One connection.
    Connection(Arc<str>),
}

/// Identifies a running task, or the task whose turn it is. An id is never used twice, so a stale
/// id matches no task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct RunningId {
    pub(super) key: TaskKey,
    pub(super) arrival: u64,
}

#[cfg(feature = "redis")]
impl RunningId {
    /// The id of a running task that is in no schedule, by its number.
    pub(crate) fn numbered(number: u64) -> Self {
        Self { key: TaskKey(usize::MAX), arrival: number }
    }
}

/// A task's slot in the schedule, which is reused for another task after this one is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct TaskKey(pub(super) usize);

/// The result of a push. A task that is not accepted is returned unchanged.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Push<P> {
    /// The task is queued. These tasks were displaced for it, worst first; the caller answers them
    /// `displaced`.
    Accepted { displaced: Vec<Entry<P>> },
    /// The client already has a task with this uuid queued or running, and has not cancelled it;
    /// the schedule is unchanged.
    Duplicate(Entry<P>),
    /// The task may not displace enough others; the schedule is unchanged. It may fit later.
    Refused(Entry<P>),
    /// The task is larger than its client's share or the queue can ever hold; the schedule is
    /// unchanged.
    TooLarge(Entry<P>),
}

/// The result of a cancel.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Cancelled<P> {
    /// The task was queued, and has been removed.
    Queued(Entry<P>),
    /// The task is running. Its bytes count until its worker finishes it; its uuid is free.
    Running(RunningId),
    /// No such task is queued or running.
    Unknown,
}

/// The tasks of a client that has left, each list in order of arrival.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct CancelledClient<P> {
    /// These were queued, and have been removed.
    pub(crate) queued: Vec<Entry<P>>,
    /// These are running.
    pub(crate) running: Vec<RunningId>,
}

/// The tasks that have passed their deadline, each list earliest first.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Expired<P> {
    /// These were queued, and have been removed.
    pub(crate) queued: Vec<Entry<P>>,
    /// These are running. Each is reported once.
    pub(crate) running: Vec<RunningId>,
}

impl<P> Expired<P> {
    /// Whether no task has passed its deadline.
    pub(crate) fn is_empty(&self) -> bool {
        self.queued.is_empty() && self.running.is_empty()
    }
}

/// A deadline and the number of its push, so that equal deadlines are in order of arrival.
pub(super) type Deadline = (Instant, u64);
