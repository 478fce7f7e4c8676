//! The channel layer: how a consumer reaches clients other than its own.

mod client;
mod engine;
mod memory;
#[cfg(feature = "redis")]
mod wire;
#[cfg(feature = "redis")]
mod redis;
#[cfg(test)]
mod tests;

use std::ops::Add;
use std::sync::Arc;

pub(crate) use self::client::{About, ClientReport};
use self::engine::Engine;
use self::memory::MemoryLayer;
#[cfg(feature = "redis")]
use self::redis::RedisLayer;
#[cfg(feature = "redis")]
pub(crate) use self::redis::{Exchange, RedisOptions, ReplyOf, Unwanted};
#[cfg(feature = "redis")]
pub(crate) use self::wire::{Fernet, Fields};
use crate::error::Error;
use crate::message::Event;
use crate::reply::{Reply, ReplyChannel};

/// Reaches clients by the names of their reply channels, and groups of clients. Clones are the same
/// layer.
///
/// The engine in memory reaches the clients of this process, and its methods complete at once. The
/// engine over Redis also reaches the clients of other processes, and the channels of Django.
#[derive(Debug, Clone)]
pub struct ChannelLayer {
    engine: Kind,
}

/// The engine of a layer.
#[derive(Debug, Clone)]
enum Kind {
    Memory(MemoryLayer),
    #[cfg(feature = "redis")]
    Redis(RedisLayer),
}

/// Calls a method of the layer's engine.
macro_rules! engine {
    ($layer:expr, $engine:ident => $call:expr) => {
        match &$layer.engine {
            Kind::Memory($engine) => $call,
            #[cfg(feature = "redis")]
            Kind::Redis($engine) => $call,
        }
    };
}

/// A group of clients, by name. It exists while it has a member.
///
/// ```
/// use waterway::{ChannelLayer, Error, Path, ReplyChannel, Text};
///
/// async fn join(
///     Path(room): Path<String>,
///     client: ReplyChannel,
///     layer: ChannelLayer,
/// ) -> Result<(), Error> {
///     layer.group(room).add(&client).await
/// }
///
/// async fn say(
///     Path(room): Path<String>,
///     Text(text): Text,
///     layer: ChannelLayer,
/// ) -> Result<(), Error> {
///     layer.group(room).send(text).await?;
///     Ok(())
/// }
/// # let _ = waterway::Registry::new().function("join", join).function("say", say);
/// ```
#[derive(Debug, Clone)]
pub struct Group {
    name: Arc<str>,
    layer: ChannelLayer,
}

/// How many members of a group a reply reached. For those of other processes, it is known only
/// whether the layer took the message for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Delivery {
    /// Members whose outbox took the reply.
    pub sent: usize,
    /// Members whose outbox was full, so that it dropped this or an older reply.
    pub dropped: usize,
}

impl Add for Delivery {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { sent: self.sent + other.sent, dropped: self.dropped + other.dropped }
    }
}

/// The default of `[server] groups`: how many groups one client may be in.
pub const GROUPS_PER_CLIENT: usize = 64;

impl Default for ChannelLayer {
    fn default() -> Self {
        Self::new(GROUPS_PER_CLIENT)
    }
}

impl ChannelLayer {
    /// A layer in memory without clients. Each client may be in `groups_per_client` groups.
    #[must_use]
    pub fn new(groups_per_client: usize) -> Self {
        Self { engine: Kind::Memory(MemoryLayer::new(groups_per_client)) }
    }

    /// A layer over Redis or Valkey. Its tasks run in this runtime.
    #[cfg(feature = "redis")]
    pub(crate) fn redis(
        options: RedisOptions,
        groups_per_client: usize,
        node: &str,
        reply_of: ReplyOf,
    ) -> Self {
        Self { engine: Kind::Redis(RedisLayer::start(options, groups_per_client, node, reply_of)) }
    }

    /// Tells other processes that the clients of this one have left.
    pub(crate) async fn stop(&self) {
        match &self.engine {
            Kind::Memory(_) => {}
            #[cfg(feature = "redis")]
            // Boxed, so that the futures of callers stay small.
            Kind::Redis(layer) => Box::pin(layer.stop()).await,
        }
    }

    /// What operators see of the layer.
    pub(crate) fn report(&self) -> serde_json::Value {
        match &self.engine {
            Kind::Memory(_) => serde_json::json!({"backend": "memory"}),
            #[cfg(feature = "redis")]
            Kind::Redis(layer) => serde_json::to_value(layer.report()).unwrap_or_default(),
        }
    }

    /// Hands an event to a worker of Django that listens on this channel. The message has the fields
    /// of the event, and `type` in place of `channel`.
    ///
    /// # Errors
    /// `refused` if too many messages wait on the channel, or other processes cannot be reached;
    /// `failed` if the layer is in memory.
    pub async fn send_event(&self, channel: &str, event: &Event) -> Result<(), Error> {
        match &self.engine {
            Kind::Memory(_) => {
                let _ = (channel, event);
                Err(Error::failed("an event for Django needs [layer] backend = \"redis\""))
            }
            #[cfg(feature = "redis")]
            Kind::Redis(layer) => layer.send_event(channel, event).await,
        }
    }

    /// Sends a reply to the client of this name. With Redis it may be a client of another process, or
    /// a channel of Django, which gets `websocket.send`, `websocket.close` or `websocket.accept`.
    ///
    /// # Errors
    /// [`Error::gone`] if the client is not connected; `refused` as for [`ReplyChannel::send`], if
    /// too many messages wait for the receiver, and if other processes cannot be reached.
    pub async fn send(&self, name: &str, reply: impl Into<Reply>) -> Result<(), Error> {
        engine!(self, layer => layer.send(name, reply.into()).await)
    }

    /// The group of this name.
    #[must_use]
    pub fn group(&self, name: impl Into<Arc<str>>) -> Group {
        Group { name: name.into(), layer: self.clone() }
    }

    /// How many clients of this process are connected.
    #[must_use]
    pub fn clients(&self) -> usize {
        engine!(self, layer => layer.clients())
    }

    /// Whether the client of this name is connected.
    pub(crate) fn has(&self, name: &str) -> bool {
        engine!(self, layer => layer.has(name))
    }

    /// What is known of the client of this name; `None` if it is not connected.
    pub(crate) fn client(&self, name: &str) -> Option<ClientReport> {
        engine!(self, layer => layer.client(name))
    }

    /// Makes a client of this process known.
    pub(crate) fn join(&self, channel: ReplyChannel, about: About) {
        engine!(self, layer => layer.join(channel, about));
    }

    /// Forgets a client that has left, and ends its memberships.
    pub(crate) fn leave(&self, name: &str) {
        engine!(self, layer => layer.leave(name));
    }
}

impl Group {
    /// Adds a client. Adding a member again has no effect.
    ///
    /// A reply to the group accepts a client that is still connecting, so add it once nothing can
    /// refuse it any longer.
    ///
    /// # Errors
    /// `refused` when the client is in `[server] groups` groups already; [`Error::gone`] when it
    /// has left.
    pub async fn add(&self, channel: &ReplyChannel) -> Result<(), Error> {
        self.add_named(channel.name()).await
    }

    /// Adds the client of this name.
    pub(crate) async fn add_named(&self, client: &str) -> Result<(), Error> {
        engine!(self.layer, layer => layer.add(&self.name, client).await)
    }

    /// Removes a client. Removing a client that is not a member has no effect.
    ///
    /// # Errors
    /// When the layer's engine fails, which the one in memory does not.
    pub async fn discard(&self, channel: &ReplyChannel) -> Result<(), Error> {
        self.discard_named(channel.name()).await
    }

    /// Removes the client of this name.
    pub(crate) async fn discard_named(&self, client: &str) -> Result<(), Error> {
        engine!(self.layer, layer => layer.discard(&self.name, client).await)
    }

    /// Sends a reply to every member. Its content is encoded once, and all members share it.
    ///
    /// # Errors
    /// When the layer's engine fails, which the one in memory does not.
    pub async fn send(&self, reply: impl Into<Reply>) -> Result<Delivery, Error> {
        self.send_except(reply, &[]).await
    }

    /// The same, but not to the clients of these names.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn send_except(
        &self,
        reply: impl Into<Reply>,
        except: &[Arc<str>],
    ) -> Result<Delivery, Error> {
        engine!(self.layer, layer => layer.send_to_group(&self.name, reply.into(), except).await)
    }

    /// How many members it has.
    ///
    /// # Errors
    /// When the layer's engine fails, which the one in memory does not.
    pub async fn len(&self) -> Result<usize, Error> {
        engine!(self.layer, layer => layer.len(&self.name).await)
    }

    /// Whether it is without members.
    ///
    /// # Errors
    /// As [`len`](Self::len).
    pub async fn is_empty(&self) -> Result<bool, Error> {
        Ok(self.len().await? == 0)
    }
}
