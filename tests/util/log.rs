//! What a started program writes to one of its streams, kept and waited for.

use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use super::PATIENCE;

/// The lines that have come so far. Clones share them.
#[derive(Clone)]
pub(crate) struct Log(Arc<Shared>);

struct Shared {
    written: Mutex<Written>,
    changed: Condvar,
}

#[derive(Default)]
struct Written {
    text: String,
    ended: bool,
}

impl Log {
    /// Keeps what comes from this stream, until its end.
    pub(crate) fn keep(stream: impl Read + Send + 'static) -> Self {
        let log = Self(Arc::new(Shared { written: Mutex::default(), changed: Condvar::new() }));
        let kept = log.clone();
        thread::spawn(move || {
            let mut lines = BufReader::new(stream);
            let mut line = Vec::new();
            while matches!(lines.read_until(b'\n', &mut line), Ok(1..)) {
                kept.change(|written| written.text.push_str(&String::from_utf8_lossy(&line)));
                line.clear();
            }
            kept.change(|written| written.ended = true);
        });
        log
    }

    /// All that has come so far.
    pub(crate) fn text(&self) -> String {
        self.lock().text.clone()
    }

    /// The first line that `wanted` takes, waited for.
    ///
    /// # Panics
    /// When the stream ends before, or nothing came in time; the message is the whole log.
    pub(crate) fn wait<T>(&self, what: &str, wanted: impl Fn(&str) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        let mut written = self.lock();
        loop {
            if let Some(found) = written.text.lines().find_map(&wanted) {
                return found;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!written.ended, "ended without {what}:\n{}", written.text);
            assert!(!left.is_zero(), "no {what} in {PATIENCE:?}:\n{}", written.text);
            let woken = self.0.changed.wait_timeout(written, left);
            written = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits until the stream ends, as it does when the program does; whether it did in time.
    pub(crate) fn wait_for_end(&self) -> bool {
        let waited = self.0.changed.wait_timeout_while(self.lock(), PATIENCE, |w| !w.ended);
        waited.unwrap_or_else(PoisonError::into_inner).0.ended
    }

    fn change(&self, change: impl FnOnce(&mut Written)) {
        change(&mut self.lock());
        self.0.changed.notify_all();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Written> {
        self.0.written.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
