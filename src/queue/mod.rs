//! The task queue: messages put aside, in the order of what their readers see.

mod task;
mod fair;
mod claim;
mod task_queue;

pub use crate::schedule::Order;
pub(crate) use claim::Claim;
pub use fair::FairBy;
pub use task::{Task, TaskUuid, UUID_LIMIT};
pub(crate) use task_queue::Rules;
pub use task_queue::{OnDisconnect, TaskQueue};
