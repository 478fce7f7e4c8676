//! The channel layer of several processes, over Redis or Valkey: the clients of this process are
//! reached in memory, and those of other processes in the way of `channels_redis`.

mod arrival;
mod sets;
mod groups;
mod nodes;
mod options;
mod pubsub;
mod tally;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio_util::sync::{CancellationToken, DropGuard};

use self::groups::Groups;
use self::nodes::Node;
use self::pubsub::PubSub;
use self::sets::Sets;
use self::tally::{Report, Tally};
use super::Delivery;
use super::client::{About, ClientReport};
use super::engine::Engine;
use super::memory::{MemoryLayer, deliver};
use super::wire::{Fields, Names, Serializer, Shards, is_channel};
use crate::error::{Error, code};
use crate::message::Event;
use crate::redis::{Failure, Server};
use crate::reply::{Reply, ReplyChannel};

pub(crate) use self::arrival::{ReplyOf, Unwanted};
pub(crate) use self::options::{Exchange, RedisOptions};

/// The clients of this process, and the way to those of others. Clones are the same layer; when the
/// last one is dropped, its tasks end.
#[derive(Debug, Clone)]
pub(super) struct RedisLayer {
    shared: Arc<ProcessLayer>,
    _running: Arc<Running>,
}

/// The layer of this process, which its tasks share.
#[derive(Debug)]
struct ProcessLayer {
    local: MemoryLayer,
    node: Node,
    names: Names,
    servers: Servers,
    serializer: Serializer,
    way: Way,
    groups: Groups,
    tally: Tally,
    reply_of: ReplyOf,
    /// The types of messages that clients get as JSON.
    forward: Vec<Arc<str>>,
}

/// Ends the layer's tasks when it is dropped.
#[derive(Debug)]
struct Running {
    _guard: DropGuard,
}

/// The servers of a layer. Each has the channels and groups of its shard.
#[derive(Debug)]
struct Servers(Vec<Server>);

/// How messages reach other processes.
#[derive(Debug)]
enum Way {
    /// Through a sorted set for each receiver.
    Sets(Sets),
    /// By publish and subscribe.
    PubSub(PubSub),
}

impl RedisLayer {
    /// A layer, whose tasks run in this runtime. Each client may be in `groups_per_client` groups.
    pub(super) fn start(
        options: RedisOptions,
        groups_per_client: usize,
        node: &str,
        reply_of: ReplyOf,
    ) -> Self {
        let RedisOptions { servers, prefix, exchange, expiry, group_expiry, keys, forward } =
            options;
        let shards = servers.len();
        let (way, serializer) = match exchange {
            Exchange::Core { capacity } => {
                let sets = Sets::new(capacity, expiry, group_expiry);
                (Way::Sets(sets), Serializer::core(keys, expiry))
            }
            Exchange::PubSub => (Way::PubSub(PubSub::new(shards)), Serializer::pubsub(keys)),
        };
        let shared = Arc::new(ProcessLayer {
            local: MemoryLayer::new(groups_per_client),
            node: Node::new(node),
            names: Names::new(prefix),
            servers: Servers(servers),
            serializer,
            way,
            groups: Groups::new(group_expiry),
            tally: Tally::default(),
            reply_of,
            forward,
        });
        let ended = CancellationToken::new();
        shared.spawn_tasks(&ended);
        Self { shared, _running: Arc::new(Running { _guard: ended.drop_guard() }) }
    }

    /// Tells other processes that the clients of this one have left.
    pub(super) async fn stop(&self) {
        self.shared.stop().await;
    }

    /// Hands an event to a worker of this channel.
    pub(super) async fn send_event(&self, channel: &str, event: &Event) -> Result<(), Error> {
        self.shared.post(channel, Fields::of_event(event)?).await
    }

    /// What operators see of the layer.
    pub(super) fn report(&self) -> Report {
        self.shared.tally.report(&self.shared.servers)
    }
}

impl ProcessLayer {
    fn spawn_tasks(self: &Arc<Self>, ended: &CancellationToken) {
        let spawn = |task: BoxFuture<'static, ()>| {
            tokio::spawn(ended.clone().run_until_cancelled_owned(task));
        };
        let shared = Arc::clone(self);
        spawn(async move { shared.keep_groups().await }.boxed());
        let shared = Arc::clone(self);
        spawn(async move { shared.keep_alive().await }.boxed());
        for shard in 0..self.servers.0.len() {
            let shared = Arc::clone(self);
            spawn(async move { shared.receive(shard).await }.boxed());
        }
    }

    /// Receives the messages of one shard, for as long as the layer exists.
    async fn receive(&self, shard: usize) {
        match &self.way {
            Way::Sets(_) => self.receive_from_set(shard).await,
            Way::PubSub(_) => self.receive_published(shard).await,
        }
    }

    /// Sends a message to a channel of another process.
    async fn post(&self, channel: &str, fields: Fields) -> Result<(), Error> {
        if !is_channel(channel) {
            let message = format!("{channel:?} is not the name of a channel");
            return Err(Error::new(code::BAD_MESSAGE, message));
        }
        // Boxed, so that the futures of callers stay small.
        let posted = match &self.way {
            Way::Sets(_) => self.post_to_set(channel, fields).boxed().await,
            Way::PubSub(_) => self.publish_to_channel(channel, &fields).boxed().await,
        };
        posted.unwrap_or_else(|failure| {
            self.tally.missed(&failure);
            Err(unreachable(failure))
        })
    }

    /// Sends to the members of a group that belong to other processes, and to those clients of this
    /// process which another one has added, unless they are `reached` already.
    async fn send_to_others(
        &self,
        group: &Arc<str>,
        reply: &Reply,
        except: &[Arc<str>],
        reached: &HashSet<Arc<str>>,
    ) -> Result<Delivery, Failure> {
        let Some(fields) = Fields::of_reply(reply) else { return Ok(Delivery::default()) };
        match &self.way {
            Way::Sets(_) => {
                self.send_to_members(group, reply, fields, except, reached).boxed().await
            }
            Way::PubSub(_) => self.publish_to_group(group, fields, except).boxed().await,
        }
    }
}

impl Engine for RedisLayer {
    async fn send(&self, client: &str, reply: Reply) -> Result<(), Error> {
        if self.shared.node.owns(client) || !is_channel(client) {
            return self.shared.local.send(client, reply).await;
        }
        match Fields::of_reply(&reply.checked()?) {
            Some(fields) => self.shared.post(client, fields).await,
            None => Ok(()),
        }
    }

    async fn add(&self, group: &Arc<str>, client: &str) -> Result<(), Error> {
        if !self.shared.node.owns(client) {
            return self.shared.add_other(group, client).boxed().await;
        }
        self.shared.local.add(group, client).await?;
        self.shared.groups.joined(group).await;
        Ok(())
    }

    async fn discard(&self, group: &Arc<str>, client: &str) -> Result<(), Error> {
        if !self.shared.node.owns(client) {
            return self.shared.discard_other(group, client).boxed().await;
        }
        self.shared.local.discard(group, client).await?;
        self.shared.groups.changed([Arc::clone(group)]);
        Ok(())
    }

    async fn send_to_group(
        &self,
        group: &Arc<str>,
        reply: Reply,
        except: &[Arc<str>],
    ) -> Result<Delivery, Error> {
        let members = self.shared.local.channels(group, except);
        let reached: HashSet<_> = members.iter().map(|member| Arc::clone(member.name())).collect();
        // First, so that the members of this process do not wait for a server.
        let here = deliver(group, members, &reply);
        match self.shared.send_to_others(group, &reply, except, &reached).await {
            Ok(there) => Ok(here + there),
            Err(failure) => {
                self.shared.tally.missed(&failure);
                // A sender that tried again would send twice to the members of this process.
                if reached.is_empty() { Err(unreachable(failure)) } else { Ok(here) }
            }
        }
    }

    async fn len(&self, group: &str) -> Result<usize, Error> {
        let here = self.shared.local.members(group);
        Ok(here + self.shared.members_elsewhere(group).boxed().await.unwrap_or_default())
    }

    fn has(&self, client: &str) -> bool {
        if self.shared.node.owns(client) {
            return self.shared.local.has(client);
        }
        // Only its own process knows whether it is connected.
        is_channel(client)
    }

    fn client(&self, client: &str) -> Option<ClientReport> {
        self.shared.local.client(client)
    }

    fn clients(&self) -> usize {
        self.shared.local.clients()
    }

    fn join(&self, channel: ReplyChannel, about: About) {
        self.shared.local.join(channel, about);
    }

    fn leave(&self, client: &str) {
        self.shared.groups.changed(self.shared.local.leave_groups(client));
    }
}

impl Servers {
    fn shards(&self) -> Shards {
        Shards(self.0.len())
    }

    /// The server of the shard to which a name belongs.
    fn of(&self, name: &str) -> &Server {
        &self.0[self.shards().of(name)]
    }
}

/// The pause between two tries of a task that needs a server which is away. The server itself makes
/// fewer tries to connect.
const PAUSE: Duration = Duration::from_millis(100);

/// The error for a client when other processes cannot be reached.
fn unreachable(failure: Failure) -> Error {
    /// When another attempt may succeed.
    const RETRY_AFTER_MS: u64 = 1000;
    Error::new(code::REFUSED, "other processes cannot be reached at the moment")
        .with("retry_after_ms", RETRY_AFTER_MS)
        .because(failure)
}
