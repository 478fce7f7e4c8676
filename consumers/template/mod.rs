//! Texts of the table with parameters: `room.{room}`, `{claims.sub}`, `{query.name:-guest}`.

mod content;
mod facts;
mod json;
mod parameter;
mod templated;
#[cfg(test)]
mod tests;
mod text;

pub(crate) use content::Content;
pub(crate) use facts::Facts;
pub use json::JsonTemplate;
pub(crate) use parameter::{Source, without_group};
pub use templated::Templated;
pub(crate) use templated::Templates;
pub(crate) use text::Part;
pub use text::Template;
