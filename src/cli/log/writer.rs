//! The thread that writes records and reports lost ones.

use std::io::{ErrorKind, Write};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tracing::Level;

use super::LogState;
use super::kinds::LeftOut;
use super::queue::Lost;

/// Writes the queue's records.
pub(super) struct Writer<W> {
    log: Arc<LogState>,
    out: W,
    /// Whether the last write ended within a line.
    mid_line: bool,
}

impl<W: Write> Writer<W> {
    pub(super) fn new(log: Arc<LogState>, out: W) -> Self {
        Self { log, out, mid_line: false }
    }

    /// Writes for as long as the process lives.
    pub(super) fn run(mut self) {
        loop {
            self.write_batch();
        }
    }

    /// Waits for records and writes them.
    pub(super) fn write_batch(&mut self) {
        let batch = self.log.queue.take();
        let mut unwritten = self.write(&batch.lines);
        for left_out in &batch.left_out {
            if self.write(&self.of_kind(left_out)) > 0 {
                unwritten += left_out.records;
            }
        }
        let tells = unwritten == 0 && batch.lost != Lost::default();
        let is_reported = tells && self.write(&self.of_loss(batch.lost)) == 0;
        self.log.queue.done(
            &batch,
            unwritten,
            if is_reported { batch.lost } else { Lost::default() },
        );
    }

    /// Writes lines. Returns how many of them were not written completely.
    fn write(&mut self, lines: &[u8]) -> u64 {
        if lines.is_empty() {
            return 0;
        }
        if self.mid_line {
            self.mid_line = self.write_some(b"\n") > 0;
        }
        let left = if self.mid_line { lines.len() } else { self.write_some(lines) };
        let (written, left) = lines.split_at(lines.len() - left);
        self.mid_line = written.last().map_or(self.mid_line, |last| *last != b'\n');
        memchr::memchr_iter(b'\n', left).count() as u64
    }

    /// Writes until everything is written or an error ends it. Returns how many bytes are left.
    fn write_some(&mut self, bytes: &[u8]) -> usize {
        /// A descriptor that another process made non-blocking is polled.
        const PAUSE: Duration = Duration::from_millis(10);
        let mut left = bytes;
        while !left.is_empty() {
            match self.out.write(left) {
                Ok(0) => break,
                Ok(written) => left = &left[written..],
                Err(error) => match error.kind() {
                    ErrorKind::Interrupted => {}
                    ErrorKind::WouldBlock => thread::sleep(PAUSE),
                    _ => break,
                },
            }
        }
        left.len()
    }

    fn of_kind(&self, left_out: &LeftOut) -> Vec<u8> {
        let mut line = self.log.line(*left_out.metadata.level());
        line.message("records of one kind were left out");
        line.quoted("kind", &left_out.message);
        line.number("records", left_out.records);
        line.end(left_out.metadata.target()).line
    }

    fn of_loss(&self, lost: Lost) -> Vec<u8> {
        let mut line = self.log.line(Level::WARN);
        line.message("log records were lost");
        line.number("dropped", lost.dropped);
        line.number("unwritten", lost.unwritten);
        line.end(module_path!()).line
    }
}
