//! Typed values read from a file: each knows its span, and all mistakes are found in one pass.
//!
//! This module knows no file format; `config` makes [`SpannedValue`]s from `routing.toml`.

mod deserialize;
mod error;
mod diagnostic;
mod nearest;
mod span;
mod read;
mod report;
pub(crate) mod schema;
mod units;
mod spanned_value;

pub use diagnostic::Diagnostic;
pub use error::ReadError;
pub use nearest::nearest;
pub(crate) use nearest::nearest_of;
pub use read::read;
pub(crate) use read::read_past;
pub use report::{Report, Source, Sources};
pub use schema::ConsumerOptions;
pub(crate) use schema::OptionSchemas;
pub(crate) use schema::text_schemas;
pub use span::{Span, Spanned};
pub use spanned_value::{Entry, SpannedValue, Table, Value};
pub use units::{Period, Rate, Size, Time, UnitError};
