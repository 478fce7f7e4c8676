//! How worker threads yield their core to the sockets' threads.

use std::cell::Cell;
use std::io;
use std::thread;
use std::time::{Duration, Instant};

/// The shortest time between two yields of a thread. Stages of a few microseconds then do not each
/// make a system call, and threads that became ready meanwhile have not waited long.
const TURN: Duration = Duration::from_micros(200);

thread_local! {
    /// When this thread last yielded.
    static LAST_YIELD: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Yields the core to other threads that are ready to run. Call it between the stages of long work
/// on a worker thread, however short they are. If no other thread is ready, it takes about a
/// microsecond, at most once in 0.2 ms.
///
/// Niceness alone is not enough, because the kernel does not interrupt a thread within its slice:
/// with Linux's EEVDF, a worker of niceness 19 that had to wait keeps its core from a socket's
/// thread for one slice and until the next tick, 1.5 to 4 ms.
pub fn yield_now() {
    let now = Instant::now();
    if is_due(LAST_YIELD.get(), now) {
        thread::yield_now();
        LAST_YIELD.set(Some(Instant::now()));
    }
}

fn is_due(last: Option<Instant>, now: Instant) -> bool {
    last.is_none_or(|last| now.saturating_duration_since(last) >= TURN)
}

/// Raises the niceness of the calling thread to at least `nice`: 0 leaves it unchanged, 19 gives
/// precedence to all others. It never lowers the niceness that the process was started with.
///
/// # Errors
/// If the system does not allow it, or does not support niceness for single threads.
pub(super) fn be_nice(nice: u8) -> io::Result<()> {
    if nice == 0 { Ok(()) } else { set(nice.into()) }
}

#[cfg(target_os = "linux")]
fn set(nice: i32) -> io::Result<()> {
    use rustix::process::{getpriority_process, setpriority_process};

    // POSIX defines this as the niceness of the whole process. On Linux, if no process is named, it
    // is that of the calling thread alone: setpriority(2), "C library/kernel differences".
    if getpriority_process(None)? < nice {
        setpriority_process(None, nice)?;
    }
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn set(_: i32) -> io::Result<()> {
    Err(io::Error::new(
        io::ErrorKind::Unsupported,
        "this system has no niceness for single threads",
    ))
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::thread;
    use std::time::{Duration, Instant};

    use rustix::process::getpriority_process;

    use super::{TURN, be_nice, is_due};

    fn nice_after(steps: &'static [u8]) -> i32 {
        let thread = thread::spawn(move || {
            for nice in steps {
                be_nice(*nice).unwrap();
            }
            getpriority_process(None).unwrap()
        });
        thread.join().unwrap()
    }

    #[test]
    fn only_the_calling_thread_becomes_nicer_and_never_less_nice() {
        let own = getpriority_process(None).unwrap();
        assert_eq!(nice_after(&[19]), 19);
        assert_eq!(nice_after(&[0]), own);
        assert_eq!(nice_after(&[19, 3]), 19);
        assert_eq!(getpriority_process(None).unwrap(), own, "this thread is as it was");
    }

    #[test]
    fn a_thread_yields_first_and_then_once_in_each_period() {
        let last = Instant::now();
        assert!(is_due(None, last));
        for (passed, due) in [
            (Duration::ZERO, false),
            (TURN / 2, false),
            (TURN, true),
            (Duration::from_secs(60), true),
        ] {
            assert_eq!(is_due(Some(last), last + passed), due, "{passed:?}");
        }
    }
}
