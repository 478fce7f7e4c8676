//! The way to a client's socket that bypasses its connection's task.

use std::fmt;

use super::Payload;

/// Writes a message to a client's socket without waking the connection's task.
pub(crate) trait Direct: fmt::Debug + Send + Sync {
    /// Writes to the socket until it is full; writes nothing if another task is using the socket.
    fn try_send(&self, payload: &Payload) -> Tried;
}

/// How much of a message was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tried {
    Nothing,
    /// The connection's task has to write the rest.
    Part,
    Whole,
}
