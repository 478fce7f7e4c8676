//! A consumer: any `async fn` whose arguments can be taken from a message and whose result can
//! become a reply, or a type that keeps state for a connection.

mod background;
mod bound;
mod chain;
mod estimate;
mod factory;
mod function;
mod instance;
mod into_reply;
mod listed;
mod precedence;
mod registry;
mod socket;

pub use background::Background;
pub(crate) use background::CheckedJob;
pub(crate) use bound::{Bound, Checked};
pub(crate) use factory::Factory;
pub use function::Consumer;
pub(crate) use instance::{Called, Instance, call};
pub use into_reply::IntoReply;
pub use listed::Listed;
pub use precedence::Precedence;
pub use registry::Registry;
pub use socket::{Constructor, SocketConsumer};
