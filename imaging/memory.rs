//! Memory that the system may refuse: then one picture fails, and the process goes on.

use bytemuck::Zeroable;
use bytemuck::allocation::try_zeroed_vec;

use crate::error::{Error, ErrorKind};

/// A new vector with room for this many items.
///
/// # Errors
/// [`NoMemory`](ErrorKind::NoMemory) when the system refuses it.
pub(crate) fn reserved<T>(length: usize) -> Result<Vec<T>, Error> {
    let mut vector = Vec::new();
    match vector.try_reserve_exact(length) {
        Ok(()) => Ok(vector),
        Err(_) => Err(not_given(length.saturating_mul(size_of::<T>()))),
    }
}

/// A new vector of this many items, all of them zero, whose memory is not touched before it is used.
///
/// # Errors
/// [`NoMemory`](ErrorKind::NoMemory) when the system refuses it.
pub(crate) fn zeroed<T: Zeroable>(length: usize) -> Result<Vec<T>, Error> {
    try_zeroed_vec(length).map_err(|()| not_given(length.saturating_mul(size_of::<T>())))
}

/// Refuses a picture when the system has too little memory for it now. Codecs and other libraries
/// end the process when the system refuses them memory, so this asks for all of it first. It
/// touches none of that memory, and gives it back at once.
///
/// # Errors
/// [`NoMemory`](ErrorKind::NoMemory).
pub fn check_room(bytes: u64) -> Result<(), Error> {
    reserved::<u8>(usize::try_from(bytes).unwrap_or(usize::MAX)).map(drop)
}

/// The error when the system lacks memory for a picture now; the cause is for the log.
pub(crate) fn no_memory(cause: String) -> Error {
    let message = "there is no memory for the picture now: try again later";
    Error::new(ErrorKind::NoMemory, message).because(cause)
}

fn not_given(bytes: usize) -> Error {
    no_memory(format!("the system does not give {bytes} bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_the_system_does_not_give_is_an_error_of_one_picture() {
        let errors = [
            reserved::<u64>(usize::MAX).unwrap_err(),
            zeroed::<u64>(isize::MAX.unsigned_abs() / 2).unwrap_err(),
            check_room(u64::MAX).unwrap_err(),
        ];
        for error in errors {
            assert_eq!(error.kind(), ErrorKind::NoMemory);
        }
        assert!(check_room(1 << 20).is_ok());
    }
}
