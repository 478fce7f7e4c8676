//! Messages through sorted sets, as those of `RedisChannelLayer`: each process reads one set, whose
//! messages are bounded by its capacity.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use redis::aio::MultiplexedConnection;
use redis::{Pipeline, Script};
use rmpv::Value;
use tokio::time::{sleep, timeout};

use super::arrival::EXCEPT;
use super::groups::Entry;
use super::nodes::{group_of, node_of};
use super::{Delivery, Error, PAUSE, ProcessLayer, Way, code};
use crate::layer::wire::{Fields, non_local};
use crate::redis::Failure;
use crate::reply::Reply;

/// The bounds of the sets.
#[derive(Debug)]
pub(super) struct Sets {
    /// How many messages may wait for one receiver.
    capacity: usize,
    expiry: Duration,
    group_expiry: Duration,
    clock: Clock,
    /// The shard of the next message to a channel that belongs to no process.
    next: AtomicUsize,
}

/// Times in microseconds, each later than the one before, so that the order of messages is that of
/// their times.
#[derive(Debug, Default)]
struct Clock(AtomicU64);

/// How long a read waits for a message.
const WAIT: Duration = Duration::from_secs(5);

/// How late the server's answer to such a read may be.
const LATE: Duration = Duration::from_secs(5);

/// How many messages one read takes.
const AT_A_TIME: usize = 100;

/// The members of a group that other processes reach: the names of channels by the set of each.
type Inboxes<'a> = BTreeMap<&'a str, Vec<&'a str>>;

impl Sets {
    pub(super) fn new(capacity: usize, expiry: Duration, group_expiry: Duration) -> Self {
        let (clock, next) = (Clock::default(), AtomicUsize::new(0));
        Self { capacity, expiry, group_expiry, clock, next }
    }

    /// Writes whether a group has members in this process.
    pub(super) fn write_member(
        &self,
        pipeline: &mut Pipeline,
        layer: &ProcessLayer,
        entry: &Entry,
    ) {
        let key = layer.names.group(&entry.group);
        let channel = layer.node.group_channel(&entry.group);
        if entry.members == 0 {
            pipeline.cmd("ZREM").arg(key).arg(channel).ignore();
            return;
        }
        let seconds = self.group_expiry.as_secs().max(1);
        pipeline.cmd("ZADD").arg(&key).arg(seconds_of(self.clock.now())).arg(channel).ignore();
        // Channels may keep its members for longer.
        pipeline.cmd("EXPIRE").arg(&key).arg(seconds).arg("NX").ignore();
        pipeline.cmd("EXPIRE").arg(key).arg(seconds).arg("GT").ignore();
    }
}

impl Clock {
    fn now(&self) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = u64::try_from(since.as_micros()).unwrap_or(u64::MAX);
        let later = |before: u64| Some(now.max(before.saturating_add(1)));
        match self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, later) {
            Ok(before) => now.max(before.saturating_add(1)),
            Err(_) => now,
        }
    }
}

/// A time in seconds, as Python's `time.time()`.
fn seconds_of(micros: u64) -> String {
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}

impl ProcessLayer {
    /// Sends a message to one channel. The outer error is for a server that is away.
    pub(super) async fn post_to_set(
        &self,
        channel: &str,
        fields: Fields,
    ) -> Result<Result<(), Error>, Failure> {
        let Way::Sets(sets) = &self.way else { return Ok(Ok(())) };
        let is_of_process = channel.contains('!');
        let shard = if is_of_process {
            // Its receiver reads the shard of this part.
            self.servers.shards().of(non_local(channel))
        } else {
            // Workers ask one shard after the other.
            sets.next.fetch_add(1, Ordering::Relaxed) % self.servers.0.len()
        };
        let fields = if is_of_process { fields.addressed_to(channel) } else { fields };
        let message = self.serializer.write(&fields);
        let put = self.put(sets, shard, vec![(self.names.inbox(channel), message)]).await?;
        if put.first() == Some(&1) {
            self.tally.sent(1);
            return Ok(Ok(()));
        }
        self.tally.full(channel);
        Ok(Err(Error::new(code::REFUSED, "too many messages wait for their receiver")
            .with("retry_after_ms", 1000)))
    }

    /// Puts each message into its set, unless that is full; returns 1 or 0 for each.
    async fn put(
        &self,
        sets: &Sets,
        shard: usize,
        messages: Vec<(String, Vec<u8>)>,
    ) -> Result<Vec<u8>, Failure> {
        let now = sets.clock.now();
        let expired =
            now.saturating_sub(u64::try_from(sets.expiry.as_micros()).unwrap_or(u64::MAX));
        let script = Script::new(include_str!("post.lua"));
        let mut script = script.prepare_invoke();
        script.arg(seconds_of(now)).arg(seconds_of(expired));
        script.arg(sets.expiry.as_secs().max(1)).arg(sets.capacity);
        for (key, message) in messages {
            script.key(key).arg(message);
        }
        self.servers.0[shard].run(&script).await
    }

    /// Sends to the members of a group that belong to other processes, and to those clients of this
    /// process that another one has added.
    pub(super) async fn send_to_members(
        &self,
        group: &Arc<str>,
        reply: &Reply,
        fields: Fields,
        except: &[Arc<str>],
        reached: &HashSet<Arc<str>>,
    ) -> Result<Delivery, Failure> {
        let Way::Sets(sets) = &self.way else { return Ok(Delivery::default()) };
        let (members, counts) = self.members(sets, group).await?;
        let mut delivery = Delivery::default();
        let mut inboxes = Inboxes::new();
        for member in &members {
            let is_excepted = except.iter().any(|name| **name == **member);
            if is_excepted || reached.contains(member.as_str()) {
                continue;
            }
            if !self.node.owns(member) {
                inboxes.entry(non_local(member)).or_default().push(member);
            } else if let Some(client) = self.local.channel(member) {
                self.deliver(&client, reply);
                delivery.sent += 1;
            }
        }
        let size = |channels: &[&str]| -> usize {
            let members =
                channels.iter().map(|channel| match (group_of(channel), node_of(channel)) {
                    (Some(_), Some(node)) => counts.get(node).copied().unwrap_or(1),
                    _ => 1,
                });
            members.sum()
        };
        for shard in 0..self.servers.0.len() {
            let of_shard =
                inboxes.iter().filter(|(inbox, _)| self.servers.shards().of(inbox) == shard);
            let of_shard: Vec<_> = of_shard.collect();
            for some in of_shard.chunks(AT_A_TIME) {
                let message = |(inbox, channels): &(&&str, &Vec<&str>)| {
                    let fields = addressed(fields.clone(), inbox, channels, except);
                    (self.names.inbox(inbox), self.serializer.write(&fields))
                };
                let put = self.put(sets, shard, some.iter().map(message).collect()).await?;
                for ((inbox, channels), put) in some.iter().zip(put) {
                    if put == 1 {
                        self.tally.sent(1);
                        delivery.sent += size(channels);
                    } else if !self.forget_if_dead(group, inbox).await? {
                        self.tally.full(inbox);
                        delivery.dropped += size(channels);
                    }
                }
            }
        }
        Ok(delivery)
    }

    /// The channels of a group, and the numbers of its members by process.
    async fn members(
        &self,
        sets: &Sets,
        group: &str,
    ) -> Result<(Vec<String>, HashMap<String, usize>), Failure> {
        let key = self.names.group(group);
        let lifetime = u64::try_from(sets.group_expiry.as_micros()).unwrap_or(u64::MAX);
        let expired = seconds_of(sets.clock.now().saturating_sub(lifetime));
        let mut pipeline = redis::pipe();
        pipeline.cmd("ZREMRANGEBYSCORE").arg(&key).arg(0).arg(expired).ignore();
        pipeline.cmd("ZRANGE").arg(key).arg(0).arg(-1);
        pipeline.cmd("HGETALL").arg(self.names.counts(group));
        let server = self.servers.of(group);
        server.with(async |mut connection| pipeline.query_async(&mut connection).await).await
    }

    /// Removes a process of waterway from a group if it does not run any more.
    async fn forget_if_dead(&self, group: &str, inbox: &str) -> Result<bool, Failure> {
        let Some(node) = node_of(inbox) else { return Ok(false) };
        if self.is_alive(node).await? {
            return Ok(false);
        }
        let mut pipeline = redis::pipe();
        let channel = super::Node::new(node).group_channel(group);
        pipeline.cmd("ZREM").arg(self.names.group(group)).arg(channel).ignore();
        pipeline.cmd("HDEL").arg(self.names.counts(group)).arg(node).ignore();
        let server = self.servers.of(group);
        server
            .with::<()>(async |mut connection| pipeline.query_async(&mut connection).await)
            .await?;
        Ok(true)
    }

    /// Adds a channel of another process to a group, for as long as a membership lasts.
    pub(super) async fn write_other(
        &self,
        group: &str,
        channel: &str,
        is_member: bool,
    ) -> Result<(), Failure> {
        let Way::Sets(sets) = &self.way else { return Ok(()) };
        let key = self.names.group(group);
        let mut pipeline = redis::pipe();
        if is_member {
            let now = seconds_of(sets.clock.now());
            pipeline.cmd("ZADD").arg(&key).arg(now).arg(channel).ignore();
            pipeline.cmd("EXPIRE").arg(key).arg(sets.group_expiry.as_secs().max(1)).ignore();
        } else {
            pipeline.cmd("ZREM").arg(key).arg(channel).ignore();
        }
        let server = self.servers.of(group);
        server.with(async |mut connection| pipeline.query_async(&mut connection).await).await
    }

    /// Receives the messages for this process on one shard, for as long as the layer exists.
    pub(super) async fn receive_from_set(&self, shard: usize) {
        let key = self.names.inbox(&self.node.inbox);
        loop {
            // The server itself tells the log when it is away.
            if let Ok(connection) = self.servers.0[shard].dedicated().await {
                // The server may have lost the groups of this process.
                self.groups.changed(self.local.groups());
                self.read_all(connection, &key).await;
            }
            sleep(PAUSE).await;
        }
    }

    /// Reads messages until the connection is lost.
    async fn read_all(&self, mut connection: MultiplexedConnection, key: &str) {
        /// The key, and messages with their times.
        type Popped = Option<(String, Vec<(Vec<u8>, f64)>)>;
        let mut pop = redis::cmd("BZMPOP");
        pop.arg(WAIT.as_secs()).arg(1).arg(key).arg("MIN").arg("COUNT").arg(AT_A_TIME);
        loop {
            let read = pop.query_async::<Popped>(&mut connection);
            // The time limit is for a connection that carries nothing any more.
            let Ok(Ok(popped)) = timeout(WAIT + LATE, read).await else { return };
            for (message, _) in popped.iter().flat_map(|(_, messages)| messages) {
                self.arrive(message, None);
            }
        }
    }
}

/// The message for the members of a group in one process.
fn addressed(fields: Fields, inbox: &str, channels: &[&str], except: &[Arc<str>]) -> Fields {
    let names =
        |names: &mut dyn Iterator<Item = &str>| Value::Array(names.map(Value::from).collect());
    let fields = fields.addressed_to(names(&mut channels.iter().copied()));
    let mut excepted =
        except.iter().map(|name| &**name).filter(|name| name.starts_with(inbox)).peekable();
    if excepted.peek().is_none() {
        return fields;
    }
    fields.with(EXCEPT, names(&mut excepted))
}
