//! The values that a consumer gets from its place in the table.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use crate::error::Error;
use crate::state::StateHandle;

/// The values that a consumer gets from its place in the table: its typed options, its state, its
/// queue, the channel layer, and whatever its arguments stored when the table was checked. Each is
/// found by its type.
#[derive(Clone)]
pub struct Given {
    consumer: Arc<str>,
    things: Things,
}

/// Values by their types.
#[derive(Clone, Default)]
pub(crate) struct Things(HashMap<TypeId, Arc<dyn Any + Send + Sync>>);

impl Given {
    pub(crate) fn new(consumer: Arc<str>, kept: Things) -> Self {
        Self { consumer, things: kept }
    }

    /// The name of the consumer in the table.
    #[must_use]
    pub fn consumer(&self) -> &Arc<str> {
        &self.consumer
    }

    /// The value of this type, such as [`Options<T>`](super::Options), a
    /// [`TaskQueue`](crate::TaskQueue), or a value stored by
    /// [`RouteCheck::keep`](super::RouteCheck::keep).
    #[must_use]
    pub fn get<T: Any>(&self) -> Option<&T> {
        self.things.get()
    }

    pub(crate) fn insert<T: Any + Send + Sync>(&mut self, thing: T) {
        self.things.insert(thing);
    }

    /// Gives the consumer its state.
    pub(crate) fn insert_state(&mut self, state: StateHandle) {
        self.things.0.insert(state.key, state.handle);
    }
}

impl Things {
    pub(super) fn get<T: Any>(&self) -> Option<&T> {
        self.0.get(&TypeId::of::<T>())?.downcast_ref()
    }

    pub(super) fn insert<T: Any + Send + Sync>(&mut self, thing: T) {
        self.0.insert(TypeId::of::<T>(), Arc::new(thing));
    }
}

/// An argument that does not need a message: it is the same for all messages, and for a background
/// job.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the argument of a background job",
    note = "a background job gets no message: take `Options<T>`, `State<S>` or `ChannelLayer`"
)]
pub trait FromGiven: Sized {
    /// Checks the table's use of the consumer, and reports mistakes. The consumer is not running
    /// then.
    fn check(_route: &mut super::RouteCheck<'_>) {}

    /// Takes the argument.
    ///
    /// # Errors
    /// If it was not given, which is a fault of the program.
    fn from_given(given: &Given) -> Result<Self, Error>;
}

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Given").field("consumer", &self.consumer).finish_non_exhaustive()
    }
}
