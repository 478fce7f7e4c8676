//! How a layer over Redis works, as the table says.

use std::sync::Arc;
use std::time::Duration;

use super::super::wire::Fernet;
use crate::redis::Server;

/// How a layer over Redis works.
#[derive(Debug)]
pub(crate) struct RedisOptions {
    /// The servers, each with a part of the channels and groups: at least one.
    pub(crate) servers: Vec<Server>,
    /// The beginning of all keys.
    pub(crate) prefix: String,
    pub(crate) exchange: Exchange,
    /// The age up to which a message waits for its receiver.
    pub(crate) expiry: Duration,
    /// The age up to which a membership lasts that is not renewed.
    pub(crate) group_expiry: Duration,
    /// The keys that encrypt messages; the first one encrypts, and all decrypt.
    pub(crate) keys: Vec<Fernet>,
    /// The types of messages that clients get as JSON.
    pub(crate) forward: Vec<Arc<str>>,
}

/// Which of the two layers of `channels_redis` it is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exchange {
    /// `RedisChannelLayer`: at most `capacity` messages wait for one receiver.
    Core { capacity: usize },
    /// `RedisPubSubChannelLayer`.
    PubSub,
}
