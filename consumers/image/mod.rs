//! The picture service: from a message's bytes to the answer's fields.
//!
//! A page's picture comes to [`receive`], which reads its [`header`] and puts it on the queue;
//! [`work()`] takes it from there, splits the picture off ([`framing`]) and does what [`Pictures`]
//! says, asking between the stages whether anybody still waits. Picture codecs are named in
//! [`codec`] alone.

pub mod admission;
pub mod cache;
pub mod codec;
mod colour;
mod connect;
mod control;
mod enlarge;
pub mod folding;
pub mod framing;
mod gaussian;
pub mod geometry;
mod guard;
mod halve;
pub mod header;
mod job;
mod limits;
mod need;
mod options;
pub mod picture;
pub mod pipeline;
mod pixels;
mod plan;
mod planes;
pub(crate) mod precedence;
pub mod profile;
mod receive;
mod resize;
mod scratch;
mod service;
pub mod step;
pub mod work;
mod worker;

pub use connect::{connect, disconnect};
pub use control::{cancel, reprioritise, viewport};
pub use framing::Frame;
pub use header::Header;
pub use job::{Encoded, Worked};
pub use need::need;
pub use options::{Keep, OnTruncated, Pictures};
pub use receive::{http, receive};
pub use service::Service;
pub use worker::{sweep, work};

/// The codes of the picture service's own errors, beside [`waterway::code`].
pub mod code {
    /// The message's body is not a picture that this service takes.
    pub const BAD_IMAGE: &str = "bad_image";
    /// A step of the pipeline could not be done on this picture.
    pub const STEP_FAILED: &str = "step_failed";
}

/// Asked before each stage, with the stage's name, whether to go on: this is how a cancellation
/// reaches work that is under way, and how progress reaches the client.
pub type Checkpoint<'a> = dyn FnMut(&'static str) -> Result<(), waterway::Error> + Send + 'a;
