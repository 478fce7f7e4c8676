//! A consumer: any `async fn` whose arguments can be taken from a message and whose result can
//! become a reply, or a type that keeps state for a connection.

mod background;
mod function;
mod instance;
mod into_reply;
mod precedence;
mod registry;
mod socket;

pub use background::Background;
pub(crate) use background::BoundJob;
pub use function::Consumer;
pub(crate) use instance::{Called, Instance, call};
pub use into_reply::IntoReply;
pub use precedence::Precedence;
pub use registry::Registry;
pub(crate) use registry::{Blueprint, Bound};
pub use socket::{Constructor, SocketConsumer};
