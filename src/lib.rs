//! A Channels-style routed consumer service: events of WebSockets, and HTTP requests beside them,
//! go by a routing table to consumers, which answer through their client's reply channel or put
//! the message on a fair, live priority queue.
//!
//! ```
//! use waterway::testing::TestClient;
//! use waterway::{Path, Registry, Router, Text};
//!
//! async fn receive(Path(name): Path<String>, Text(text): Text) -> String {
//!     format!("{name}: {text}")
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let registry = Registry::new().function("parrot", receive);
//! let table = r#"
//!     [[route]]
//!     channel  = "websocket.receive"
//!     path     = "/parrot/{name}"
//!     consumer = "parrot"
//! "#;
//! let router = Router::parse(table, &registry).expect("the table is sound");
//!
//! let mut client = TestClient::connect(&router, "/parrot/polly").await.expect("taken");
//! client.send("hello").await;
//! assert_eq!(client.receive().await.text(), "polly: hello");
//! # client.disconnect(1000).await;
//! # }
//! ```
//!
//! Where to begin:
//!
//! * A consumer is a function ([`Consumer`]) or keeps state for its connection
//!   ([`SocketConsumer`]). Its arguments are [`FromMessage`], its result is [`IntoReply`].
//! * A [`Registry`] lists consumers by name; a [`Router`] is the table that routes to them, read
//!   from `routing.toml` ([`RoutingConfig`] is that file as it is written).
//! * [`ReplyChannel`] leads back to the client, [`ChannelLayer`] to others and to groups.
//! * A job that runs beside a consumer for as long as it is served is a [`Background`].
//! * [`TaskQueue`] takes a [`Task`] for workers: clients share their time fairly, and each task
//!   has exactly one answer.
//! * [`server::run`] serves a router; [`testing`] drives one without a socket.
//!
//! No consumer is in this crate; those that ship, and the program `waterway`, are in `consumers/`.

mod supervise;
mod error;
mod setting;
mod machine;
mod spare;
mod memory;
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
    AllowedHost, AnyOf, AuthConfig, ByteBounds, Channels, ConsumerConfig, Environment, Limits,
    LimitsConfig, Listen, Literal, Loaded, LogConfig, Methods, Origin, Origins, PathTemplate,
    Proxy, PublicUrl, QueueConfig, RateAction, RouteAuth, RouteConfig, RoutingConfig, Secret,
    ServerConfig, TaskBounds, TemplateError,
};
pub use consumer::{
    Background, Constructor, Consumer, IntoReply, Precedence, Registry, SocketConsumer,
};
pub use error::{Error, code};
pub use extract::{
    Binary, Binding, Claims, CloseCode, FromBinding, FromMessage, Head, Headers, Json, Options,
    Path, Query, Text,
};
pub use layer::{ChannelLayer, Delivery, GROUPS_PER_CLIENT, Group};
pub use memory::{Budget, Grant, Need};
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
pub use worker::give_way;

// Public signatures of this crate have types of these crates.
pub use {bytes, http, serde_json};

/// The examples of the README are compiled and run with the documentation's own.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
