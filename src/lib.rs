//! A Channels-style routed consumer service.

mod error;

pub use error::{Error, code};
