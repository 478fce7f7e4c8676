//! Where files are stored: a folder, or a bucket of an S3-compatible service.
//!
//! [`Store`] stores a whole file or none, and gives its address. [`Kept`] removes the file unless
//! an answer names it. [`Retention`] decides which old files [`keep_swept`] removes. Only this
//! module names the crate `object_store`.

mod address;
#[cfg(feature = "s3")]
mod bucket;
#[cfg(not(feature = "s3"))]
#[path = "no_bucket.rs"]
mod bucket;
mod bucket_options;
mod clock;
mod error;
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
mod sweeper;
mod transit;
mod walk;

pub use address::Address;
pub use bucket::Bucket;
pub use bucket_options::{BucketName, S3};
pub use folder::Folder;
pub use kept::Kept;
pub use options::Storage;
pub(crate) use options::or_folder;
pub use retention::Retention;
pub use store::Store;
pub use sweeper::keep_swept;
pub use transit::transit;
