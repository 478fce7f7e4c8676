//! Finds the consumers that a table declares and uses, and reads their options.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::config::{ConsumerConfig, RoutingConfig};
use crate::consumer::{Checked, CheckedJob, Factory, Registry};
use crate::extract::ConsumerUse;
use crate::setting::{Diagnostic, Entry, Span, Spanned, SpannedValue, nearest, nearest_of};
use crate::state::StateKind;

/// The consumers of a table while it is checked.
pub(super) struct Consumers<'a> {
    config: &'a RoutingConfig,
    registry: &'a Registry,
    /// The consumers that routes and queues name, whether the table declares them or not, with the
    /// span where each is first named.
    used: BTreeMap<&'a str, Span>,
}

/// A consumer that routes and queues name.
#[derive(Debug)]
pub(crate) struct UsedConsumer {
    /// Its name in the table.
    pub(crate) name: Arc<str>,
    /// Its name in the registry.
    pub(crate) uses: String,
    /// Where the table says which consumer of the registry it is.
    #[cfg_attr(not(feature = "cli"), expect(dead_code, reason = "only `check` reports it"))]
    pub(crate) span: Span,
    /// Its options as written, with environment variables substituted.
    pub(crate) options: SpannedValue,
    /// The type of its state, if it has one.
    pub(crate) state: Option<StateKind>,
    /// Its background jobs.
    pub(crate) jobs: Vec<CheckedJob>,
}

/// The consumer of the registry that a name in the table means.
pub(super) struct Found<'a> {
    pub(super) factory: Arc<dyn Factory>,
    /// Its name in the registry.
    pub(super) uses: &'a str,
    /// The value of `use` or of the key of its kind; or else the name of a route or a queue.
    span: Span,
    options: SpannedValue,
    state: Option<StateKind>,
}

impl<'a> Consumers<'a> {
    pub(super) fn new(config: &'a RoutingConfig, registry: &'a Registry) -> Self {
        Self { config, registry, used: BTreeMap::new() }
    }

    /// The consumer that a route or a queue names.
    pub(super) fn find(
        &mut self,
        name: &'a str,
        span: Span,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Option<Found<'a>> {
        self.used.entry(name).or_insert(span);
        self.found(name, span, diagnostics)
    }

    /// The program's consumer behind a name of the table.
    pub(super) fn uses(&self, name: &'a str) -> Option<&'a str> {
        self.found(name, Span::default(), &mut Vec::new()).map(|found| found.uses)
    }

    /// The consumers in use, each once, however many routes and queues name it.
    pub(super) fn in_use(&self, diagnostics: &mut Vec<Diagnostic>) -> Vec<UsedConsumer> {
        let used = self.used.iter().filter_map(|(name, span)| {
            // Mistakes in its name are reported where routes and queues name it.
            let found = self.found(name, *span, &mut Vec::new())?;
            let place = found.place(name, *span);
            let jobs = self.registry.jobs(found.uses).iter();
            let jobs = jobs.map(|job| CheckedJob::new(Arc::clone(job), &place, diagnostics));
            let jobs = jobs.collect();
            found.check_state(diagnostics);
            let Found { uses, span, options, state, .. } = found;
            let name = Arc::clone(&place.consumer);
            Some(UsedConsumer { name, uses: uses.to_owned(), span, options, state, jobs })
        });
        used.collect()
    }

    /// Reads the options of consumers that no route or queue names. A misspelt name elsewhere may
    /// be the reason, and must not hide their mistakes.
    pub(super) fn check_unused(&self, diagnostics: &mut Vec<Diagnostic>) {
        for (name, consumer) in &self.config.consumer {
            if self.used.contains_key(name.as_str()) {
                continue;
            }
            let Some(found) = self.found(name, consumer.span, diagnostics) else { continue };
            let mut mistakes = Vec::new();
            found.check_state(&mut mistakes);
            let place = found.place(name, consumer.span);
            Checked::new(found.factory, None, &place, None, &mut mistakes);
            // Without a route, no mistake of a route can be reported.
            diagnostics.extend(mistakes.into_iter().filter(|d| d.span != consumer.span));
        }
    }

    /// The consumer of the registry that a name means; `span` is that of the name.
    fn found(
        &self,
        name: &'a str,
        span: Span,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Option<Found<'a>> {
        let declared = self.config.consumer.get(name);
        let (uses, span, options) = match declared {
            Some(consumer) => {
                let (uses, span) = self.used_by(consumer, diagnostics)?;
                (uses, span, placed(&consumer.options, consumer.span))
            }
            None => (name, span, placed(&SpannedValue::default(), span)),
        };
        let Some(factory) = self.registry.get(uses) else {
            let own = self.config.consumer.keys().filter(|_| declared.is_none());
            let mut names: Vec<String> = own.cloned().collect();
            names.extend(self.registry.names().map(str::to_owned));
            let help = nearest(uses, "consumers", names.iter().map(String::as_str));
            let message = format!("unknown consumer {uses:?}");
            diagnostics.push(Diagnostic::new(span, message).help(help));
            return None;
        };
        Some(Found { factory, uses, span, options, state: self.registry.state_of(uses) })
    }

    /// The consumer of the registry that a declared consumer uses, by `use` or by another key, and
    /// the span of its value.
    fn used_by(
        &self,
        consumer: &'a Spanned<ConsumerConfig>,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Option<(&'a str, Span)> {
        if let Some(uses) = &consumer.uses {
            return Some((uses, uses.span));
        }
        let kinds = self.registry.kinds();
        let entries = consumer.options.as_table().into_iter().flat_map(|table| &table.entries);
        let mut found = entries.filter_map(|entry| Some((kinds.get(entry.key.as_str())?, entry)));
        match (found.next(), found.next()) {
            (Some((uses, entry)), None) => return Some((uses, entry.value.span)),
            (Some((_, first)), Some((_, second))) => {
                let (first, span, second) = (first.key.as_str(), second.key.span, &second.key);
                let message = format!("a consumer has {first} or {second}, not both");
                let help = "make two consumers, or leave one of the keys out".to_owned();
                diagnostics.push(Diagnostic::new(span, message).help(help));
            }
            (None, _) if consumer.use_is_written => {}
            (None, _) if self.tell_misspelt(consumer, diagnostics) => {}
            (None, _) => {
                let keys: Vec<_> = kinds.keys().map(|key| format!(", or the key {key}")).collect();
                let help = format!("write use = \"NAME\"{}", keys.concat());
                let mistake = Diagnostic::new(consumer.span, "missing key \"use\"");
                diagnostics.push(mistake.help(help));
            }
        }
        None
    }

    /// Reports a key that is probably a misspelt `use`, or a misspelt key that names a consumer, and
    /// returns whether it found one.
    fn tell_misspelt(
        &self,
        consumer: &Spanned<ConsumerConfig>,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> bool {
        let kinds = self.registry.kinds();
        let naming: Vec<&str> = kinds.keys().copied().chain(["use"]).collect();
        let options: Vec<_> = kinds.values().filter_map(|uses| self.registry.list(uses)).collect();
        let is_option = |key: &str| {
            let mut keys = options.iter().filter_map(|one| one.options.get("properties"));
            keys.any(|keys| keys.get(key).is_some())
        };
        let entries = consumer.options.as_table().into_iter().flat_map(|table| &table.entries);
        for Entry { key, .. } in entries.filter(|entry| !is_option(&entry.key)) {
            if let Some(meant) = nearest_of(key, &naming) {
                let message = format!("unknown key {:?}", key.value);
                let help = format!("did you mean {meant:?}?");
                diagnostics.push(Diagnostic::new(key.span, message).help(help));
                return true;
            }
        }
        false
    }

    pub(super) fn warn_of_unused(&self, warnings: &mut Vec<Diagnostic>) {
        for (name, consumer) in &self.config.consumer {
            if !self.used.contains_key(name.as_str()) {
                let message = format!("no route and no queue uses the consumer {name:?}");
                warnings.push(Diagnostic::new(consumer.span, message));
            }
        }
    }
}

impl UsedConsumer {
    /// The files that belong to it now.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        self.state.map(|state| state.files(&self.options)).unwrap_or_default()
    }

    /// Whether its own `reload` lets its files be watched; see
    /// [`WatchedFiles`](crate::WatchedFiles).
    pub(super) fn is_watched(&self) -> bool {
        self.lists_patterns() || self.reload().and_then(SpannedValue::as_text) == Some("watch")
    }

    pub(super) fn lists_patterns(&self) -> bool {
        self.reload().is_some_and(|reload| reload.as_list().is_some())
    }

    fn reload(&self) -> Option<&SpannedValue> {
        self.options.as_table()?.get("reload")
    }
}

impl Found<'_> {
    /// A place where the table names the consumer, without the details of a route.
    pub(super) fn place(&self, name: &str, span: Span) -> ConsumerUse {
        let mut place = ConsumerUse::beside(name, span, self.options.clone());
        place.state = self.state.map(|state| state.type_id());
        place
    }

    fn check_state(&self, diagnostics: &mut Vec<Diagnostic>) {
        if let Some(state) = self.state {
            state.check(&self.options, diagnostics);
        }
    }
}

/// The options; if they do not have a span, with that of their consumer.
fn placed(options: &SpannedValue, declared: Span) -> SpannedValue {
    let mut options = options.clone();
    if options.span == Span::default() {
        options.span = declared;
    }
    options
}
