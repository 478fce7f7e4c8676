//! The task queue: messages that wait for a worker, in the order of their clients' viewports.

mod outcomes;
mod task;
mod fair;
mod rules;
mod report;
mod claim;
mod cost;
mod running;
mod engine;
mod memory;
mod transit;
#[cfg(feature = "redis")]
mod redis;
mod task_queue;
#[cfg(test)]
mod tests;

pub use crate::schedule::Order;
pub(crate) use claim::{Claim, Next};
pub(crate) use cost::Cost;
pub use fair::FairBy;
#[cfg(all(feature = "redis", feature = "cli"))]
pub(crate) use redis::QueueInspector;
#[cfg(feature = "redis")]
pub(crate) use redis::{LargeContents, Shard};
#[cfg(all(feature = "redis", feature = "cli"))]
pub(crate) use report::DeadLetter;
pub(crate) use report::QueueNumbers;
#[cfg(feature = "redis")]
pub(crate) use rules::DeadLetterRules;
pub use rules::OnDisconnect;
pub(crate) use rules::Rules;
pub(crate) use task::TASK_OVERHEAD;
pub use task::Task;
pub use task_queue::TaskQueue;
#[cfg(all(feature = "cli", feature = "redis"))]
pub(crate) use transit::try_store;
pub(crate) use transit::{StoreKind, TransitFolder};
pub use transit::{TransitError, TransitFuture, TransitStore};
