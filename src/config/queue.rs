//! `[queue.NAME]`: a task queue and the workers that drain it.

use std::fmt;
use std::str::FromStr;

use http::HeaderName;
use schemars::JsonSchema;
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::text::{above_zero, any_number, text_types};
use crate::queue::{FairBy, OnDisconnect, Order};
use crate::setting::{Size, Spanned, Time, schema};

/// The most workers of one queue.
const WORKERS_MAX: usize = 256;

/// The most waiting tasks for each worker.
const WAITING_MAX: usize = 1024;

/// The highest niceness of a thread.
const NICE_MAX: u8 = 19;

/// How often a task may be begun at most.
const ATTEMPTS_MAX: u32 = 100;

/// The most headers that tasks of one queue keep, besides `accept`.
const HEADERS_MAX: usize = 32;

/// A task queue and its workers.
///
/// ### Fairness
///
/// Workers' time is shared in two levels: first among addresses or claims, then among the connections
/// of each. So a hundred connections of one address together get no more time than one connection of
/// another address. An IPv6 address counts as its /64.
///
/// | `fair_by` | shares first among | one client, for `max_tasks.client` and `max_bytes.client` |
/// |---|---|---|
/// | `"address"` | addresses | a connection, because many people may share an address |
/// | `"ip"` | addresses | an address |
/// | `"claim:NAME"` | values of this claim of the token. A client without the claim counts by its address | all clients with the same value |
/// | `"connection"` | connections, in one level | a connection |
///
/// When the whole queue is full (`total`), tasks of the address or claim that has the most are
/// displaced, and among its connections those of the connection that has the most. A client without
/// an address (on a unix socket without a trusted proxy) counts by its connection.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QueueConfig {
    /// Consumer that does the tasks.
    #[schemars(extend("x-bound" = "not a socket consumer"))]
    pub consumer: Spanned<String>,
    /// Threads; 0 means one per core. `"none"`: this process only pushes tasks, and others do them, which
    /// run `waterway work`; with `[layer] backend = "redis"`.
    #[serde(default)]
    #[schemars(extend("default" = 0, "x-bound" = format!("at most {WORKERS_MAX}")))]
    pub workers: Workers,
    /// Tasks that may be begun for each worker, counted for all workers together. While a task waits
    /// for something, its worker takes the next one, and any worker continues it; with 1, a waiting
    /// task holds its worker.
    #[serde(default = "waiting", deserialize_with = "waiting_at_most")]
    #[schemars(range(min = 1, max = WAITING_MAX))]
    pub waiting: usize,
    /// How far the workers' threads yield to the sockets, as in `nice(1)`; with 0 they yield only
    /// between tasks and between the stages of a task. Linux only: elsewhere the log says that it
    /// could not be set.
    #[serde(default, deserialize_with = "nice_at_most")]
    #[schemars(
        range(min = 0, max = NICE_MAX),
        extend("x-default" = "`19`; `0` if a program or a webhook does the tasks")
    )]
    pub nice: Option<u8>,
    /// Order of one client's tasks.
    #[serde(default)]
    pub order: Order,
    /// Who shares the workers' CPU time: `"address"`, `"ip"`, `"claim:NAME"`, `"connection"`; see
    /// [Fairness](#fairness).
    #[serde(default)]
    pub fair_by: FairBy,
    /// Tasks of one client, and of all clients, that may be queued.
    #[serde(default, deserialize_with = "bounds")]
    #[schemars(extend("x-bound" = "`client` at most `total`"))]
    pub max_tasks: TaskBounds,
    /// Bytes of messages that may be queued.
    #[serde(default, deserialize_with = "bounds")]
    #[schemars(extend("x-bound" = "`client` at most `total`"))]
    pub max_bytes: ByteBounds,
    /// Time from a task's arrival to its answer; after that it is answered `expired`.
    #[serde(default = "deadline", deserialize_with = "above_zero")]
    #[schemars(transform = schema::above_zero)]
    pub deadline: Time,
    /// How often a task is begun. If each time its worker has ended without an answer, the task is
    /// answered `failed` and becomes a dead letter. Only for a queue in Redis: a queue in memory ends
    /// with its workers.
    #[serde(default = "attempts", deserialize_with = "attempts_at_most")]
    #[schemars(range(min = 1, max = ATTEMPTS_MAX))]
    pub attempts: u32,
    /// Bounds of the dead letters that the server keeps, so that `waterway queues` can show them and
    /// put them back into the queue: their number (0 keeps none), their bytes, and the time that each
    /// is kept. The oldest is forgotten first. Only for a queue in Redis.
    #[serde(default)]
    pub dead_letters: DeadLetterBounds,
    /// What happens to a client's tasks when it leaves.
    #[serde(default)]
    pub on_disconnect: OnDisconnect,
    /// Headers of the handshake or request that tasks keep for the queue's consumer, in addition to
    /// `accept`.
    #[serde(default, deserialize_with = "headers")]
    #[schemars(
        with = "Vec<Header>",
        length(max = HEADERS_MAX),
        transform = schema::any_number,
        extend("default" = [], "x-bound" = format!("at most {HEADERS_MAX}; none that may hold a token"))
    )]
    pub headers: Vec<HeaderName>,
}

impl QueueConfig {
    /// How far its workers yield. `hand_over`: a program or a webhook does the tasks, so the workers
    /// have little to do, and the sockets need not be protected from them.
    pub(crate) fn niceness(&self, hand_over: bool) -> u8 {
        self.nice.unwrap_or(if hand_over { 0 } else { NICE_MAX })
    }
}

/// How many tasks may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TaskBounds {
    /// For one client.
    #[serde(deserialize_with = "above_zero")]
    #[schemars(transform = schema::above_zero)]
    pub client: usize,
    /// For all clients together.
    #[serde(deserialize_with = "above_zero")]
    #[schemars(transform = schema::above_zero)]
    pub total: usize,
}

/// How many bytes of messages may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ByteBounds {
    /// For one client.
    #[serde(deserialize_with = "above_zero")]
    #[schemars(transform = schema::above_zero)]
    pub client: Size,
    /// For all clients together.
    #[serde(deserialize_with = "above_zero")]
    #[schemars(transform = schema::above_zero)]
    pub total: Size,
}

/// How many dead letters are kept, and how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DeadLetterBounds {
    /// Dead letters; 0 keeps none.
    pub tasks: usize,
    /// Bytes of all dead letters together.
    pub bytes: Size,
    /// Time for which each is kept.
    #[serde(deserialize_with = "above_zero")]
    #[schemars(transform = schema::above_zero)]
    pub keep: Time,
}

impl Default for DeadLetterBounds {
    fn default() -> Self {
        let keep = Time::from_secs(7 * 24 * 60 * 60);
        Self { tasks: 100, bytes: Size::new(256 << 20), keep }
    }
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

fn attempts() -> u32 {
    3
}

fn attempts_at_most<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let attempts = u64::deserialize(deserializer)?;
    let allowed = u32::try_from(attempts).ok().filter(|n| (1..=ATTEMPTS_MAX).contains(n));
    allowed.ok_or_else(|| {
        D::Error::custom(format!(
            "a task cannot be begun {attempts} times\nwrite 1 to {ATTEMPTS_MAX}"
        ))
    })
}

fn waiting() -> usize {
    8
}

fn waiting_at_most<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    let waiting = usize::deserialize(deserializer)?;
    if !(1..=WAITING_MAX).contains(&waiting) {
        return Err(D::Error::custom(format!(
            "a worker cannot have begun {waiting} tasks\n\
             write 1 to {WAITING_MAX}; with 1, a waiting task keeps its worker"
        )));
    }
    Ok(waiting)
}

fn nice_at_most<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u8>, D::Error> {
    let nice = u64::deserialize(deserializer)?;
    u8::try_from(nice).ok().filter(|nice| *nice <= NICE_MAX).map(Some).ok_or_else(|| {
        D::Error::custom(format!(
            "a niceness of {nice} is too high\n\
             0 is the normal priority, {NICE_MAX} the lowest"
        ))
    })
}

/// The name of a header.
struct Header(HeaderName);

impl FromStr for Header {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let name = text.parse().map_err(|_| format!("{text:?} is not the name of a header"))?;
        Ok(Self(name))
    }
}

text_types! {
    Header: "the name of a header such as \"accept-language\"", "^[!#-'*+.^_`|~0-9A-Za-z-]+$";
}

fn headers<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<HeaderName>, D::Error> {
    let headers: Vec<Header> = any_number(deserializer)?;
    if headers.len() > HEADERS_MAX {
        let message = format!("{} headers are too many\nat most {HEADERS_MAX}", headers.len());
        return Err(D::Error::custom(message));
    }
    Ok(headers.into_iter().map(|header| header.0).collect())
}

/// The workers of a queue in this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workers {
    /// This number of threads; 0 means one per core.
    Threads(usize),
    /// None: other processes do the tasks.
    None,
}

impl Default for Workers {
    fn default() -> Self {
        Self::Threads(0)
    }
}

schema::text_schemas! {
    Workers: { "anyOf": [
        { "type": "integer", "minimum": 0, "maximum": WORKERS_MAX },
        { "const": "none" }
    ] };
}

impl<'de> Deserialize<'de> for Workers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WorkersVisitor)
    }
}

struct WorkersVisitor;

impl Visitor<'_> for WorkersVisitor {
    type Value = Workers;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number or \"none\"")
    }

    fn visit_u64<E: Error>(self, workers: u64) -> Result<Workers, E> {
        let threads = usize::try_from(workers).ok().filter(|threads| *threads <= WORKERS_MAX);
        threads.map(Workers::Threads).ok_or_else(|| {
            E::custom(format!(
                "{workers} workers are too many\nat most {WORKERS_MAX}; 0 is one per core"
            ))
        })
    }

    fn visit_i64<E: Error>(self, workers: i64) -> Result<Workers, E> {
        match u64::try_from(workers) {
            Ok(workers) => self.visit_u64(workers),
            Err(_) => Err(E::invalid_value(serde::de::Unexpected::Signed(workers), &self)),
        }
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Workers, E> {
        match text {
            "none" => Ok(Workers::None),
            // A reference to the environment is a text.
            _ => match text.parse() {
                Ok(workers) => self.visit_u64(workers),
                Err(_) => Err(E::invalid_value(serde::de::Unexpected::Str(text), &self)),
            },
        }
    }
}

/// The bound for one client, and the one for all together.
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
            "one client may have {client}, but all clients together only {total}\n\
             raise total, or lower client"
        )));
    }
    Ok(bounds)
}
