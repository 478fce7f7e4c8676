//! The log: one record a line on standard error, written by a thread of its own so that no caller
//! ever waits for it or fails with it.

mod kept;
mod kinds;
mod line;
mod panics;
mod queue;
mod value;
mod writer;

use std::fs::File;
use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

use super::arguments::LogForm;
use crate::config::LogConfig;
pub(super) use kept::Kept;
use line::{Line, Style};
use queue::Queue;
use writer::Writer;

/// The log of this process. Clones are the same log.
#[derive(Clone)]
pub(super) struct Log(Arc<LogState>);

/// Flushes the log when it is dropped, also by a panic.
pub(super) struct FlushOnDrop(pub(super) Log);

struct LogState {
    queue: Queue,
    style: Style,
    /// How many bytes of a value a record shows.
    value: AtomicUsize,
}

impl Log {
    /// Starts the log on standard error, and logs every panic from now on. `RUST_LOG` sets the
    /// filter.
    ///
    /// # Errors
    /// When the system refuses a thread or a file descriptor.
    pub(super) fn start(form: LogForm) -> io::Result<Self> {
        let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        // Colours are for terminals.
        let colours = io::stderr().is_terminal() && !no_colour;
        // A duplicate: a writer that blocks in `io::stderr()` would hold its lock.
        let out = File::from(io::stderr().as_fd().try_clone_to_owned()?);
        let shared = Arc::new(LogState::new(Style { form, colours }));
        let writer = Writer::new(Arc::clone(&shared), out);
        thread::Builder::new().name("log".into()).spawn(move || writer.run())?;
        let records = Records(Arc::clone(&shared));
        tracing_subscriber::registry().with(filter(Level::INFO)).with(records).init();
        panics::log_panics();
        Ok(Self(shared))
    }

    /// Applies the routing table's `[log]`. Until then the defaults hold.
    pub(super) fn configure(&self, config: &LogConfig) {
        self.0.queue.configure(config);
        self.0.value.store(config.value.as_usize(), Ordering::Relaxed);
    }

    /// Writes a text for people, unchanged, after the records logged before it.
    pub(super) fn print(&self, text: &str) {
        self.0.queue.push_text(&format!("{text}\n"));
    }

    /// Waits until all earlier records are written, at most for `[log] flush`.
    pub(super) fn flush(&self) {
        self.0.queue.flush();
    }
}

impl Drop for FlushOnDrop {
    fn drop(&mut self) {
        self.0.flush();
    }
}

impl LogState {
    fn new(style: Style) -> Self {
        let defaults = LogConfig::default();
        let value = AtomicUsize::new(defaults.value.as_usize());
        Self { queue: Queue::new(&defaults), style, value }
    }

    fn line(&self, level: Level) -> Line {
        Line::begin(self.style, self.value.load(Ordering::Relaxed), level)
    }
}

/// Makes records of the events of the program.
struct Records(Arc<LogState>);

impl<S: Subscriber> Layer<S> for Records {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut line = self.0.line(*event.metadata().level());
        event.record(&mut line);
        self.0.queue.push(&line.end(event.metadata().target()), event.metadata());
    }
}

/// The filter that `RUST_LOG` sets; without it, records of this level and above pass.
fn filter(level: Level) -> Targets {
    let set = std::env::var("RUST_LOG").ok().and_then(|filter| filter.parse().ok());
    set.unwrap_or_else(|| Targets::new().with_default(level))
}

#[cfg(test)]
mod tests;
