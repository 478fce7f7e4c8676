//! The error for a file that was not stored or read.

use std::error::Error as StdError;

use waterway::{Error, code};

/// When a client should try again after a file could not be stored, in milliseconds.
pub(super) const RETRY_MS: u64 = 5000;

/// The error for a file that was not stored or read. Clients get the message; the cause goes to the
/// log.
pub(super) fn failed(
    message: &'static str,
    cause: impl Into<Box<dyn StdError + Send + Sync>>,
) -> Error {
    let error = Error::new(code::STORAGE, message);
    error.with("retry_after_ms", RETRY_MS).because(cause)
}
