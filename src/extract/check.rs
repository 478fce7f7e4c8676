//! The view of a route that a consumer's arguments get when the table is checked.

use std::any::{Any, TypeId, type_name};
use std::cell::Cell;
use std::fmt;
use std::sync::Arc;

use super::Options;
use super::given::Things;
use crate::message::Channel;
use crate::setting::{ConsumerOptions, Diagnostic, OptionSchemas, Span, SpannedValue, read};
use crate::state::Stateful;

/// A place where the table names a consumer: a route, a queue, or its background jobs.
#[derive(Debug, Clone)]
pub(crate) struct ConsumerUse {
    /// The name of the consumer in the table.
    pub(crate) consumer: Arc<str>,
    /// The span of that name.
    pub(crate) span: Span,
    /// The consumer's options as written.
    pub(crate) options: SpannedValue,
    /// The parameters of the route's path; `None` without a route, or if they are unknown.
    pub(crate) parameters: Option<Vec<String>>,
    /// The events that the route takes; empty without a route.
    pub(crate) channels: Vec<Channel>,
    /// Whether a client has shown a token before the consumer gets its messages.
    pub(crate) has_token: bool,
    pub(crate) queue: QueueUse,
    /// The type of the consumer's state, if it has one.
    pub(crate) state: Option<TypeId>,
}

impl ConsumerUse {
    /// A place without a route or a queue, where the consumer's background jobs run.
    pub(crate) fn beside(consumer: &str, span: Span, options: SpannedValue) -> Self {
        Self {
            consumer: consumer.into(),
            span,
            options,
            parameters: None,
            channels: Vec::new(),
            has_token: false,
            queue: QueueUse::None,
            state: None,
        }
    }
}

/// Whether a place names a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum QueueUse {
    /// It names a queue, or is one.
    Named,
    /// It names a queue wrongly, which has already been reported.
    Mistaken,
    /// It does not name a queue.
    None,
}

/// A place where the table names a consumer, as the consumer's arguments see it when the table is
/// checked. The consumer is not running then.
///
/// An argument reads its options here, stores what each message will need, and reports what the
/// route lacks.
pub struct RouteCheck<'a> {
    place: &'a ConsumerUse,
    options_read: bool,
    answers: Answers,
    kept: Things,
    diagnostics: &'a mut Vec<Diagnostic>,
}

/// The needs of a consumer's arguments, whatever the table says.
#[derive(Clone, Default)]
pub(crate) struct Answers {
    /// The types of options that they read.
    pub(crate) options: OptionSchemas,
    /// Whether one of them cannot be had from the events of the place.
    pub(crate) is_refused: bool,
    /// Whether one of them needs a queue.
    pub(crate) needs_queue: Cell<bool>,
}

impl<'a> RouteCheck<'a> {
    /// Lets the arguments of a consumer check a place; returns what they stored.
    pub(crate) fn run(
        place: &'a ConsumerUse,
        diagnostics: &'a mut Vec<Diagnostic>,
        arguments: impl FnOnce(&mut Self),
    ) -> Things {
        let mut check = Self::new(place, diagnostics);
        arguments(&mut check);
        check.report_unread_options();
        check.kept
    }

    /// Asks the arguments of a consumer about themselves, at a place that no table has.
    pub(crate) fn ask(
        place: &'a ConsumerUse,
        arguments: impl FnOnce(&mut RouteCheck<'_>),
    ) -> Answers {
        let mut diagnostics = Vec::new();
        let mut check = RouteCheck::new(place, &mut diagnostics);
        arguments(&mut check);
        check.answers
    }

    fn new(place: &'a ConsumerUse, diagnostics: &'a mut Vec<Diagnostic>) -> Self {
        // A state reads the options itself.
        let options_read = place.state.is_some();
        let (answers, kept) = (Answers::default(), Things::default());
        Self { place, options_read, answers, kept, diagnostics }
    }

    /// The name of the consumer in the table.
    #[must_use]
    pub fn consumer(&self) -> &Arc<str> {
        &self.place.consumer
    }

    /// The names of the parameters in the route's path; `None` for a queue's consumer, whose tasks
    /// come from several routes.
    #[must_use]
    pub fn parameters(&self) -> Option<&'a [String]> {
        self.place.parameters.as_deref()
    }

    /// The events that the route sends to the consumer; empty without a route.
    #[must_use]
    pub fn channels(&self) -> &'a [Channel] {
        &self.place.channels
    }

    /// Whether a client has always shown a token before the consumer gets its messages, so that they
    /// have claims. `None` without a route, or for a queue's consumer, whose tasks come from several
    /// routes.
    #[must_use]
    pub fn has_token(&self) -> Option<bool> {
        (self.place.parameters.is_some()).then_some(self.place.has_token)
    }

    /// Whether the place lacks a queue to push to, and no other mistake explains why.
    #[must_use]
    pub fn lacks_queue(&self) -> bool {
        self.answers.needs_queue.set(true);
        self.place.queue == QueueUse::None
    }

    /// Whether the consumer is that of a queue.
    #[must_use]
    pub fn is_of_queue(&self) -> bool {
        self.place.channels.contains(&Channel::Task)
    }

    /// Reports the route's events that are not in `channels`: the events that can provide an
    /// argument, or that a consumer can serve. Without a route, as for a queue's consumer, it
    /// reports nothing.
    pub fn only_on(&mut self, channels: &[Channel]) {
        let names = |channels: Vec<&Channel>, between| {
            let names: Vec<&str> = channels.into_iter().map(|channel| channel.name()).collect();
            names.join(between)
        };
        let others: Vec<_> = self.place.channels.iter().filter(|c| !channels.contains(c)).collect();
        if !others.is_empty() {
            self.refuse();
            let message = format!("{} cannot serve {}", self.consumer(), names(others, " and "));
            // Routes do not name tasks.
            let served: Vec<_> = channels.iter().filter(|c| **c != Channel::Task).collect();
            let help = match *served {
                [] => "only the consumer of a queue can take tasks".to_owned(),
                _ => format!("it serves {}", names(served, " and ")),
            };
            self.report(message, help);
        }
    }

    /// Reads the consumer's options and stores them as [`Options<T>`]; reports their mistakes.
    /// Returns the options if they have none.
    pub fn read_options<T: ConsumerOptions + Sync>(&mut self) -> Option<Options<T>> {
        self.options_read = true;
        self.answers.options.add::<T>();
        let before = self.diagnostics.len();
        let options = Options(Arc::new(read::<T>(&self.place.options, self.diagnostics)?));
        self.keep(options.clone());
        (self.diagnostics.len() == before).then_some(options)
    }

    /// Reports that the consumer lacks a state of this type, which is a fault of the registry.
    pub(super) fn need_state<S: Stateful>(&mut self) {
        if self.place.state != Some(TypeId::of::<S>()) {
            let (consumer, state) = (self.consumer(), type_name::<S>());
            let message = format!("{consumer} has no state of the type {state}");
            self.report(message, format!("list it: Registry::state::<{state}>(\"…\")"));
        }
    }

    /// Stores a value that each message will need; [`Given::get`](super::Given::get) finds it by
    /// its type.
    pub fn keep<T: Any + Send + Sync>(&mut self, thing: T) {
        self.kept.insert(thing);
    }

    /// Says that an argument cannot be had from the events of the place.
    pub(super) fn refuse(&mut self) {
        self.answers.is_refused = true;
    }

    /// Reports a mistake at the place where the table names the consumer, with help.
    pub fn report(&mut self, message: impl Into<String>, help: impl Into<String>) {
        self.diagnostics.push(Diagnostic::new(self.place.span, message).help(help.into()));
    }

    /// Reports a mistake at an option of the consumer, with help; or, if the option is not written,
    /// where the table names the consumer.
    pub fn report_option(
        &mut self,
        key: &str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        let written = self.place.options.as_table().and_then(|options| options.get(key));
        let span = written.map_or(self.place.span, |option| option.span);
        self.diagnostics.push(Diagnostic::new(span, message).help(help.into()));
    }

    /// Reports options that no argument has read.
    fn report_unread_options(&mut self) {
        let options = &self.place.options;
        let written = options.as_table().is_none_or(|table| !table.entries.is_empty());
        if written && !self.options_read {
            let message = format!("{} takes no options", self.consumer());
            let help = Some("leave only `use`".to_owned());
            self.diagnostics.push(Diagnostic::new(options.span, message).help(help));
        }
    }
}

impl fmt::Debug for RouteCheck<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RouteCheck").field(self.place).finish()
    }
}
