//! The longest message of a client, in one frame or in several. tungstenite has such a bound too, but
//! cannot change it for an open connection.

use std::fmt;

use super::BINARY;

/// The longest content of a frame that carries no part of a message (RFC 6455, section 5.5).
const CONTROL_MAX: usize = 125;

/// The longest message of a client.
pub(super) struct Bound {
    most: usize,
    /// The bytes of the message that the last frame belongs to, up to the end of this frame.
    message: usize,
}

/// Why a message is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::connection) struct TooBig {
    bytes: usize,
    most: usize,
}

impl Bound {
    pub(super) fn new(most: usize) -> Self {
        Self { most, message: 0 }
    }

    /// Follows the limit of another table from the next frame on.
    pub(super) fn set(&mut self, most: usize) {
        self.most = most;
    }

    /// Counts a frame with this opcode and this many bytes. `continues` says whether it continues the
    /// message of an earlier one.
    ///
    /// # Errors
    /// If the message is too long, or the frame carries no part of a message and is too long too.
    pub(super) fn count(
        &mut self,
        opcode: u8,
        bytes: usize,
        continues: bool,
    ) -> Result<(), TooBig> {
        let bytes = if opcode <= BINARY {
            let before = if continues { self.message } else { 0 };
            self.message = before.saturating_add(bytes);
            self.message
        } else if bytes <= CONTROL_MAX {
            return Ok(());
        } else {
            bytes
        };
        if bytes > self.most { Err(TooBig { bytes, most: self.most }) } else { Ok(()) }
    }
}

impl fmt::Display for TooBig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bytes, most } = self;
        write!(f, "a message of {bytes} bytes or more, but only {most} are allowed")
    }
}

impl std::error::Error for TooBig {}
