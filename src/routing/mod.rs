//! The routing table as used: which consumer takes which event of which path.

mod build;
mod consumers;
mod explain;
mod route;
mod schema;
mod store;
mod table;
mod matched_routes;
mod terms;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use schemars::Schema;

use crate::config::{
    AdminConfig, LayerConfig, Limits, LimitsConfig, Loaded, QueueConfig, RoutingConfig,
    ServerConfig,
};
use crate::consumer::{Checked, Registry};
use crate::queue::TransitStore;
use crate::setting::SpannedValue;

pub(crate) use consumers::UsedConsumer;
pub use explain::{Explanation, Question};
pub(crate) use matched_routes::{MatchedRoutes, Refusal};
pub(crate) use route::{Named, Route};
#[cfg(feature = "cli")]
pub(crate) use schema::{as_written, described};
pub use table::Row;
pub use terms::{Limit, NeededToken, QueueTerms, Terms};

/// The routing table as used: routes, the consumers that they name, queues and limits. It is
/// immutable, and making one does not start or open anything; a [`Service`](crate::Service) does
/// that. Clones are the same router.
#[derive(Clone)]
pub struct Router {
    inner: Arc<Inner>,
}

struct Inner {
    server: ServerConfig,
    admin: Option<AdminConfig>,
    layer: LayerConfig,
    /// The store of `[layer] store`.
    store: Option<Arc<dyn TransitStore>>,
    limits: Limits,
    /// `[limits]` as written.
    limits_as_written: LimitsConfig,
    /// `[log] summary`.
    summary: Duration,
    routes: Vec<Arc<Route>>,
    queues: BTreeMap<Arc<str>, QueueOfRouter>,
    consumers: Vec<UsedConsumer>,
    /// All of the table as it is written, by which tables are compared.
    written: SpannedValue,
}

/// A queue of the table, and the consumer that does its tasks.
pub(crate) struct QueueOfRouter {
    pub(crate) config: QueueConfig,
    pub(crate) consumer: Checked,
}

impl Router {
    /// Reads a routing table from a file and the environment.
    ///
    /// # Errors
    /// All mistakes in the table.
    pub fn load(path: impl AsRef<Path>, registry: &Registry) -> Result<Self, Box<Loaded>> {
        Self::build(RoutingConfig::load(path), registry).map(|(router, _)| router)
    }

    /// The JSON schema of routing tables (draft 7), with the options of every consumer of a registry.
    ///
    /// ```
    /// use waterway::{Registry, Router, Text};
    ///
    /// async fn shout(Text(text): Text) -> String {
    ///     text.to_uppercase()
    /// }
    ///
    /// let schema = Router::schema(&Registry::new().function("shout", shout));
    /// assert_eq!(schema.pointer("/properties/server/properties/threads/maximum").unwrap(), 256);
    /// ```
    #[must_use]
    pub fn schema(registry: &Registry) -> Schema {
        schema::for_editors(registry)
    }

    /// Reads a routing table from a text, without an environment: for tests and examples.
    ///
    /// # Errors
    /// All mistakes in the table.
    pub fn parse(text: &str, registry: &Registry) -> Result<Self, Box<Loaded>> {
        let loaded = RoutingConfig::parse(text, "routing.toml", &|_| None);
        Self::build(loaded, registry).map(|(router, _)| router)
    }

    /// Builds the router of a table that was read: finds every consumer and lets it read its
    /// options. Returns the router, and the loaded file with its warnings.
    ///
    /// # Errors
    /// The loaded file with all mistakes: those found while reading and those found while building.
    pub fn build(
        mut loaded: Loaded,
        registry: &Registry,
    ) -> Result<(Self, Box<Loaded>), Box<Loaded>> {
        match build::build(&mut loaded, registry) {
            Some(router) => Ok((router, Box::new(loaded))),
            None => Err(Box::new(loaded)),
        }
    }

    /// `[server]`.
    #[must_use]
    pub fn server(&self) -> &ServerConfig {
        &self.inner.server
    }

    /// `[admin]`.
    #[must_use]
    pub fn admin(&self) -> Option<&AdminConfig> {
        self.inner.admin.as_ref()
    }

    /// `[layer]`.
    #[must_use]
    pub fn layer(&self) -> &LayerConfig {
        &self.inner.layer
    }

    /// The store of `[layer] store`.
    #[cfg_attr(
        not(feature = "redis"),
        expect(dead_code, reason = "only queues in a server have a store")
    )]
    pub(crate) fn store(&self) -> Option<&Arc<dyn TransitStore>> {
        self.inner.store.as_ref()
    }

    /// The table's routes, in order.
    #[must_use]
    pub fn rows(&self) -> Vec<Row> {
        self.inner.routes.iter().map(|route| Row::new(route)).collect()
    }

    /// The names of its queues, sorted.
    #[must_use]
    pub fn queues(&self) -> impl ExactSizeIterator<Item = &Arc<str>> {
        self.inner.queues.keys()
    }

    /// Whether a route has a consumer whose work is done outside of this process.
    #[cfg(feature = "cli")]
    pub(crate) fn works_outside(&self) -> bool {
        self.inner.routes.iter().any(|route| route.consumer().charges_elapsed())
    }

    pub(crate) fn routes(&self) -> &[Arc<Route>] {
        &self.inner.routes
    }

    pub(crate) fn queue_configs(&self) -> &BTreeMap<Arc<str>, QueueOfRouter> {
        &self.inner.queues
    }

    /// The consumers that routes and queues name.
    pub(crate) fn consumers(&self) -> &[UsedConsumer] {
        &self.inner.consumers
    }

    /// The files that belong to its consumers, each with whether the consumer's own `reload` demands
    /// that it is watched.
    #[cfg_attr(
        not(feature = "cli"),
        expect(dead_code, reason = "only a program of `cli` watches files")
    )]
    pub(crate) fn files_of_consumers(&self) -> BTreeMap<PathBuf, bool> {
        let mut files = BTreeMap::new();
        for consumer in self.consumers() {
            for file in consumer.files() {
                *files.entry(file).or_default() |= consumer.is_watched();
            }
        }
        files
    }

    /// The files of consumers whose `reload` lists patterns, so that other files may match by now.
    #[cfg_attr(
        not(feature = "cli"),
        expect(dead_code, reason = "only a program of `cli` watches files")
    )]
    pub(crate) fn files_by_patterns(&self) -> impl Iterator<Item = PathBuf> {
        let listing = self.consumers().iter().filter(|consumer| consumer.lists_patterns());
        listing.flat_map(UsedConsumer::files)
    }

    /// Whether there are such consumers.
    #[cfg_attr(
        not(feature = "cli"),
        expect(dead_code, reason = "only a program of `cli` watches files")
    )]
    pub(crate) fn has_files_by_patterns(&self) -> bool {
        self.consumers().iter().any(UsedConsumer::lists_patterns)
    }

    /// All of the table as it is written, with the environment and the included files.
    pub(crate) fn written(&self) -> &SpannedValue {
        &self.inner.written
    }

    /// `[limits]`.
    pub(crate) fn limits(&self) -> &Limits {
        &self.inner.limits
    }

    /// `[limits]`, without the defaults.
    pub(crate) fn limits_as_written(&self) -> &LimitsConfig {
        &self.inner.limits_as_written
    }

    /// How often queues report to the log: `[log] summary`.
    pub(crate) fn summary(&self) -> Duration {
        self.inner.summary
    }
}

impl std::fmt::Debug for Router {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Router").field("routes", &self.inner.routes.len()).finish_non_exhaustive()
    }
}
