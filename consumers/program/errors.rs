//! The standard error of a program goes to the log, within bounds.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::process::ChildStderr;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use super::lines::{Line, Lines};

/// The longest line, in bytes.
const LONGEST: usize = 4 << 10;

/// The most lines of one program in each period.
const LINES: u32 = 100;
const PERIOD: Duration = Duration::from_secs(10);

/// How long the last line is waited for. Another process may hold the pipe open.
const LAST_LINE: Duration = Duration::from_millis(200);

/// Logs the standard error of a program, until the program closes it. Returns the line that tells
/// best why the program has ended.
pub(super) async fn log(
    mut errors: ChildStderr,
    consumer: Arc<str>,
    pid: Option<u32>,
) -> Option<String> {
    let (mut lines, mut reason) = (Lines::new(LONGEST), Reason::default());
    let (mut begun, mut logged, mut left_out) = (Instant::now(), 0, 0_u64);
    loop {
        lines.read.reserve(LONGEST);
        let is_over = !matches!(errors.read_buf(&mut lines.read).await, Ok(1..));
        if begun.elapsed() >= PERIOD {
            report(&consumer, left_out);
            (begun, logged, left_out) = (Instant::now(), 0, 0);
        }
        let mut tell = |line: &[u8]| {
            let line = String::from_utf8_lossy(line);
            reason.look_at(line.trim());
            if logged >= LINES {
                left_out += 1;
                return;
            }
            logged += 1;
            tracing::warn!(consumer = &*consumer, pid, ?line, "a program writes to standard error");
        };
        while let Some(Line::Whole(line) | Line::TooLong(line)) = lines.next() {
            tell(&line);
        }
        if is_over {
            if let Some(line) = lines.rest() {
                tell(&line);
            }
            report(&consumer, left_out);
            return reason.0;
        }
    }
}

/// The line that tells best why a program has ended: the last one that speaks of an error, or else
/// the last one.
#[derive(Default)]
struct Reason(Option<String>);

impl Reason {
    fn look_at(&mut self, line: &str) {
        let speaks_of_error = |line: &str| line.to_ascii_lowercase().contains("error");
        let is_kept = self.0.as_deref().is_some_and(speaks_of_error) && !speaks_of_error(line);
        if !line.is_empty() && !is_kept {
            self.0 = Some(line.to_owned());
        }
    }
}

/// The reason that a program has written before it ended, as the end of a sentence; empty if it
/// wrote nothing.
pub(super) async fn said(log: JoinHandle<Option<String>>) -> String {
    let line = timeout(LAST_LINE, log).await.ok().and_then(Result::ok).flatten();
    line.map(|line| format!("; it wrote to standard error: {line}")).unwrap_or_default()
}

fn report(consumer: &str, left_out: u64) {
    if left_out > 0 {
        tracing::warn!(consumer, left_out, "a program writes too much to standard error");
    }
}
