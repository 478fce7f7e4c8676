//! How a message stands to those of its client that wait because of a route's `rate`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::instance::Instance;
use super::registry::Blueprint;
use crate::extract::Binding;
use crate::message::Message;
use crate::setting::Mistake;

/// How a message stands to those of its client that wait because they are over their route's
/// `rate`; see [`Registry::precedence`](crate::Registry::precedence).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Precedence {
    /// It is handled when those of its route that came before it have been.
    InTurn {
        /// What a later message can withdraw it by.
        name: Option<String>,
    },
    /// It is handled before those that wait. Such messages are counted by themselves: only one
    /// over the rate of these waits, behind others of them.
    AtOnce {
        /// Those that wait under this name, on a route to the same queue, are handled right before
        /// this one, so that it finds what it withdraws.
        withdraws: Option<String>,
    },
}

impl Default for Precedence {
    fn default() -> Self {
        Self::InTurn { name: None }
    }
}

/// A consumer that has a say in it.
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
        // A panic is told of when the message is handled, if it is the message's fault.
        catch_unwind(AssertUnwindSafe(|| (self.precedence)(message))).unwrap_or_default()
    }
}
