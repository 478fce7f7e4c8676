//! The error of a JPEG that its decoder cannot show.

use crate::codec::fault::damaged;
use crate::error::Error;
use crate::format::Format;

pub(super) fn wrong(why: &str) -> Error {
    damaged(Format::Jpeg, why)
}
