//! A consumer as a deployer sees it: its events, whether it needs a queue, its options.

use schemars::Schema;

use super::registry::Registry;
use crate::extract::{Answers, ConsumerUse, QueueUse, RouteCheck};
use crate::message::Channel;
use crate::setting::{Span, SpannedValue};

/// The facts about a consumer of a [`Registry`] that a deployer needs.
#[derive(Debug, Clone)]
pub struct Listed {
    /// Its name in the registry, which `use` names in the table.
    pub name: String,
    /// Its effect, in words; empty if the registry does not describe it.
    pub about: &'static str,
    /// The keys by which a `[consumer.NAME]` without `use` finds it.
    pub kinds: Vec<&'static str>,
    /// The events that it can serve. [`Channel::Task`] means that it can be a queue's consumer.
    pub channels: Vec<Channel>,
    /// Whether its routes must name a queue.
    pub needs_queue: bool,
    /// The JSON schema of its options (draft 7), without the key `use`. The keywords `x-default` and
    /// `x-bound` say in words what JSON Schema cannot.
    pub options: Schema,
}

impl Listed {
    pub(super) fn of(registry: &Registry, name: &str) -> Option<Self> {
        let is_socket = registry.get(name)?.is_socket();
        let serves = |channel: &Channel| {
            let has_socket = !matches!(channel, Channel::Request | Channel::Task);
            (has_socket || !is_socket) && !ask(registry, name, vec![*channel]).is_refused
        };
        let channels = Channel::ALL.into_iter().chain([Channel::Task]).filter(serves).collect();
        let kinds = registry.kinds().iter().filter(|(_, of)| **of == name).map(|(key, _)| *key);
        let answers = ask(registry, name, Vec::new());
        Some(Self {
            name: name.to_owned(),
            about: registry.words_of(name),
            kinds: kinds.collect(),
            channels,
            needs_queue: answers.needs_queue.get(),
            options: answers.options.merged(),
        })
    }
}

/// The answers of the arguments of a consumer's function, estimate and jobs, and of its state, for a
/// place with these events.
fn ask(registry: &Registry, name: &str, channels: Vec<Channel>) -> Answers {
    let state = registry.state_of(name);
    let mut place = ConsumerUse::beside(name, Span::default(), SpannedValue::default());
    place.channels = channels;
    place.queue = QueueUse::Named;
    place.state = state.map(|state| state.type_id());
    let mut answers = RouteCheck::ask(&place, |route| {
        if let Some(served) = registry.channels(name) {
            route.only_on(served);
        }
        if let Some(factory) = registry.get(name) {
            factory.check(route);
        }
        if let Some(estimate) = registry.estimate_of(name) {
            estimate.check(route);
        }
        for job in registry.jobs(name) {
            job.check(route);
        }
    });
    if let Some(state) = state {
        state.add_schema(&mut answers.options);
    }
    answers
}
