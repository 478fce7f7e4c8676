//! How much memory a queue's consumer needs for a message.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::extract::{FromGiven, Given, RouteCheck};
use crate::memory::Need;
use crate::message::Message;

/// How much memory a queue's consumer needs for a message.
#[derive(Clone)]
pub(crate) struct Estimate {
    check: fn(&mut RouteCheck<'_>),
    need: Arc<NeedOf>,
}

type NeedOf = dyn Fn(&Message, &Given) -> Need + Send + Sync;

impl Estimate {
    pub(super) fn new<G: FromGiven + 'static>(
        estimate: impl Fn(&Message, &G) -> Need + Send + Sync + 'static,
    ) -> Self {
        let need = move |message: &Message, given: &Given| {
            G::from_given(given).map_or(Need::new(0), |given| estimate(message, &given))
        };
        Self { check: G::check, need: Arc::new(need) }
    }

    /// Lets the estimate's argument check the queue's use of the consumer.
    pub(super) fn check(&self, route: &mut RouteCheck<'_>) {
        (self.check)(route);
    }

    /// How much memory this message needs; zero if the estimate panics.
    pub(super) fn need(&self, message: &Message, given: &Given) -> Need {
        let need = catch_unwind(AssertUnwindSafe(|| (self.need)(message, given)));
        need.unwrap_or(Need::new(0))
    }
}
