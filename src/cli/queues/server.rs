//! The queues of a table in the server of `[layer]`.

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

use super::{App, sound};
use crate::cli::arguments::TableFile;
use crate::cli::table::Source;
use crate::config::{Backend, LayerConfig, RoutingConfig};
use crate::queue::{QueueInspector, QueueNumbers};
use crate::redis::{Failure, Server};
use crate::setting::nearest;

/// The server of a table.
pub(super) struct Place {
    source: Source,
    layer: LayerConfig,
    server: Server,
    runtime: Runtime,
}

/// A queue of a table, in its server.
pub(super) struct PlacedQueue {
    pub(super) name: String,
    pub(super) inspector: QueueInspector,
    /// How long a dead letter is kept.
    pub(super) keep: Duration,
    place: Place,
}

/// A queue as `GET /v1/queues` shows it, without the workers of a process.
#[derive(Serialize)]
struct Report<'a> {
    name: &'a str,
    consumer: &'a str,
    engine: &'static str,
    #[serde(flatten)]
    numbers: QueueNumbers,
}

/// The reports of all queues.
pub(super) fn reports(source: &Source, config: &RoutingConfig) -> Result<Vec<Value>, String> {
    let place = Place::new(source, config)?;
    let mut reports = Vec::new();
    for (name, queue) in &config.queue {
        let inspector = place.queue(name);
        let numbers = place.reach(inspector.numbers())?;
        let report = Report { name, consumer: &queue.consumer.value, engine: "redis", numbers };
        reports.push(serde_json::to_value(report).map_err(|error| error.to_string())?);
    }
    Ok(reports)
}

impl Place {
    fn new(source: &Source, config: &RoutingConfig) -> Result<Self, String> {
        let layer = config.layer.clone();
        let url = layer.url.first().ok_or("[layer] names no server")?;
        let server = Server::new(url.clone(), layer.timeout.duration());
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| format!("the server cannot be asked: {error}"))?;
        Ok(Self { source: source.clone(), layer, server, runtime })
    }

    fn queue(&self, name: &str) -> QueueInspector {
        QueueInspector::new(self.server.clone(), &self.layer.prefix, name)
    }

    /// Waits for the answer of the server.
    fn reach<T>(&self, call: impl Future<Output = Result<T, Failure>>) -> Result<T, String> {
        self.runtime.block_on(Box::pin(call)).map_err(|failure| {
            let Self { source, layer, .. } = self;
            let way_out = match failure {
                Failure::Away(_) => format!("start it, or change [layer] url in {source}"),
                Failure::Full => "raise its maxmemory".to_owned(),
                Failure::Refused(_) => format!(
                    "the user of [layer] url must be allowed to run scripts on {}:waterway:*",
                    layer.prefix
                ),
            };
            let url = layer.url.first().map(ToString::to_string).unwrap_or_default();
            format!("the queues of {source} are in {url}: {failure}\n{way_out}")
        })
    }
}

impl PlacedQueue {
    /// The queue of this name.
    ///
    /// # Errors
    /// If the table has mistakes or no such queue, or its queues are in memory.
    pub(super) fn find(app: &App, file: &TableFile, name: &str) -> Result<Self, String> {
        let (source, loaded) = sound(app, file)?;
        let config = &loaded.config;
        let Some(queue) = config.queue.get(name) else {
            let help = nearest(name, "queues", config.queue.keys().map(String::as_str));
            let help = help.unwrap_or_else(|| "it has no queues".to_owned());
            return Err(format!("there is no queue {name:?} in {source}\n{help}"));
        };
        if *config.layer.backend == Backend::Memory {
            return Err(format!(
                "the queue {name:?} of {source} is in the memory of the process that serves it, and \
                 has no dead letters: it ends with its workers\n\
                 queues in Redis have some: [layer] with backend = \"redis\""
            ));
        }
        let place = Place::new(&source, config)?;
        let inspector = place.queue(name);
        let keep = queue.dead_letters.keep.duration();
        Ok(Self { name: name.to_owned(), inspector, keep, place })
    }

    /// Waits for the answer of the server about the queue.
    pub(super) fn reach<T>(
        &self,
        call: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, String> {
        self.place.reach(call)
    }
}
