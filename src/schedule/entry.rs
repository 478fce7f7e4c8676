//! What goes into the schedule, what comes out of it, and why.

use std::{net::IpAddr, sync::Arc, time::Instant};

/// A task as it is pushed, and as it leaves again. `P` is the task itself, which the schedule never looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry<P> {
    /// The group. The workers' time is shared among groups first.
    pub(crate) group: Group,
    /// The flow, which is a connection. A group's part of the time is shared among its flows.
    pub(crate) flow: Arc<str>,
    /// The reply channel. One flow may have several, each with a viewport of its own; all tasks of
    /// one are of the same flow.
    pub(crate) client: Arc<str>,
    /// Names the task among its client's.
    pub(crate) uuid: Arc<str>,
    /// Where on the page its picture stands, px.
    pub(crate) offset_top: i64,
    /// How high it is there, px: a picture that reaches into the viewport is seen.
    pub(crate) height: i64,
    /// What it keeps in memory until it is finished.
    pub(crate) bytes: usize,
    pub(crate) payload: P,
}

/// A group of flows that share like one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Group {
    pub(crate) owner: Owner,
    /// Whether the bounds for one client count all of the group together, and not each flow.
    pub(crate) is_one_client: bool,
}

/// Whose flows a group has.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Owner {
    /// Everybody's: then there is one group, and one level.
    Everybody,
    /// Those of an address or a network.
    Address(IpAddr),
    /// Those of the clients whose token has this claim.
    Claim(Arc<str>),
    /// That of a connection alone.
    Connection(Arc<str>),
}

/// Names a task that runs, or whose turn it is. Never used twice, so a stale one names nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct RunningId {
    pub(super) key: TaskKey,
    pub(super) arrival: u64,
}

/// A task's slot in the schedule; used again for another task when it is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct TaskKey(pub(super) usize);

/// What became of a push. Whatever is not accepted comes back whole.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Push<P> {
    /// Queued. These tasks were displaced for it, worst first; the caller answers them `displaced`.
    Accepted { displaced: Vec<Entry<P>> },
    /// The client has a task of this uuid queued or running, and has not cancelled it; nothing has
    /// changed.
    Duplicate(Entry<P>),
    /// There is no room that it may take; nothing has changed. It may fit later.
    Refused(Entry<P>),
    /// It has more bytes than its share or the queue may ever hold; nothing has changed.
    TooLarge(Entry<P>),
}

/// What a cancel found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Cancelled<P> {
    /// It was queued and is out.
    Queued(Entry<P>),
    /// A worker has it. It takes up its bytes until that worker finishes it; its uuid is free.
    Running(RunningId),
    /// Neither queued nor running.
    Unknown,
}

/// What a client's leaving ends, each list in order of arrival.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct CancelledClient<P> {
    /// These were queued and are out.
    pub(crate) queued: Vec<Entry<P>>,
    /// Workers have these.
    pub(crate) running: Vec<RunningId>,
}

/// What has passed its deadline, each list earliest first.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Expired<P> {
    /// These were queued and are out.
    pub(crate) queued: Vec<Entry<P>>,
    /// Workers have these. Each is named once.
    pub(crate) running: Vec<RunningId>,
}

impl<P> Expired<P> {
    /// Whether nothing has passed its deadline.
    pub(crate) fn is_empty(&self) -> bool {
        self.queued.is_empty() && self.running.is_empty()
    }
}

/// A deadline, and which push it belongs to: equal deadlines are in order of arrival.
pub(super) type Deadline = (Instant, u64);
