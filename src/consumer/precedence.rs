//! Whether a message overtakes its client's messages that are over their route's `rate`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::factory::Factory;
use super::instance::Instance;
use crate::extract::{Given, RouteCheck};
use crate::message::Message;

/// Whether a message overtakes its client's messages that wait because they are over their route's
/// `rate`; see [`Registry::precedence`](crate::Registry::precedence).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Precedence {
    /// It is handled after all earlier messages of its route.
    InTurn {
        /// The name by which a later message can withdraw it.
        name: Option<String>,
    },
    /// It is handled before the waiting messages. Messages of this kind have a rate count of their
    /// own, and if they exceed the rate, they wait only for each other.
    AtOnce {
        /// Waiting messages with this name, on a route to the same queue, are handled right before
        /// this one, so that it finds their tasks.
        withdraws: Option<String>,
    },
}

impl Default for Precedence {
    fn default() -> Self {
        Self::InTurn { name: None }
    }
}

/// A consumer with a precedence function.
pub(super) struct Preceding {
    pub(super) factory: Arc<dyn Factory>,
    pub(super) precedence: fn(&Message) -> Precedence,
}

impl Factory for Preceding {
    fn check(&self, route: &mut RouteCheck<'_>) {
        self.factory.check(route);
    }

    fn instance(&self, given: Arc<Given>) -> Box<dyn Instance> {
        self.factory.instance(given)
    }

    fn is_socket(&self) -> bool {
        self.factory.is_socket()
    }

    fn charges_elapsed(&self) -> bool {
        self.factory.charges_elapsed()
    }

    fn precedence(&self, message: &Message) -> Precedence {
        // If the message causes a panic, it is reported when the message is handled.
        catch_unwind(AssertUnwindSafe(|| (self.precedence)(message))).unwrap_or_default()
    }
}
