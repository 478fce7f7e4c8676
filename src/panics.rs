//! Panics that are caught where they happen, and their treatment by the panic hook.

use std::cell::Cell;
use std::panic::PanicHookInfo;
use std::thread;

thread_local! {
    /// Whether the work on this thread catches its own panics.
    static CAUGHT: Cell<bool> = const { Cell::new(false) };
    /// The message and the place of the last panic that was passed to [`hold`].
    static HELD: Cell<Option<String>> = const { Cell::new(None) };
}

/// Runs work that catches its own panics, such as a decoder on bytes from a client. Returns the
/// result of the work, and the message and the place of its last panic.
///
/// The program's panic hook does not log such a panic, because the work reports it as an error. A
/// panic that the work does not catch is logged here when it leaves the work.
pub fn quietly<T>(work: impl FnOnce() -> T) -> (T, Option<String>) {
    let quiet = Quiet { outside: CAUGHT.replace(true) };
    let done = work();
    drop(quiet);
    (done, HELD.take())
}

/// For a panic hook: whether the panic happened within [`quietly`], so that the hook need not
/// report it.
#[must_use]
pub fn hold(panic: &PanicHookInfo<'_>) -> bool {
    if CAUGHT.get() {
        HELD.set(Some(panic.to_string()));
    }
    CAUGHT.get()
}

struct Quiet {
    outside: bool,
}

impl Drop for Quiet {
    fn drop(&mut self) {
        CAUGHT.set(self.outside);
        if thread::panicking()
            && let Some(reason) = HELD.take()
        {
            tracing::error!(reason, "panicked");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{catch_unwind, set_hook, take_hook};

    use super::*;

    #[test]
    fn a_panic_is_held_while_work_catches_its_own() {
        let before = take_hook();
        set_hook(Box::new(move |panic| {
            if !hold(panic) {
                before(panic);
            }
        }));
        let places: [u8; 0] = [];
        let index = places.len();
        let (caught, reason) = quietly(|| catch_unwind(|| places[index]).is_err());
        assert!(caught && !CAUGHT.get());
        let reason = reason.unwrap();
        assert!(reason.contains("panics.rs") && reason.contains("out of bounds"), "{reason}");
        assert_eq!(quietly(|| 5), (5, None));
        // A panic that leaves the work is no longer held.
        assert!(catch_unwind(|| quietly(|| places[index])).is_err());
        assert_eq!((CAUGHT.get(), HELD.take()), (false, None));
    }
}
