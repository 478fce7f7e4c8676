//! `routing.toml` as it is written: every section, with its defaults and its bounds.

mod address;
mod advice;
mod auth;
mod brackets;
mod check;
mod demand;
mod document;
mod environment;
mod host;
mod include;
mod limits;
mod load;
mod log;
mod merge;
mod origin;
mod queue;
mod route;
mod secrecy;
mod server;
mod template;
mod text;

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::setting::{At, Written};

pub use address::{Listen, Proxy, PublicUrl};
pub use auth::{AuthConfig, Secret};
pub(crate) use demand::demands;
pub use environment::Environment;
pub(crate) use environment::is_stand_in;
pub use host::AllowedHost;
pub(crate) use host::Authority;
pub use limits::{Limits, LimitsConfig, RateAction};
pub use load::Loaded;
pub use log::LogConfig;
pub(crate) use origin::Allowed;
pub use origin::{Origin, Origins};
pub use queue::{ByteBounds, QueueConfig, TaskBounds};
pub use route::{AnyOf, Channels, Literal, Methods, RouteAuth, RouteConfig};
pub use server::ServerConfig;
pub use template::{PathTemplate, TemplateError};

/// The file as it is written, and those that it includes; `Router` is the file as it is used.
///
/// Texts may hold `${NAME}` or `${NAME:-default}` out of the environment, and `$${` for the
/// characters themselves. A value that is one such reference may stand for a number or a truth
/// value too.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RoutingConfig {
    /// More files, by patterns such as `"routes.d/*.toml"`, relative to this one and read in the
    /// order of their names. They may hold everything but `include`, `server` and `log`; their
    /// routes come after those of this file. Default `[]`.
    pub include: Vec<At<String>>,
    /// Where the service listens, and what it takes from the network.
    pub server: ServerConfig,
    /// How much the log buffers, shows and writes.
    pub log: LogConfig,
    /// How clients show who they are, by name.
    pub auth: BTreeMap<String, At<AuthConfig>>,
    /// How much one client may ask, where its route says nothing else.
    pub limits: LimitsConfig,
    /// Task queues, by name.
    pub queue: BTreeMap<String, At<QueueConfig>>,
    /// Consumers with options, by name.
    pub consumer: BTreeMap<String, At<ConsumerConfig>>,
    /// The routes, in order.
    pub route: Vec<At<RouteConfig>>,
    /// Consumers of routes that could not be read. Their names are still checked.
    #[serde(skip)]
    pub(crate) consumers_of_lost_routes: Vec<At<String>>,
}

/// `[consumer.NAME]`: one of the program's consumers with options, under a name of its own.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct ConsumerConfig {
    /// Which of the program's consumers. Required.
    #[serde(rename = "use")]
    pub uses: At<String>,
    /// Its options, which only it knows: all other keys, at the place of its header.
    #[serde(skip)]
    pub options: Written,
}

impl RoutingConfig {
    /// The limits of what no route has limits of its own for.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.limits.over(Limits::default())
    }
}

#[cfg(test)]
mod tests;
