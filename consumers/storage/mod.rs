//! Where files are kept: a folder, or a bucket of an S3-compatible service.
//!
//! [`Store`] keeps a file whole or not at all and says what it is called by those who fetch it;
//! [`Kept`] forgets it again unless an answer names it. [`Retention`] says what is removed for its
//! age, which [`keep_swept`] does. Only this module names the crate `object_store`.

mod address;
#[cfg(feature = "s3")]
mod bucket;
#[cfg(not(feature = "s3"))]
#[path = "no_bucket.rs"]
mod bucket;
mod clock;
mod folder;
mod free_space;
mod kept;
pub(crate) mod kind;
mod name;
mod options;
mod period;
mod retention;
mod store;
mod sweep;
mod walk;

pub use address::Address;
pub use bucket::Bucket;
pub use folder::Folder;
pub use kept::Kept;
pub use options::{BucketName, S3, Storage};
pub use retention::{Retention, keep_swept};
pub use store::Store;

/// When a client should try again after a file could not be stored.
const RETRY_MS: u64 = 5000;

/// A file was not stored or not read: clients are told the message, the log is told the cause.
fn failed(
    message: &'static str,
    cause: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> waterway::Error {
    let error = waterway::Error::new(waterway::code::STORAGE, message);
    error.with("retry_after_ms", RETRY_MS).because(cause)
}
