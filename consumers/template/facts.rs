//! The sources of a template's parameters.

use waterway::Message;

/// The sources of a template's parameters.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Facts<'a> {
    /// The message.
    pub(crate) message: &'a Message,
    /// How many members the group has; `None` where no group is known.
    pub(crate) members: Option<usize>,
}

impl<'a> From<&'a Message> for Facts<'a> {
    fn from(message: &'a Message) -> Self {
        Self { message, members: None }
    }
}
