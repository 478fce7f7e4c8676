//! Reports about the running service, for operators.

use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use super::Service;
use crate::config;

/// A queue and its workers.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct QueueReport {
    pub(crate) name: Arc<str>,
    /// The consumer that does its tasks.
    pub(crate) consumer: String,
    /// Where its tasks are: `memory` or `redis`.
    pub(crate) engine: &'static str,
    /// Threads that take tasks.
    pub(crate) workers: usize,
    /// Whether other processes do its tasks.
    #[serde(skip)]
    pub(crate) is_worked_elsewhere: bool,
    /// Tasks that wait.
    pub(crate) queued: usize,
    /// Tasks that have begun.
    pub(crate) running: usize,
}

/// A consumer that routes and queues name.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ConsumerReport {
    pub(crate) name: Arc<str>,
    /// The program's consumer behind the name.
    #[serde(rename = "use")]
    pub(crate) uses: String,
    /// What its state reports: [`Stateful::status`](crate::Stateful::status).
    #[serde(skip_serializing_if = "Value::is_null")]
    pub(crate) status: Value,
}

impl Service {
    /// Whether it has been told to stop.
    pub(crate) fn is_stopping(&self) -> bool {
        self.running().stopped
    }

    /// The queues, sorted by name; none while the service stops.
    pub(crate) fn queue_reports(&self) -> Vec<QueueReport> {
        let table = self.table();
        let configs = table.router().queue_configs();
        let workers = self.running().queues.workers();
        let report = |(name, workers): (Arc<str>, usize)| {
            let queue = self.queue(&name)?;
            let ((queued, running), engine) = (queue.depth(), queue.engine());
            let of_router = configs.get(&name)?;
            let is_worked_elsewhere = of_router.config.workers == config::Workers::None;
            let consumer = of_router.consumer.name().to_string();
            Some(QueueReport {
                name,
                consumer,
                engine,
                workers,
                is_worked_elsewhere,
                queued,
                running,
            })
        };
        workers.into_iter().filter_map(report).collect()
    }

    /// The consumers, sorted by name.
    pub(crate) fn consumer_reports(&self) -> Vec<ConsumerReport> {
        let table = self.table();
        let report = |consumer: &crate::routing::UsedConsumer| {
            // A state that takes long must not hold up the service.
            let state = self.running().states.state(&consumer.name);
            let status = state.map_or(Value::Null, |state| state.status());
            let (name, uses) = (Arc::clone(&consumer.name), consumer.uses.clone());
            ConsumerReport { name, uses, status }
        };
        table.router().consumers().iter().map(report).collect()
    }
}
