//! `group.join`, `group.leave` and `group.send`: rooms made in the table alone.
//!
//! The group's name and what its members are told are templates, so a chat, a board of presence or a
//! channel for each user needs no code.

mod announce;
mod join;
mod joined;
mod leave;
mod name;
mod send;
#[cfg(test)]
mod tests;

pub use join::{Join, join};
pub use leave::{Leave, leave};
pub use name::{GroupName, MemberName};
pub(crate) use send::as_it_is;
pub use send::{Recipients, Send, send};
