//! `[layer]`: where groups, reply channels and queues live.

use std::fmt;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::de::{Error, IgnoredAny};
use serde::{Deserialize, Deserializer, Serialize};

use super::auth::Secret;
use super::text::{above_zero, any_number, text_types};
use crate::redis::RedisUrl;
use crate::setting::{Size, Spanned, SpannedValue, Time, schema};

/// The most servers of a layer.
const SERVERS_MAX: usize = 64;

/// The longest prefix of keys, in bytes.
const PREFIX_MAX: usize = 64;

/// The shortest lease.
const LEASE_MIN: Time = Time::from_secs(1);

/// Where groups, reply channels and queues live: in this process, or in a Redis or Valkey server that
/// many processes share. Changes take effect when the service starts.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LayerConfig {
    /// The engine.
    #[serde(default)]
    pub backend: Spanned<Backend>,
    /// The server, or a list of servers: `redis://[USER:PASSWORD@]HOST:PORT[/DB]`, `rediss://…` for
    /// TLS, `redis+unix:///PATH`, `redis+sentinel://HOST:PORT,HOST:PORT/MASTER`. `valkey` may stand
    /// for `redis`. With several servers, groups and reply channels are distributed over them; queues
    /// use the first one. Keep passwords outside of the file: `"${REDIS_URL}"`.
    #[serde(default, deserialize_with = "servers")]
    #[schemars(
        with = "Vec<RedisUrl>",
        transform = schema::any_number,
        extend("default" = [], "x-default" = "none", "x-bound" = format!("at most {SERVERS_MAX}"))
    )]
    pub url: Vec<RedisUrl>,
    /// First part of all keys in the server. It is that of `channels_redis`, so that Django reaches
    /// the clients of this service.
    #[serde(default = "prefix", deserialize_with = "short_prefix")]
    #[schemars(extend("x-bound" = format!("1 to {PREFIX_MAX} bytes, without braces")))]
    pub prefix: String,
    /// Time for which a worker has a task of a queue in the server. A living worker renews it; when its
    /// process dies, another worker gets the task after this time.
    #[serde(default = "lease", deserialize_with = "long_lease")]
    #[schemars(extend("x-bound" = schema::at_least(LEASE_MIN)))]
    pub lease: Time,
    /// Size up to which the content of a task travels through the server. Larger contents travel
    /// through `store`.
    #[serde(default = "inline")]
    pub inline: Size,
    /// Where larger contents of tasks lie until their task is answered: `{ folder = "transit" }`, a
    /// folder that all processes share, or a bucket, `{ s3 = { … } }`, with a `prefix` of its own.
    #[serde(default, deserialize_with = "unread")]
    #[schemars(
        with = "Option<StoreForm>",
        extend("x-default" = "none: all contents travel through the server")
    )]
    pub store: Option<SpannedValue>,
    /// Time for one command, and for a try to connect. After that the server counts as away.
    #[serde(default = "timeout", deserialize_with = "above_zero")]
    #[schemars(transform = schema::above_zero)]
    pub timeout: Time,
    /// Layer of `channels_redis` that `CHANNEL_LAYERS` of Django names, and so the form of messages.
    #[serde(default)]
    pub channels_redis: ChannelsRedis,
    /// Messages that may wait for one process or one worker. Further ones are refused and counted. Not
    /// for `"pubsub"`, where nothing waits.
    #[serde(default = "capacity", deserialize_with = "above_zero")]
    #[schemars(transform = schema::above_zero)]
    pub capacity: usize,
    /// Time for which a message waits for its receiver.
    #[serde(default = "expiry", deserialize_with = "at_least_a_second")]
    #[schemars(extend("x-bound" = "at least `\"1s\"`"))]
    pub expiry: Time,
    /// Time after which a membership ends that is not renewed, as after the crash of a process. Each
    /// process renews those of its clients.
    #[serde(default = "group_expiry", deserialize_with = "at_least_a_second")]
    #[schemars(extend("x-bound" = "at least `\"1s\"`"))]
    pub group_expiry: Time,
    /// Secrets that encrypt messages, as in `CHANNEL_LAYERS`: the first one encrypts, and all of them
    /// decrypt. Keep them outside of the file: `"${LAYER_KEY}"`.
    #[serde(default, deserialize_with = "any_number")]
    #[schemars(
        with = "Vec<Secret>",
        transform = schema::any_number,
        extend("default" = [], "x-default" = "none: messages are not encrypted")
    )]
    pub symmetric_encryption_keys: Vec<Secret>,
    /// Types of messages that are sent to clients as JSON, such as `"chat.message"`. Other types than
    /// `websocket.send`, `websocket.close` and `websocket.accept` are dropped and counted.
    #[serde(default, deserialize_with = "any_number")]
    #[schemars(transform = schema::any_number, extend("default" = [], "x-default" = "none"))]
    pub forward: Vec<String>,
}

/// Which layer of `channels_redis` Django uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ChannelsRedis {
    /// `channels_redis.core.RedisChannelLayer`: messages wait for their receivers.
    #[default]
    Core,
    /// `channels_redis.pubsub.RedisPubSubChannelLayer`: a message reaches those who listen at that
    /// moment.
    Pubsub,
}

/// The engine of queues and of the channel layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
    /// The memory of this process.
    #[default]
    Memory,
    /// A Redis or Valkey server.
    Redis,
}

impl Default for LayerConfig {
    fn default() -> Self {
        Self {
            backend: Spanned::default(),
            url: Vec::new(),
            prefix: prefix(),
            lease: lease(),
            inline: inline(),
            store: None,
            timeout: timeout(),
            channels_redis: ChannelsRedis::default(),
            capacity: capacity(),
            expiry: expiry(),
            group_expiry: group_expiry(),
            symmetric_encryption_keys: Vec::new(),
            forward: Vec::new(),
        }
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Memory => "memory",
            Self::Redis => "redis",
        })
    }
}

text_types! {
    RedisUrl: "the URL of a Redis server", "^[a-z+]+://|\\$\\{";
}

fn prefix() -> String {
    "asgi".to_owned()
}

fn lease() -> Time {
    Time::from_secs(10)
}

fn long_lease<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Time, D::Error> {
    let lease = Time::deserialize(deserializer)?;
    if lease < LEASE_MIN {
        let message = format!("a lease of {lease} ends between two beats\nat least {LEASE_MIN}");
        return Err(D::Error::custom(message));
    }
    Ok(lease)
}

fn inline() -> Size {
    Size::new(64 << 10)
}

/// The form of `store` that every program knows.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[allow(dead_code, reason = "only for the schema: the router reads the store")]
struct StoreForm {
    /// Folder that all processes share, made if it is missing.
    folder: PathBuf,
}

/// The router reads the value, because it knows the program's kinds of stores.
fn unread<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SpannedValue>, D::Error> {
    IgnoredAny::deserialize(deserializer)?;
    Ok(Some(SpannedValue::default()))
}

fn timeout() -> Time {
    Time::from_secs(5)
}

fn capacity() -> usize {
    100
}

fn expiry() -> Time {
    Time::from_secs(60)
}

fn group_expiry() -> Time {
    Time::from_secs(24 * 60 * 60)
}

/// The server counts these times in seconds.
fn at_least_a_second<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Time, D::Error> {
    let time = Time::deserialize(deserializer)?;
    if time < Time::from_secs(1) {
        return Err(D::Error::custom("the time is too short\nwrite at least \"1s\""));
    }
    Ok(time)
}

fn servers<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<RedisUrl>, D::Error> {
    let servers: Vec<RedisUrl> = any_number(deserializer)?;
    if servers.len() > SERVERS_MAX {
        let message = format!("{} servers are too many\nat most {SERVERS_MAX}", servers.len());
        return Err(D::Error::custom(message));
    }
    Ok(servers)
}

/// Braces would change the part of a key by which a cluster distributes it.
fn short_prefix<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let prefix = String::deserialize(deserializer)?;
    if prefix.is_empty() || prefix.len() > PREFIX_MAX || prefix.contains(['{', '}']) {
        return Err(D::Error::custom(format!(
            "this cannot be the first part of keys\n\
             write 1 to {PREFIX_MAX} bytes without braces, such as \"asgi\""
        )));
    }
    Ok(prefix)
}
