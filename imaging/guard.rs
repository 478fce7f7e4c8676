//! Turns a panic in a library's decoder into an error: the file that causes it is at fault.

use std::any::Any;
use std::panic::{self, AssertUnwindSafe};

use crate::error::Error;

/// Runs code that may panic on bytes from a client. After a panic the code's data are not used
/// again, and `panicked` makes an error of the panic's message.
///
/// The process's panic hook runs as for any other panic.
pub(crate) fn guarded<T>(
    work: impl FnOnce() -> Result<T, Error>,
    panicked: impl FnOnce(String) -> Error,
) -> Result<T, Error> {
    let done = panic::catch_unwind(AssertUnwindSafe(work));
    done.unwrap_or_else(|payload| Err(panicked(message(&*payload))))
}

fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    format!("panicked: {}", text.unwrap_or("no message"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_with_its_message() {
        let places: [u8; 0] = [];
        let index = places.len();
        let error = guarded(|| Ok(places[index]), Error::failed).unwrap_err();
        assert!(format!("{error:?}").contains("out of bounds"), "{error:?}");
        assert_eq!(guarded(|| Ok(5), Error::failed).unwrap(), 5);
        let refused = guarded(|| Err::<(), _>(Error::failed("no")), Error::failed);
        assert!(format!("{refused:?}").contains("no"));
    }
}
