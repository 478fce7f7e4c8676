//! Whether a message overtakes its client's messages that wait because of a route's `rate`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::instance::Instance;
use super::registry::Blueprint;
use crate::extract::Binding;
use crate::message::Message;
use crate::setting::Mistake;

/// Whether a message overtakes its client's messages that wait because they are over their route's
/// `rate`; see [`Registry::precedence`](crate::Registry::precedence).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Precedence {
    /// It is handled after all earlier messages of its route.
    InTurn {
        /// The name by which a later message can withdraw it.
        name: Option<String>,
    },
    /// It is handled before the messages that wait. Messages of this kind have a count of their
    /// own: one over the rate waits too, but only for others of its kind.
    AtOnce {
        /// Messages that wait under this name, on a route to the same queue, are handled right
        /// before this one, so that it finds their tasks.
        withdraws: Option<String>,
    },
}

impl Default for Precedence {
    fn default() -> Self {
        Self::InTurn { name: None }
    }
}

/// A consumer that decides on precedence.
pub(super) struct Preceding {
    pub(super) blueprint: Arc<dyn Blueprint>,
    pub(super) precedence: fn(&Message) -> Precedence,
}

impl Blueprint for Preceding {
    fn bind(&self, binding: &mut Binding, mistakes: &mut Vec<Mistake>) {
        self.blueprint.bind(binding, mistakes);
    }

    fn instance(&self, binding: Arc<Binding>) -> Box<dyn Instance> {
        self.blueprint.instance(binding)
    }

    fn is_socket(&self) -> bool {
        self.blueprint.is_socket()
    }

    fn precedence(&self, message: &Message) -> Precedence {
        // If the message causes a panic, that is reported when the message is handled.
        catch_unwind(AssertUnwindSafe(|| (self.precedence)(message))).unwrap_or_default()
    }
}
