//! The scripts of a queue, and calls of them.

mod time;

use std::sync::LazyLock;
use std::time::Duration;

use redis::{FromRedisValue, Script, ScriptInvocation, Value, from_redis_value};

use super::clock::Clock;
use super::constants::with_numbers;
use crate::queue::rules::DeadLetterRules;
use crate::redis::{Failure, Server};
use crate::schedule::Order;

/// The keys of one queue in a server, and the scripts that work on them.
#[derive(Debug)]
pub(super) struct Store {
    pub(super) server: Server,
    /// The beginning of all keys.
    base: String,
    pub(super) clock: Clock,
}

/// What every script tells of the queue.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) queued: usize,
    pub(super) running: usize,
    /// The recent average CPU time of a task.
    pub(super) average: Duration,
    /// The number of the change that made it so.
    pub(super) change: u64,
}

/// A task as it is pushed.
pub(super) struct Pushed<'a> {
    pub(super) id: &'a str,
    pub(super) group: String,
    pub(super) is_one_client: bool,
    pub(super) flow: &'a str,
    pub(super) client: &'a str,
    pub(super) uuid: &'a str,
    pub(super) offset_top: i64,
    pub(super) height: i64,
    pub(super) bytes: usize,
    pub(super) bounds: crate::schedule::Bounds,
    /// How long its body is kept.
    pub(super) keeps: Duration,
    /// Whether its client is told its position.
    pub(super) announced: bool,
    pub(super) body: &'a [u8],
}

/// A task that a worker has claimed.
#[derive(Debug)]
pub(super) struct Claimed {
    pub(super) id: String,
    /// How often its lease was lost.
    pub(super) lost: u32,
    pub(super) offset_top: i64,
    pub(super) client: String,
    pub(super) body: Vec<u8>,
}

/// The result of one call of the upkeep.
#[derive(Debug)]
pub(super) struct Kept {
    /// How many tasks were given back to their places.
    pub(super) given_back: usize,
    /// How many were given up.
    pub(super) died: usize,
    /// Whether the server knows this node.
    pub(super) is_known: bool,
    /// The time until there may be more to do; `None` if nothing is known to end.
    pub(super) next: Option<Duration>,
}

/// What a script found of a task that is withdrawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Withdrawn {
    /// It was queued, and is removed.
    Queued,
    /// Its worker is told to stop.
    Running,
    Unknown,
}

macro_rules! scripts {
    ($($name:ident: $header:literal, $($file:literal)+;)*) => {$(
        pub(super) static $name: LazyLock<Script> = LazyLock::new(|| {
            Script::new(&with_numbers(concat!(
                $header,
                "\n",
                include_str!("scripts/library.lua"),
                $(include_str!(concat!("scripts/", $file, ".lua")),)+
            )))
        });
    )*};
}

// A script that frees memory, or takes little, also runs while none is free.
scripts! {
    PUSH: "#!lua", "dead" "push";
    CLAIM: "#!lua flags=allow-oom", "claim";
    ACK: "#!lua flags=allow-oom", "ack";
    RELEASE: "#!lua flags=allow-oom", "release";
    FRAME: "#!lua", "frame";
    BEAT: "#!lua flags=allow-oom", "beat";
    WITHDRAW: "#!lua flags=allow-oom", "withdraw";
    FIND: "#!lua flags=allow-oom", "find";
    TELL: "#!lua flags=allow-oom", "tell";
    MOVE: "#!lua flags=allow-oom", "move";
    VIEW: "#!lua", "view";
    HELLO: "#!lua flags=allow-oom", "hello";
    UPKEEP: "#!lua flags=allow-oom", "dead" "upkeep";
    KNOWN: "#!lua flags=allow-oom", "known";
    SUMMARY: "#!lua flags=no-writes", "summary";
    SURVEY: "#!lua flags=no-writes", "survey";
    LETTERS: "#!lua flags=no-writes", "letters";
    REQUEUE: "#!lua flags=allow-oom", "dead" "requeue";
    DROP: "#!lua flags=allow-oom", "dead" "drop";
}

impl Store {
    /// `prefix` is the table's first part of all keys. The version of the records is a part of the
    /// keys, so that processes of different versions do not read each other's records.
    pub(super) fn new(server: Server, prefix: &str, queue: &str, clock: Clock) -> Self {
        // A brace in the name would end the part by which a cluster distributes keys.
        let queue = queue.replace('}', "_");
        Self { server, base: format!("{prefix}:waterway:1:{{{queue}}}"), clock }
    }

    pub(super) fn server(&self) -> &Server {
        &self.server
    }

    #[cfg(test)]
    pub(super) fn base(&self) -> &str {
        &self.base
    }

    pub(super) fn inbox(&self, node: &str) -> String {
        format!("{}:inbox:{node}", self.base)
    }

    /// The key of what a worker needs of a dead letter.
    pub(super) fn letter(&self, id: &str) -> String {
        format!("{}:letter:{id}", self.base)
    }

    pub(super) fn view(&self, client: &str) -> String {
        format!("{}:view:{client}", self.base)
    }

    /// Queues a task: the script's word for what became of it.
    pub(super) async fn push(
        &self,
        node: &str,
        task: &Pushed<'_>,
    ) -> Result<(String, Counts), Failure> {
        let bounds = &task.bounds;
        let mut call = self.call(&PUSH);
        call.arg(self.clock.server_now()).arg(node).arg(task.id).arg(&task.group);
        call.arg(u8::from(task.is_one_client)).arg(task.flow).arg(task.client).arg(task.uuid);
        call.arg(task.offset_top).arg(task.height).arg(task.bytes);
        call.arg(bounds.client_tasks).arg(bounds.total_tasks);
        call.arg(bounds.client_bytes).arg(bounds.total_bytes);
        call.arg(bounds.order.name()).arg(millis(task.keeps));
        call.arg(if task.announced { "1" } else { "" }).arg(task.body);
        let values: Vec<Value> = self.server.run(&call).await?;
        Ok((read(&values, 0)?, counts(&values, 1)?))
    }

    /// Claims the task whose turn it is. With `waits`, the node is told when another is pushed.
    pub(super) async fn claim(
        &self,
        worker: &str,
        token: &str,
        lease: Duration,
        order: Order,
        waits: bool,
    ) -> Result<(Option<Claimed>, Counts), Failure> {
        let mut call = self.call(&CLAIM);
        call.arg(self.clock.server_now()).arg(worker).arg(token).arg(millis(lease));
        call.arg(order.name()).arg(u8::from(waits));
        let values: Vec<Value> = self.server.run(&call).await?;
        let claimed = match values.len() {
            0..=4 => None,
            _ => Some(Claimed {
                id: read(&values, 4)?,
                lost: read(&values, 5)?,
                offset_top: read(&values, 6)?,
                client: read(&values, 7)?,
                body: read(&values, 8)?,
            }),
        };
        Ok((claimed, counts(&values, 0)?))
    }

    /// Ends a task; `false` if its claim is no longer valid.
    pub(super) async fn ack(
        &self,
        id: &str,
        token: &str,
        cost: Duration,
        answer: &[u8],
    ) -> Result<(bool, Counts), Failure> {
        let nanos = u64::try_from(cost.as_nanos()).unwrap_or(u64::MAX);
        let mut call = self.call(&ACK);
        call.arg(self.clock.server_now()).arg(id).arg(token).arg(nanos).arg(answer);
        let values: Vec<Value> = self.server.run(&call).await?;
        Ok((read(&values, 0)?, counts(&values, 1)?))
    }

    /// Gives a claimed task back, to its place.
    pub(super) async fn release(&self, id: &str, token: &str) -> Result<Counts, Failure> {
        let mut call = self.call(&RELEASE);
        call.arg(id).arg(token);
        let values: Vec<Value> = self.server.run(&call).await?;
        counts(&values, 0)
    }

    /// Sends a frame of a running task to its client's node.
    pub(super) async fn frame(&self, id: &str, token: &str, frame: &[u8]) -> Result<(), Failure> {
        let mut call = self.call(&FRAME);
        call.arg(id).arg(token).arg(frame);
        self.server.run::<i64>(&call).await.map(drop)
    }

    /// Renews leases; returns the tokens of the claims that are no longer valid.
    pub(super) async fn beat(
        &self,
        lease: Duration,
        claims: &[(String, String)],
    ) -> Result<Vec<String>, Failure> {
        let mut call = self.call(&BEAT);
        call.arg(self.clock.server_now()).arg(millis(lease));
        for (id, token) in claims {
            call.arg(id).arg(token);
        }
        self.server.run(&call).await
    }

    /// Removes the tasks that are queued, and tells the workers of the others to stop.
    pub(super) async fn withdraw(
        &self,
        reason: u8,
        frees: bool,
        ids: &[String],
    ) -> Result<(Vec<Withdrawn>, Counts), Failure> {
        let mut call = self.call(&WITHDRAW);
        call.arg(reason).arg(u8::from(frees));
        for id in ids {
            call.arg(id);
        }
        let values: Vec<Value> = self.server.run(&call).await?;
        let found: Vec<String> = read(&values, 4)?;
        let found = found.iter().map(|found| match found.as_str() {
            "queued" => Withdrawn::Queued,
            "running" => Withdrawn::Running,
            _ => Withdrawn::Unknown,
        });
        Ok((found.collect(), counts(&values, 0)?))
    }

    /// The id of a client's task, and its node.
    pub(super) async fn find(
        &self,
        client: &str,
        uuid: &str,
    ) -> Result<Option<(String, String)>, Failure> {
        let mut call = self.call(&FIND);
        call.arg(client).arg(uuid);
        let found: Vec<String> = self.server.run(&call).await?;
        Ok(<[String; 2]>::try_from(found).ok().map(|[id, node]| (id, node)))
    }

    /// Leaves a notice in a node's inbox.
    pub(super) async fn tell(
        &self,
        node: &str,
        kind: &str,
        id: &str,
        value: &[u8],
    ) -> Result<(), Failure> {
        let mut call = self.call(&TELL);
        call.arg(node).arg(kind).arg(id).arg(value);
        self.server.run::<i64>(&call).await.map(drop)
    }

    pub(super) async fn reprioritise(
        &self,
        client: &str,
        uuid: &str,
        offset_top: i64,
    ) -> Result<bool, Failure> {
        let mut call = self.call(&MOVE);
        call.arg(client).arg(uuid).arg(offset_top);
        self.server.run(&call).await
    }

    pub(super) async fn set_view(
        &self,
        client: &str,
        (top, bottom): (i64, i64),
        keeps: Duration,
    ) -> Result<(), Failure> {
        let mut call = self.call(&VIEW);
        call.arg(client).arg(top).arg(bottom).arg(millis(keeps));
        self.server.run::<i64>(&call).await.map(drop)
    }

    /// Makes a node known; `true` if it was not.
    pub(super) async fn hello(&self, node: &str) -> Result<bool, Failure> {
        let mut call = self.call(&HELLO);
        call.arg(self.clock.server_now()).arg(node);
        self.server.run(&call).await
    }

    /// Gives tasks back whose lease has ended, and forgets silent nodes.
    pub(super) async fn upkeep(
        &self,
        node: &str,
        patience: Duration,
        rules: &DeadLetterRules,
    ) -> Result<(Kept, Counts), Failure> {
        let mut call = self.call(&UPKEEP);
        call.arg(self.clock.server_now()).arg(node).arg(millis(patience)).arg(PART);
        call.arg(rules.attempts).arg(rules.tasks).arg(rules.bytes).arg(millis(rules.keep));
        let values: Vec<Value> = self.server.run(&call).await?;
        let next: i64 = read(&values, 7)?;
        let kept = Kept {
            given_back: read(&values, 4)?,
            died: read(&values, 5)?,
            is_known: read(&values, 6)?,
            next: u64::try_from(next).ok().map(Duration::from_millis),
        };
        Ok((kept, counts(&values, 0)?))
    }

    /// The last id of the node's inbox, and those of these tasks that are unknown.
    pub(super) async fn known(
        &self,
        node: &str,
        ids: &[String],
    ) -> Result<(String, Vec<String>), Failure> {
        let mut call = self.call(&KNOWN);
        call.arg(node);
        for id in ids {
            call.arg(id);
        }
        let mut answer: Vec<String> = self.server.run(&call).await?;
        let last = if answer.is_empty() { String::new() } else { answer.remove(0) };
        Ok((last, answer))
    }

    pub(super) fn call<'a>(&self, script: &'a Script) -> ScriptInvocation<'a> {
        script.key(&self.base)
    }
}

/// How many tasks one call looks at.
pub(super) const PART: usize = 256;

pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX).max(1)
}

pub(super) fn read<T: FromRedisValue>(values: &[Value], at: usize) -> Result<T, Failure> {
    let value = values.get(at).cloned().unwrap_or(Value::Nil);
    from_redis_value(value).map_err(|error| Failure::Refused(error.into()))
}

pub(super) fn counts(values: &[Value], at: usize) -> Result<Counts, Failure> {
    let average = Duration::from_nanos(read(values, at + 2)?);
    let (queued, running) = (read(values, at)?, read(values, at + 1)?);
    Ok(Counts { queued, running, average, change: read(values, at + 3)? })
}
