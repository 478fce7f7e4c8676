//! How worker threads give way to the sockets.

use std::cell::Cell;
use std::io;
use std::thread;
use std::time::{Duration, Instant};

/// How long a thread goes on before it gives way again: stages that take a few microseconds do not
/// each ask the system, and what was woken meanwhile has not waited long.
const TURN: Duration = Duration::from_micros(200);

thread_local! {
    /// When this thread gave way last.
    static GAVE_WAY: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Lets whatever else is ready to run on this core go first: to be called between the stages of
/// long work on a worker's thread, however short they are. Without anything else it takes about a
/// microsecond, at most once in 0.2 ms.
///
/// Niceness is not enough, because a thread that has begun with its slice is left it: with Linux's
/// EEVDF a worker of niceness 19 that was kept waiting holds its core against a socket's thread for
/// one slice and up to the next tick, 1.5 to 4 ms.
pub fn give_way() {
    let now = Instant::now();
    if is_due(GAVE_WAY.get(), now) {
        thread::yield_now();
        GAVE_WAY.set(Some(Instant::now()));
    }
}

fn is_due(last: Option<Instant>, now: Instant) -> bool {
    last.is_none_or(|last| now.saturating_duration_since(last) >= TURN)
}

/// Makes the calling thread at least so nice: 0 leaves it as it is, 19 lets everybody else go
/// first. What the process was started with is never undone.
///
/// # Errors
/// Where the system does not allow it, or does not know the niceness of a thread.
pub(super) fn be_nice(nice: u8) -> io::Result<()> {
    if nice == 0 { Ok(()) } else { set(nice.into()) }
}

#[cfg(target_os = "linux")]
fn set(nice: i32) -> io::Result<()> {
    use rustix::process::{getpriority_process, setpriority_process};

    // POSIX has it that this is the whole process's; on Linux, where no process is named, it is
    // the calling thread's alone: setpriority(2), "C library/kernel differences".
    if getpriority_process(None)? < nice {
        setpriority_process(None, nice)?;
    }
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn set(_: i32) -> io::Result<()> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "threads have no niceness of their own here"))
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
    fn a_thread_gives_way_alone_and_never_less_than_before() {
        let own = getpriority_process(None).unwrap();
        assert_eq!(nice_after(&[19]), 19);
        assert_eq!(nice_after(&[0]), own);
        assert_eq!(nice_after(&[19, 3]), 19);
        assert_eq!(getpriority_process(None).unwrap(), own, "this thread is as it was");
    }

    #[test]
    fn a_thread_gives_way_at_first_and_then_once_in_a_turn() {
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
