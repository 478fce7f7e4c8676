//! The queue of records in front of the writer thread: bounded in bytes; pushing never blocks.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::kinds::{Kinds, LeftOut};
use super::line::Record;
use crate::config::LogConfig;
use tracing::Metadata;

/// Takes records from any thread. One thread writes them.
pub(super) struct Queue {
    // Nothing is formatted under it: formatting can panic, and the panic is logged through here.
    state: Mutex<State>,
    /// Signalled when the writer has something to do.
    work: Condvar,
    /// Signalled when the writer is done with a batch.
    done: Condvar,
}

struct State {
    /// Whole lines.
    waiting: Vec<u8>,
    /// How many bytes the writer has taken and not written yet.
    taken: usize,
    /// The most bytes of `waiting` and `taken` together.
    limit: usize,
    kinds: Kinds,
    lost: Lost,
    /// Whether the writer waits. Waking it costs a system call.
    idle: bool,
    flushes: Flushes,
    patience: Duration,
}

/// Counts of records that were not written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Lost {
    /// The queue had no room for them.
    pub(super) dropped: u64,
    /// The system refused them.
    pub(super) unwritten: u64,
}

/// How many flushes were asked for and done.
#[derive(Debug, Clone, Copy, Default)]
struct Flushes {
    asked: u64,
    done: u64,
}

/// Work for the writer.
pub(super) struct Batch {
    pub(super) lines: Vec<u8>,
    pub(super) left_out: Vec<LeftOut>,
    pub(super) lost: Lost,
    flushes: u64,
}

/// After a loss: the pause between two attempts to report it, when no record comes.
const RETRY: Duration = Duration::from_secs(1);

impl Queue {
    pub(super) fn new(config: &LogConfig) -> Self {
        let state = State {
            waiting: Vec::new(),
            taken: 0,
            limit: 0,
            kinds: Kinds::default(),
            lost: Lost::default(),
            idle: false,
            flushes: Flushes::default(),
            patience: Duration::ZERO,
        };
        let queue = Self { state: Mutex::new(state), work: Condvar::new(), done: Condvar::new() };
        queue.configure(config);
        queue
    }

    pub(super) fn configure(&self, config: &LogConfig) {
        let mut state = self.lock();
        state.limit = config.buffer.as_usize();
        state.patience = config.flush.duration();
        state.kinds.set_rate(config.rate);
    }

    /// Takes a record, or only counts it when its kind is over its rate or the queue is full.
    pub(super) fn push(&self, record: &Record, kind: &'static Metadata<'static>) {
        let mut state = self.lock();
        if state.kinds.admit(kind, &record.message, Instant::now()) {
            state.push(&record.line);
        }
        self.wake(state);
    }

    /// Takes a text of whole lines, whatever the rates.
    pub(super) fn push_text(&self, text: &str) {
        let mut state = self.lock();
        state.push(text.as_bytes());
        self.wake(state);
    }

    /// Waits until everything pushed before is written, at most for `[log] flush`.
    pub(super) fn flush(&self) {
        let mut state = self.lock();
        state.flushes.asked += 1;
        let (asked, patience) = (state.flushes.asked, state.patience);
        self.work.notify_one();
        let waited = self.done.wait_timeout_while(state, patience, |s| s.flushes.done < asked);
        drop(waited);
    }

    /// Waits for work. An empty batch asks the writer to report losses again. Only the writer calls
    /// this, and then [`done`](Self::done).
    pub(super) fn take(&self) -> Batch {
        let mut state = self.lock();
        let mut retry = false;
        loop {
            let Flushes { asked, done } = state.flushes;
            let left_out = state.kinds.take_left_out(Instant::now(), asked > done);
            if retry || asked > done || !state.waiting.is_empty() || !left_out.is_empty() {
                let lines = std::mem::take(&mut state.waiting);
                state.taken = lines.len();
                return Batch { lines, left_out, lost: state.lost, flushes: asked };
            }
            state.idle = true;
            if state.lost == Lost::default() && !state.kinds.any_left_out() {
                state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
            } else {
                let waited = self.work.wait_timeout(state, RETRY);
                let (again, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
                state = again;
                retry = timeout.timed_out() && state.lost != Lost::default();
            }
            state.idle = false;
        }
    }

    /// Ends a batch. `unwritten` records of it could not be written; `told` losses were reported.
    pub(super) fn done(&self, batch: &Batch, unwritten: u64, reported: Lost) {
        let mut state = self.lock();
        state.taken = 0;
        state.lost.unwritten = state.lost.unwritten + unwritten - reported.unwritten;
        state.lost.dropped -= reported.dropped;
        state.flushes.done = batch.flushes;
        drop(state);
        self.done.notify_all();
    }

    fn wake(&self, state: MutexGuard<'_, State>) {
        let idle = state.idle;
        drop(state);
        if idle {
            self.work.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// An empty queue takes any line: `Line` bounds its length.
    fn push(&mut self, lines: &[u8]) {
        let held = self.waiting.len() + self.taken;
        if held == 0 || held + lines.len() <= self.limit {
            self.waiting.extend_from_slice(lines);
        } else {
            self.lost.dropped += 1;
        }
    }
}
