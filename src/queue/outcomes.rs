//! How the tasks of a queue ended: counted, and reported to the log when some ended with an error.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::code;

/// Counts of ends since the last report: of each code of [`CODES`], of any other code, and of
/// tasks that were done.
#[derive(Debug, Default)]
pub(super) struct Outcomes([AtomicU64; CODES.len() + 2]);

const CODES: [&str; 8] = [
    code::CANCELLED,
    code::DISPLACED,
    code::DUPLICATE,
    code::EXPIRED,
    code::FAILED,
    code::REFUSED,
    code::STORAGE,
    code::TOO_BIG,
];
const OTHER: usize = CODES.len();
const DONE: usize = CODES.len() + 1;

impl Outcomes {
    /// Counts the end of one task: it was done, or it ended with the error of this code.
    pub(super) fn count(&self, error: Option<&str>) {
        let at = match error {
            None => DONE,
            Some(code) => CODES.iter().position(|known| *known == code).unwrap_or(OTHER),
        };
        self.0[at].fetch_add(1, Ordering::Relaxed);
    }

    /// Logs the counts since the last report, unless all tasks were done.
    pub(super) fn report(&self, queue: &str) {
        let counts = self.0.each_ref().map(|count| count.swap(0, Ordering::Relaxed));
        let [
            cancelled,
            displaced,
            duplicate,
            expired,
            failed,
            refused,
            storage,
            too_big,
            other,
            done,
        ] = counts.map(|count| (count > 0).then_some(count));
        if counts[..DONE].iter().all(|count| *count == 0) {
            return;
        }
        tracing::warn!(
            queue,
            done,
            cancelled,
            displaced,
            duplicate,
            expired,
            failed,
            refused,
            storage,
            too_big,
            other,
            "tasks ended with errors"
        );
    }
}
