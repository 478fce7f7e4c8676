//! `routing.toml` as written, with the files that it includes: every section, with its defaults and
//! bounds. `Router` is the table as used.
//!
//! Doc comments of sections and keys are also the text of docs/reference.md and of the JSON schema.

mod address;
mod admin;
mod advice;
mod auth;
mod brackets;
mod check;
mod consumer_names;
mod demand;
mod document;
mod environment;
mod host;
mod in_use;
mod include;
mod layer;
mod limits;
mod load;
mod log;
mod merge;
mod origin;
mod queue;
mod route;
mod secrecy;
mod sections;
mod server;
mod template;
mod test;
mod text;
mod watched;

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::setting::schema::about;
use crate::setting::{Spanned, SpannedValue};

pub use address::{Listen, Proxy, PublicUrl};
pub use admin::AdminConfig;
pub use auth::{AuthConfig, Secret};
pub use consumer_names::ConsumerNames;
pub(crate) use demand::{demands, has_token};
pub use environment::Environment;
pub(crate) use environment::is_stand_in;
pub use host::AllowedHost;
pub(crate) use host::Authority;
pub use in_use::InUse;
#[cfg(feature = "cli")]
pub(crate) use include::files;
pub use layer::{Backend, ChannelsRedis, LayerConfig};
pub use limits::{Limits, LimitsConfig, RateAction};
pub use load::Loaded;
pub use log::LogConfig;
pub(crate) use origin::Allowed;
pub use origin::{Origin, Origins};
pub use queue::{ByteBounds, DeadLetterBounds, QueueConfig, TaskBounds, Workers};
pub use route::{AnyOf, Channels, Literal, Methods, RouteAuth, RouteConfig};
pub use server::{ReloadOn, ServerConfig};
pub use template::{PathTemplate, TemplateError};
pub use test::{TestBody, TestConfig, TestExpect, TestRequest, TestStep};
pub use watched::WatchedFiles;

/// `routing.toml` is the whole deployment. `waterway check` reports every mistake in it, with its
/// line, its column and what to write instead. Unknown keys are mistakes.
///
/// | value | how to write it |
/// |---|---|
/// | time | `"250ms"`, `"30s"`, `"5m"`, `"2h"`, `"1d"`; at most a year |
/// | size | `"512B"`, `"64KiB"`, `"8MiB"`, `"1GiB"`; `"1MB"` is a million bytes |
/// | rate | `"60/s"`, `"100/m"`, `"1000/h"`, `"10000/d"`, `"off"` |
/// | environment | `"${NAME}"` or `"${NAME:-default}"` in any text; a value that is one such reference may also be a number or a truth value. Write `$${` for a plain `${` |
/// | list | where a list is expected, a single value is accepted too, except in `include` |
/// | path | relative to `[server] root`, which is the working folder by default. Paths in `include` are relative to the file that names them |
///
/// `include = ["routes.d/*.toml"]` reads further files: a list of files or patterns, read in the order
/// of their names, at most 256 files. An included file may hold everything but `include`,
/// `[server]`, `[admin]`, `[layer]` and `[log]`. Each section may be written only once in all the files together. Routes of included
/// files come after the routes of the file that includes them.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RoutingConfig {
    /// Further files, as patterns such as `"routes.d/*.toml"`, relative to this file and read in
    /// the order of their names.
    pub include: Vec<Spanned<String>>,
    /// The network: where the service listens, and the bounds for its clients.
    #[schemars(extend("x-about" = about::<ServerConfig>()))]
    pub server: ServerConfig,
    /// The listener for operators and for other programs of the deployment. Without this section there
    /// is none.
    #[schemars(extend("x-about" = about::<AdminConfig>()))]
    pub admin: Option<AdminConfig>,
    /// Where groups, reply channels and queues live: in this process, or in a server that many
    /// processes share.
    #[schemars(extend("x-about" = about::<LayerConfig>()))]
    pub layer: LayerConfig,
    /// How much the log buffers and writes.
    #[schemars(extend("x-about" = about::<LogConfig>()))]
    pub log: LogConfig,
    /// Tokens that routes may demand, by name.
    #[schemars(extend("x-about" = about::<AuthConfig>()))]
    pub auth: BTreeMap<String, Spanned<AuthConfig>>,
    /// Limits of every route without its own `limits = { … }`.
    #[schemars(extend("x-about" = about::<LimitsConfig>()))]
    pub limits: LimitsConfig,
    /// Task queues, by name.
    #[schemars(extend("x-about" = about::<QueueConfig>()))]
    pub queue: BTreeMap<String, Spanned<QueueConfig>>,
    /// Consumers with options, by name.
    #[schemars(extend("x-about" = about::<ConsumerConfig>()))]
    pub consumer: BTreeMap<String, Spanned<ConsumerConfig>>,
    /// The routes, in order.
    #[schemars(extend("x-about" = about::<RouteConfig>()))]
    pub route: Vec<Spanned<RouteConfig>>,
    /// Tests of the table, which `waterway test` runs.
    #[schemars(extend("x-about" = about::<TestConfig>()))]
    pub test: Vec<Spanned<TestConfig>>,
    /// Consumers of routes that could not be read. Their names are still checked.
    #[serde(skip)]
    pub(crate) consumers_of_lost_routes: Vec<Spanned<String>>,
    /// The whole table as written, with the environment substituted and the included files merged.
    #[serde(skip)]
    pub(crate) written: Written,
}

/// A table as written. `Debug` does not show it, because it holds secrets.
#[derive(Clone, Default)]
pub(crate) struct Written(pub(crate) SpannedValue);

impl fmt::Debug for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Written").finish_non_exhaustive()
    }
}

/// A consumer of the program, with options, under a name chosen in the table. `use` names the
/// program's consumer. All other keys are its options.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub struct ConsumerConfig {
    /// One of the program's consumers. A key of its own may name a consumer in its place.
    // See `Registry::kind`.
    #[serde(rename = "use")]
    pub uses: Option<Spanned<String>>,
    /// The consumer's options: all other keys. Only the consumer knows them. Their span is the
    /// section's header.
    #[serde(skip)]
    pub options: SpannedValue,
    /// Whether `use` is written, or may have been before a syntax mistake, so that it is not
    /// reported as missing.
    #[serde(skip)]
    pub(crate) use_is_written: bool,
}

impl RoutingConfig {
    /// The limits of routes without limits of their own.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.limits.over(Limits::default())
    }
}

#[cfg(test)]
mod tests;
