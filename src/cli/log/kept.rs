//! Warnings and errors that are kept and not written, to be shown with the failure that they explain.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

use super::filter;
use super::line::{Line, Style};
use crate::cli::arguments::LogForm;
use crate::config::LogConfig;

/// The warnings and errors of this process. Clones keep the same ones.
#[derive(Clone, Default)]
pub(in crate::cli) struct Kept(Arc<Mutex<String>>);

/// How many bytes are kept at the most. Later records are left out.
const KEPT_MAX: usize = 64 << 10;

impl Kept {
    /// Keeps the warnings and errors of the whole process from now on. `RUST_LOG` sets another filter.
    pub(in crate::cli) fn start() -> Self {
        let (filter, kept) = (filter(Level::WARN), Self::default());
        // It fails if the process has a log already, as in a test of this crate: nothing is kept then.
        let _ = tracing_subscriber::registry().with(filter).with(kept.clone()).try_init();
        kept
    }

    /// Takes the records since the last call, a line each.
    pub(in crate::cli) fn take(&self) -> String {
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Subscriber> Layer<S> for Kept {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let style = Style { form: LogForm::Human, colours: false };
        let value = LogConfig::default().value.as_usize();
        let mut line = Line::begin(style, value, *event.metadata().level());
        event.record(&mut line);
        let record = line.end(event.metadata().target());
        let mut kept = self.lock();
        if kept.len() + record.line.len() <= KEPT_MAX {
            kept.push_str(&String::from_utf8_lossy(&record.line));
        }
    }
}
