//! Values as they stand in a file: typed, with their places, and every mistake in them at once.
//!
//! This floor knows no file format; `config` makes [`Written`] values out of `routing.toml`.

mod deserialize;
mod error;
mod mistake;
mod nearest;
mod place;
mod read;
mod report;
mod units;
mod written;

pub use error::ReadError;
pub use mistake::Mistake;
pub use nearest::nearest;
pub(crate) use nearest::nearest_of;
pub use place::{At, Place};
pub use read::read;
pub(crate) use read::read_past;
pub use report::{Report, Source, Sources};
pub use units::{Period, Rate, Size, Time, UnitError};
pub use written::{Entry, Table, Value, Written};
