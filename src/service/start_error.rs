//! Why a service could not start, or could not replace its table.

use std::fmt;
use std::io;
use std::sync::Arc;

use crate::error::{Error, code};
use crate::queue::TransitError;

/// Why a service could not start, or could not replace its table.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// The state of a consumer could not start.
    State {
        /// The name of the consumer, as in `[consumer.NAME]`.
        consumer: Arc<str>,
        /// The error of [`Stateful::start`](crate::Stateful::start).
        error: Error,
    },
    /// The system could not start the threads for the workers of a queue.
    Workers {
        /// The name of the queue, as in `[queue.NAME]`.
        queue: Arc<str>,
        /// The system's error.
        error: io::Error,
    },
    /// Nothing can be stored in the store of `[layer]`.
    Store {
        /// The path of the folder, or the name of the bucket.
        place: String,
        /// Why not.
        error: TransitError,
    },
    /// The service has been stopped.
    Stopped,
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::State { consumer, error } => {
                write!(f, "the consumer {consumer} cannot start: ")?;
                match error.source() {
                    Some(cause) if error.code() == code::FAILED => write!(f, "{cause}"),
                    _ => write!(f, "{error}"),
                }
            }
            Self::Workers { queue, error } => {
                write!(
                    f,
                    "the threads for the workers of queue {queue} could not be started: {error}"
                )
            }
            Self::Store { place, error } => {
                write!(f, "the store of [layer], {place}, cannot be used: {error}")
            }
            Self::Stopped => f.write_str("the service has been stopped"),
        }
    }
}

impl std::error::Error for StartError {}
