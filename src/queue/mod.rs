//! The task queue: messages put aside, in the order of what their readers see.

mod outcomes;
mod task;
mod fair;
mod rules;
mod claim;
mod running;
mod task_queue;
mod work;

pub use crate::schedule::Order;
pub(crate) use claim::Claim;
pub use fair::FairBy;
pub use rules::OnDisconnect;
pub(crate) use rules::Rules;
pub use task::{Task, TaskUuid, UUID_LIMIT};
pub(crate) use task_queue::TASK_OVERHEAD;
pub use task_queue::TaskQueue;
pub(crate) use work::Next;
