//! A consumer at one place of the table: first checked, then bound to its arguments' sources.

use std::fmt;
use std::sync::Arc;

use super::chain::Chain;
use super::estimate::Estimate;
use super::factory::Factory;
use super::instance::Instance;
use super::precedence::Precedence;
use crate::extract::{ConsumerUse, Given, RouteCheck};
use crate::memory::Need;
use crate::message::{Channel, Message};
use crate::setting::Diagnostic;

/// A checked consumer at one place of the table: its arguments have checked that place, and stored
/// what they need. It does not run yet.
#[derive(Clone)]
pub(crate) struct Checked {
    factory: Arc<dyn Factory>,
    given: Given,
    estimate: Option<Estimate>,
    /// The consumers that are called before it.
    before: Vec<Self>,
}

/// A consumer bound to the arguments of one place of the table; it makes instances.
#[derive(Clone)]
pub(crate) struct Bound {
    factory: Arc<dyn Factory>,
    given: Arc<Given>,
    estimate: Option<Estimate>,
    before: Vec<Self>,
}

impl Checked {
    /// Lets the consumer's arguments check the place, and reports mistakes. `served` are the events
    /// that the registry says the consumer can serve; if it is `None`, only the arguments decide.
    pub(crate) fn new(
        factory: Arc<dyn Factory>,
        estimate: Option<Estimate>,
        place: &ConsumerUse,
        served: Option<&[Channel]>,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Self {
        let kept = RouteCheck::run(place, diagnostics, |route| {
            if let Some(served) = served {
                route.only_on(served);
            }
            factory.check(route);
            if let Some(estimate) = &estimate {
                estimate.check(route);
            }
        });
        let given = Given::new(Arc::clone(&place.consumer), kept);
        Self { factory, given, estimate, before: Vec::new() }
    }

    /// The same, with consumers of the same place that are called before it.
    pub(crate) fn after(mut self, before: Vec<Self>) -> Self {
        self.before = before;
        self
    }

    /// Binds the consumer to its further arguments.
    pub(crate) fn bind(&self, give: &impl Fn(&mut Given)) -> Bound {
        let mut given = self.given.clone();
        give(&mut given);
        let (factory, estimate) = (Arc::clone(&self.factory), self.estimate.clone());
        let before = self.before.iter().map(|consumer| consumer.bind(give)).collect();
        Bound { factory, given: Arc::new(given), estimate, before }
    }

    /// The names of all consumers of the place in the table, in the order in which they are called.
    pub(crate) fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.before.iter().chain([self]).map(Self::name)
    }

    pub(crate) fn name(&self) -> &Arc<str> {
        self.given.consumer()
    }

    /// Whether it is a socket consumer.
    pub(crate) fn is_socket(&self) -> bool {
        self.factory.is_socket()
    }

    /// Whether its work is done outside of this process.
    #[cfg(feature = "cli")]
    pub(crate) fn charges_elapsed(&self) -> bool {
        self.factory.charges_elapsed()
    }

    pub(crate) fn precedence(&self, message: &Message) -> Precedence {
        self.factory.precedence(message)
    }
}

impl Bound {
    /// How much memory the consumer needs for this message.
    pub(crate) fn need(&self, message: &Message) -> Need {
        let estimate = self.estimate.as_ref();
        estimate.map_or(Need::new(0), |estimate| estimate.need(message, &self.given))
    }

    /// Whether its tasks are charged the time that passes, and not the CPU time of a worker.
    pub(crate) fn charges_elapsed(&self) -> bool {
        self.factory.charges_elapsed()
    }

    pub(crate) fn instance(&self) -> Box<dyn Instance> {
        let last = self.factory.instance(Arc::clone(&self.given));
        if self.before.is_empty() {
            return last;
        }
        Box::new(Chain { before: self.before.iter().map(Self::instance).collect(), last })
    }
}

impl fmt::Debug for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Checked").field(self.name()).finish()
    }
}

impl fmt::Debug for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Bound").field(self.given.consumer()).finish()
    }
}
