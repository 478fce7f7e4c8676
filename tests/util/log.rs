//! Keeps the output of a started program, and waits for lines in it.

use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use super::PATIENCE;

/// The lines so far. Clones share them.
#[derive(Clone)]
pub(crate) struct Log(Arc<Captured>);

struct Captured {
    written: Mutex<SpannedValue>,
    changed: Condvar,
}

#[derive(Default)]
struct SpannedValue {
    text: String,
    ended: bool,
}

impl Log {
    /// Keeps the lines of this stream, until its end.
    pub(crate) fn keep(stream: impl Read + Send + 'static) -> Self {
        let log = Self(Arc::new(Captured { written: Mutex::default(), changed: Condvar::new() }));
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

    /// All lines so far.
    pub(crate) fn text(&self) -> String {
        self.lock().text.clone()
    }

    /// Waits for the first line that `wanted` accepts.
    ///
    /// # Panics
    /// When the stream ends before, or no such line arrives in time; the message is the whole log.
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

    /// Waits until the stream ends, as it does when the program does; returns whether it ended in
    /// time.
    pub(crate) fn wait_for_end(&self) -> bool {
        let waited = self.0.changed.wait_timeout_while(self.lock(), PATIENCE, |w| !w.ended);
        waited.unwrap_or_else(PoisonError::into_inner).0.ended
    }

    fn change(&self, change: impl FnOnce(&mut SpannedValue)) {
        change(&mut self.lock());
        self.0.changed.notify_all();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, SpannedValue> {
        self.0.written.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
