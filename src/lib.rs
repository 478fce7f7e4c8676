//! A Channels-style routed consumer service: a routing table maps WebSocket events and HTTP
//! requests to consumers. A consumer answers through its client's reply channel, or pushes the
//! message to a fair, live priority queue.
//!
//! ```
//! use waterway::testing::TestClient;
//! use waterway::{Path, Registry, Router, Service, Text};
//!
//! async fn receive(Path(name): Path<String>, Text(text): Text) -> String {
//!     format!("{name}: {text}")
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let registry = Registry::new().function("parrot", receive);
//! let table = r#"
//!     [[route]]
//!     channel  = "websocket.receive"
//!     path     = "/parrot/{name}"
//!     consumer = "parrot"
//! "#;
//! let service = Service::start(Router::parse(table, &registry)?).await?;
//!
//! let mut client = TestClient::connect(&service, "/parrot/polly").await.expect("accepted");
//! client.send("hello").await;
//! assert_eq!(client.receive().await.text(), "polly: hello");
//! # client.disconnect(1000).await;
//! # Ok(())
//! # }
//! ```
//!
//! Where to begin:
//!
//! * A consumer is a function ([`Consumer`](consumer::Consumer)) or a type that keeps state for its connection
//!   ([`SocketConsumer`]). Its arguments are [`FromMessage`], its result is [`IntoReply`]. If the
//!   compiler refuses one, [`#[waterway::consumer]`](macro@consumer) makes it say why.
//! * A [`Registry`] lists consumers by name; a [`Router`] is the table that routes to them, read
//!   from `routing.toml` ([`RoutingConfig`](config::RoutingConfig) is that file as written). A [`Service`] is a running
//!   table.
//! * [`ReplyChannel`] leads back to the client, [`ChannelLayer`] to other clients and to groups.
//! * A [`Stateful`] type is the state that a consumer keeps for all of its clients, and a [`State`]
//!   is the argument that gives access to it.
//! * A [`Background`] job runs for as long as its consumer is served.
//! * [`TaskQueue`] takes a [`Task`] for workers: clients share their time fairly, and each task
//!   has exactly one answer.
//! * [`server::run`] serves the clients of a service; [`testing`] drives a service without a
//!   socket.
//! * [`cli::App`] makes a program of a registry, with its commands, its log and its signals.
//!
//! The shipped consumers and the program `waterway` are not in this crate, but in `consumers/`.

pub mod panics;
mod supervise;
mod error;
pub mod setting;
pub mod machine;
mod spare;
mod contents;
pub mod redis;
pub mod memory;
pub mod reply;
pub mod message;
pub mod layer;
mod state;
pub mod extract;
mod schedule;
pub mod queue;
pub mod action;
pub mod consumer;
pub mod worker;
pub mod auth;
pub mod config;
pub mod routing;
pub mod service;
mod connection;
pub mod server;
pub mod testing;
#[cfg(feature = "cli")]
pub mod cli;

// The names that authors of consumers write. The modules above have the rest.
pub use action::Actions;
pub use consumer::{Background, IntoReply, Registry, SocketConsumer};
pub use error::{Error, code};
pub use extract::{Binary, Claims, FromMessage, Head, Headers, Json, Options, Path, Query, Text};
pub use layer::ChannelLayer;
pub use message::{Cancellation, Message, TaskPlace, TaskUuid};
pub use queue::{Task, TaskQueue};
pub use reply::{Payload, Reply, ReplyChannel};
pub use routing::Router;
pub use service::Service;
pub use setting::Time;
pub use state::{Host, State, Stateful};
pub use waterway_macros::consumer;

// Public signatures of this crate contain types of these crates.
pub use {bytes, http, schemars, serde_json};

/// Compiles and runs the examples of the documents with those of the documentation.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(doctest)]
#[doc = include_str!("../docs/consumers.md")]
struct Consumers;

#[cfg(doctest)]
#[doc = include_str!("../docs/moving.md")]
struct Moving;
