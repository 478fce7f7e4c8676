//! The picture service: from a message's bytes to the answer's fields.
//!
//! [`receive`] takes a page's picture, reads its [`header`] and puts it on the queue. [`work()`]
//! takes it from there, splits off the picture ([`framing`]) and does the work that [`Pictures`]
//! describes. Between the stages it checks whether a client still waits. The crate [`imaging`]
//! decodes, changes and encodes the picture itself.

pub mod admission;
pub mod cache;
pub mod coalescing;
pub mod code;
mod checkpoint;
mod connect;
mod error;
pub mod framing;
pub mod header;
mod job;
mod limits;
mod need;
mod options;
pub(crate) mod pipelines;
mod receive;
mod service;
pub mod steps;
mod worked;
mod worker;
mod workers;

pub use checkpoint::Checkpoint;
pub use connect::{connect, disconnect};
pub use framing::Frame;
pub use header::Header;
pub use limits::Limits;
pub use need::need;
pub use options::{Keep, OnTruncated, Pictures};
pub use receive::{http, receive};
pub use service::Service;
pub use worked::{Encoded, Worked};
pub use worker::{sweep, work};
