//! The errors of files that cannot be decoded.

use std::fmt;

use crate::error::{Error, ErrorKind};
use crate::format::Format;
use crate::probe::Probe;

/// The error for a damaged file of a known format.
pub(crate) fn damaged(format: Format, why: impl fmt::Display) -> Error {
    let name = format.name();
    Error::bad_picture(format!("the {name} picture is damaged: {why}"))
}

/// The error for a file that its decoder refused; the decoder's own message goes to the log.
pub(crate) fn undecodable(
    format: Format,
    cause: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> Error {
    damaged(format, "it cannot be decoded").because(cause)
}

/// The error of a decoder for a file that ends too soon: the file was cut short, and is not
/// damaged.
pub(crate) fn cut_short(probe: &Probe, error: Error) -> Error {
    if !probe.truncated || error.kind() != ErrorKind::BadPicture {
        return error;
    }
    let name = probe.format.name();
    let message = format!("the {name} picture was cut short, and nothing of it can be shown");
    Error::bad_picture(message).because(format!("{error:?}"))
}
