//! Panics as records of the log, instead of the standard library's text on standard error.

use std::any::Any;
use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::{self, PanicHookInfo};
use std::thread;

/// The field of the backtrace, which has a longer limit than other fields.
pub(super) const BACKTRACE: &str = "backtrace";

/// A record shows at most this many bytes of the backtrace.
pub(super) const BACKTRACE_LIMIT: usize = 64 << 10;

/// Logs every panic from now on, also those that are caught, but for work that reports its own.
pub(super) fn log_panics() {
    panic::set_hook(Box::new(|panic| {
        if !crate::panics::hold(panic) {
            log_panic(panic);
        }
    }));
}

/// Logs one panic, with its backtrace if `RUST_BACKTRACE` asks for it.
pub(super) fn log_panic(panic: &PanicHookInfo<'_>) {
    let thread = thread::current();
    let thread = thread.name().unwrap_or("unnamed");
    let place = panic.location().map(tracing::field::display);
    let reason = reason(panic.payload());
    let backtrace = Backtrace::capture();
    let captured = backtrace.status() == BacktraceStatus::Captured;
    let backtrace = captured.then(|| tracing::field::display(&backtrace));
    tracing::error!(thread, place, reason, backtrace, "panicked");
}

fn reason(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}
