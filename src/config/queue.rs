//! `[queue.NAME]`: a task queue and the workers that drain it.

use std::fmt;

use serde::de::Error;
use serde::{Deserialize, Deserializer};

use super::text::above_zero;
use crate::queue::{FairBy, OnDisconnect, Order};
use crate::setting::{At, Size, Time};

/// How many workers one queue may have.
const WORKERS_MAX: usize = 256;

/// How many tasks that wait one worker may have.
const WAITING_MAX: usize = 1024;

/// As nice as a thread can be.
const NICE_MAX: u8 = 19;

/// `[queue.NAME]`: tasks that consumers put aside by `queue = "NAME"`, and who does them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueueConfig {
    /// The consumer that does the tasks. Required.
    pub consumer: At<String>,
    /// How many threads do them; 0 is one per core, 256 the most. Default 0.
    #[serde(default, deserialize_with = "workers")]
    pub workers: usize,
    /// How many tasks each worker may have begun, counted for all workers together. One that waits
    /// for something, such as another task's result, lets its worker take the next; with 1 it
    /// holds its worker. 1024 the most. Default 8.
    #[serde(default = "waiting", deserialize_with = "waiting_at_most")]
    pub waiting: usize,
    /// How nice the workers' threads are to the rest of the service, as in nice(1): 0 not at all,
    /// 19 the most. Linux alone has it. Default 19.
    #[serde(default = "nice", deserialize_with = "nice_at_most")]
    pub nice: u8,
    /// What comes first within a client: `"viewport"`, what its reader sees; or `"offset"`, what
    /// stands topmost. Default `"viewport"`.
    #[serde(default)]
    pub order: Order,
    /// Among whom the workers' time is shared equally, and what counts as one client: `"address"`,
    /// `"ip"`, `"claim:NAME"` of the token, or `"connection"`. See [`FairBy`]. Default `"address"`.
    #[serde(default)]
    pub fair_by: FairBy,
    /// How many tasks may wait, of one client and of all.
    /// Default `{ client = 512, total = 8192 }`.
    #[serde(default, deserialize_with = "bounds")]
    pub max_tasks: TaskBounds,
    /// How many bytes of messages may wait, of one client and of all.
    /// Default `{ client = "256MiB", total = "1GiB" }`.
    #[serde(default, deserialize_with = "bounds")]
    pub max_bytes: ByteBounds,
    /// How long a task may take from its coming, queued and running; then it is answered
    /// `expired`. Default `"60s"`.
    #[serde(default = "deadline", deserialize_with = "above_zero")]
    pub deadline: Time,
    /// What becomes of a client's tasks when it leaves: `"cancel"` or `"finish"`.
    /// Default `"cancel"`.
    #[serde(default)]
    pub on_disconnect: OnDisconnect,
}

/// How many tasks may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TaskBounds {
    /// Of one client.
    #[serde(deserialize_with = "above_zero")]
    pub client: usize,
    /// Of all clients.
    #[serde(deserialize_with = "above_zero")]
    pub total: usize,
}

/// How many bytes of messages may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ByteBounds {
    /// Of one client.
    #[serde(deserialize_with = "above_zero")]
    pub client: Size,
    /// Of all clients.
    #[serde(deserialize_with = "above_zero")]
    pub total: Size,
}

impl Default for TaskBounds {
    fn default() -> Self {
        Self { client: 512, total: 8192 }
    }
}

impl Default for ByteBounds {
    fn default() -> Self {
        Self { client: Size::new(256 << 20), total: Size::new(1 << 30) }
    }
}

fn deadline() -> Time {
    Time::from_secs(60)
}

fn waiting() -> usize {
    8
}

fn waiting_at_most<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    let waiting = usize::deserialize(deserializer)?;
    if !(1..=WAITING_MAX).contains(&waiting) {
        return Err(D::Error::custom(format!(
            "{waiting} tasks begun by each worker\n1 to {WAITING_MAX}; with 1 a task that waits holds its worker"
        )));
    }
    Ok(waiting)
}

fn nice() -> u8 {
    NICE_MAX
}

fn nice_at_most<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u8, D::Error> {
    let nice = u64::deserialize(deserializer)?;
    u8::try_from(nice).ok().filter(|nice| *nice <= NICE_MAX).ok_or_else(|| {
        D::Error::custom(format!("a niceness of {nice}\n0 gives way to nobody, {NICE_MAX} to all"))
    })
}

fn workers<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    let workers = usize::deserialize(deserializer)?;
    if workers > WORKERS_MAX {
        return Err(D::Error::custom(format!(
            "{workers} workers are too many\nat most {WORKERS_MAX}; 0 is one per core"
        )));
    }
    Ok(workers)
}

/// A client's share and the whole.
trait Bounds {
    type Amount: PartialOrd + fmt::Display;
    fn parts(&self) -> (Self::Amount, Self::Amount);
}

impl Bounds for TaskBounds {
    type Amount = usize;

    fn parts(&self) -> (usize, usize) {
        (self.client, self.total)
    }
}

impl Bounds for ByteBounds {
    type Amount = Size;

    fn parts(&self) -> (Size, Size) {
        (self.client, self.total)
    }
}

fn bounds<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Bounds,
{
    let bounds = T::deserialize(deserializer)?;
    let (client, total) = bounds.parts();
    if client > total {
        return Err(D::Error::custom(format!(
            "one client may have {client}, but all together only {total}\n\
             raise total, or lower client"
        )));
    }
    Ok(bounds)
}
