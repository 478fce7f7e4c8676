//! Reports about the running service, for operators.

use std::sync::Arc;

use futures_util::future::join_all;
use serde::Serialize;
use serde_json::Value;

use super::Service;
use crate::config::Workers;
use crate::queue::QueueNumbers;

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
    #[serde(flatten)]
    pub(crate) numbers: QueueNumbers,
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

    /// The name of a queue of this process whose workers have all ended.
    pub(crate) fn queue_without_workers(&self) -> Option<Arc<str>> {
        let table = self.table();
        let configs = table.router().queue_configs();
        let has_none = |(name, workers): &(Arc<str>, usize)| {
            let works_here = configs.get(name).map(|queue| queue.config.workers != Workers::None);
            *workers == 0 && works_here == Some(true)
        };
        self.running().queues.workers().into_iter().find(has_none).map(|(name, _)| name)
    }

    /// The queues, sorted by name; none while the service stops.
    pub(crate) async fn queue_reports(&self) -> Vec<QueueReport> {
        let table = self.table();
        let configs = table.router().queue_configs();
        let workers = self.running().queues.workers();
        let reports = workers.into_iter().filter_map(|(name, workers)| {
            let (queue, of_router) = (self.queue(&name)?, configs.get(&name)?);
            let consumer = of_router.consumer.name().to_string();
            Some(async move {
                let (engine, numbers) = (queue.engine(), queue.numbers().await);
                QueueReport { name, consumer, engine, workers, numbers }
            })
        });
        join_all(reports).await
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
