//! A panic in a borrowed decoder as an error: what a file makes a decoder do is the file's fault.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

use waterway::Error;

thread_local! {
    /// Whether what runs on this thread may panic, and why the last that did has.
    static GUARDED: Cell<bool> = const { Cell::new(false) };
    static REASON: Cell<Option<String>> = const { Cell::new(None) };
}

/// Does what may panic, on bytes that anybody sent. What it was in the middle of is dropped and
/// not looked at again; the panic's message and place are what `panicked` makes an error of.
pub(super) fn guarded<T>(
    work: impl FnOnce() -> Result<T, Error>,
    panicked: impl FnOnce(String) -> Error,
) -> Result<T, Error> {
    keep_quiet();
    let outside = GUARDED.replace(true);
    let done = panic::catch_unwind(AssertUnwindSafe(work));
    GUARDED.set(outside);
    done.unwrap_or_else(|_| Err(panicked(REASON.take().unwrap_or_default())))
}

/// A guarded panic is told with its picture's error, and not by the hook that tells of others.
fn keep_quiet() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let told = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            if GUARDED.get() {
                REASON.set(Some(panic.to_string()));
            } else {
                told(panic);
            }
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_that_says_where() {
        let places: [u8; 0] = [];
        let index = places.len();
        let error = guarded(|| Ok(places[index]), Error::failed).unwrap_err();
        let told = format!("{error:?}");
        assert!(told.contains("guard.rs") && told.contains("out of bounds"), "{told}");
        assert!(!GUARDED.get());
        assert_eq!(guarded(|| Ok(5), Error::failed).unwrap(), 5);
        let refused = guarded(|| Err::<(), _>(Error::failed("no")), Error::failed);
        assert!(format!("{refused:?}").contains("no"));
    }
}
