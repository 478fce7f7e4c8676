//! Why a command was not carried out.

use std::fmt;
use std::time::Duration;

use redis::{ErrorKind, RedisError, ServerErrorKind};

use crate::error::{Error, code};

/// Why a command was not carried out.
#[derive(Debug, Clone)]
pub(crate) enum Failure {
    /// The server is away, or cannot serve at the moment. It is unknown whether it has carried out
    /// the command.
    Away(String),
    /// The server has no memory for the command, and has done nothing.
    Full,
    /// The server refuses the command.
    Refused(RedisError),
}

/// The time after which a client may try again.
const RETRY: Duration = Duration::from_secs(1);

impl Failure {
    /// The error for a client: `refused`, with the time after which it may try again. Only the log
    /// shows the cause.
    pub(crate) fn error(&self) -> Error {
        let message = match self {
            Self::Away(_) => "the service cannot reach its queue at the moment",
            Self::Full => "no memory is free for it at the moment",
            Self::Refused(_) => return Error::failed(self.clone()),
        };
        let retry = u64::try_from(RETRY.as_millis()).unwrap_or(u64::MAX);
        Error::new(code::REFUSED, message).with("retry_after_ms", retry).because(self.clone())
    }

    /// Whether another connection may do better.
    pub(super) fn ends_connection(error: &RedisError) -> bool {
        error.is_io_error()
            || error.is_timeout()
            || error.is_connection_dropped()
            || matches!(
                error.kind(),
                // The server has become a replica: a sentinel knows the new master.
                ErrorKind::Server(ServerErrorKind::ReadOnly | ServerErrorKind::MasterDown)
            )
    }
}

impl From<RedisError> for Failure {
    fn from(error: RedisError) -> Self {
        let is_away = Self::ends_connection(&error)
            || matches!(
                error.kind(),
                ErrorKind::AuthenticationFailed
                    | ErrorKind::MasterNameNotFoundBySentinel
                    | ErrorKind::Server(
                        ServerErrorKind::BusyLoading
                            | ServerErrorKind::TryAgain
                            | ServerErrorKind::ClusterDown
                    )
            );
        match error.code() {
            Some("OOM") => Self::Full,
            // A primary without enough replicas, or one that cannot save to its disk.
            Some("NOREPLICAS" | "MISCONF" | "BUSY") => Self::Away(error.to_string()),
            _ if is_away => Self::Away(error.to_string()),
            _ => Self::Refused(error),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Away(why) => write!(f, "Redis is away: {why}"),
            Self::Full => f.write_str("Redis is out of memory"),
            Self::Refused(error) => write!(f, "Redis refuses a command: {error}"),
        }
    }
}

impl std::error::Error for Failure {}
