//! The beginning of the probe of every format.

use super::fault::damaged;
use super::index::Index;
use super::metadata;
use crate::error::Error;
use crate::probe::Probe;

/// The probe of a picture that is stored in this size.
///
/// # Errors
/// [`BadPicture`](crate::ErrorKind::BadPicture) for a picture without pixels.
pub(super) fn begin(
    index: &Index<'_>,
    stored: (u32, u32),
    truncated: bool,
) -> Result<Probe, Error> {
    let format = index.format();
    if stored.0 == 0 || stored.1 == 0 {
        return Err(damaged(format, "it has no size"));
    }
    Ok(Probe::new(format, stored, metadata::orientation(index), truncated))
}
