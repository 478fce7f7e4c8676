//! A Channels-style routed consumer service.

mod error;
mod setting;
mod reply;
mod message;
mod layer;
mod extract;
mod consumer;
mod schedule;
mod queue;
mod worker;
mod auth;
mod config;
mod routing;
mod connection;
pub mod server;
pub mod testing;

pub use auth::{Algorithm, Source as TokenSource, Token, Verified, sign};
pub use config::{
    AnyOf, AuthConfig, ByteBounds, Channels, ConsumerConfig, Environment, Limits, LimitsConfig,
    Listen, Literal, Loaded, Methods, Origin, PathTemplate, Proxy, PublicUrl, QueueConfig,
    RouteConfig, RoutingConfig, Secret, ServerConfig, TaskBounds, TemplateError,
};
pub use consumer::{Constructor, Consumer, IntoReply, Registry, SocketConsumer};
pub use error::{Error, code};
pub use extract::{
    Binary, Binding, Claims, CloseCode, FromMessage, Head, Json, Options, Path, Query, Text,
};
pub use layer::{ChannelLayer, Delivery, GROUPS_PER_CLIENT, Group};
pub use message::{Cancellation, Channel, Content, HEAD_LIMIT, Message, Params, Reason, Scope};
pub use queue::{FairBy, OnDisconnect, Order, Task, TaskQueue, TaskUuid, UUID_LIMIT};
pub use reply::{
    Close, Envelope, FilePart, OutboxLimits, Payload, Reply, ReplyChannel, Sent, Slow, close,
    to_json,
};
pub use routing::{Explanation, Question, Router, Row};
pub use setting::{
    At, Entry, Mistake, Period, Place, Rate, ReadError, Report, Size, Source, Sources, Table, Time,
    UnitError, Value, Written, nearest, read,
};
