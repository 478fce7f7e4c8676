//! The rate of each kind of record: how many are written, and how many only counted.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use tracing::Metadata;
use tracing::callsite::Identifier;

use crate::setting::Rate;

/// Counts the records of each kind. A kind is a line of the program that makes records.
#[derive(Default)]
pub(super) struct Kinds {
    /// The most records of one kind in a period. `None` does not limit them.
    rate: Option<(u32, Duration)>,
    known: HashMap<Identifier, Kind>,
}

struct Kind {
    /// When the period began in which `written` records were written.
    began: Instant,
    written: u32,
    left_out: Option<LeftOut>,
}

/// Records of one kind that were not written.
#[derive(Debug)]
pub(super) struct LeftOut {
    pub(super) metadata: &'static Metadata<'static>,
    /// The message of the first of them.
    pub(super) message: String,
    pub(super) records: u64,
    since: Instant,
}

impl Kinds {
    pub(super) fn set_rate(&mut self, rate: Rate) {
        self.rate = match rate {
            Rate::Off => None,
            Rate::Per { count, period } => Some((count.get(), period.duration())),
        };
    }

    /// Decides whether a record of this kind is written. Otherwise it is counted.
    pub(super) fn admit(
        &mut self,
        metadata: &'static Metadata<'static>,
        message: &str,
        now: Instant,
    ) -> bool {
        let Some((count, period)) = self.rate else { return true };
        let new = || Kind { began: now, written: 0, left_out: None };
        let kind = self.known.entry(metadata.callsite()).or_insert_with(new);
        if now.duration_since(kind.began) >= period {
            (kind.began, kind.written) = (now, 0);
        }
        if kind.written < count {
            kind.written += 1;
            return true;
        }
        let first = || LeftOut { metadata, message: message.to_owned(), records: 0, since: now };
        kind.left_out.get_or_insert_with(first).records += 1;
        false
    }

    /// Whether records were left out that have not been reported.
    pub(super) fn any_left_out(&self) -> bool {
        self.known.values().any(|kind| kind.left_out.is_some())
    }

    /// Takes the counts that are due for their report: each once a period, or all `at_once`.
    pub(super) fn take_left_out(&mut self, now: Instant, at_once: bool) -> Vec<LeftOut> {
        let period = self.rate.map_or(Duration::ZERO, |(_, period)| period);
        let due = |left: &mut LeftOut| at_once || now.duration_since(left.since) >= period;
        self.known.values_mut().filter_map(|kind| kind.left_out.take_if(due)).collect()
    }
}
