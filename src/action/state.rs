//! A consumer's state for one connection, which the action `state` sets.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use crate::message::Scope;

/// The state; `None` until the consumer sets it.
#[derive(Default)]
struct Slot(Mutex<Option<Arc<Value>>>);

/// The state of this consumer for this connection.
pub(super) fn get(scope: &Scope, consumer: &Arc<str>) -> Option<Arc<Value>> {
    let slot = scope.slot_if_made::<Slot>(consumer)?;
    slot.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Replaces it; null removes it.
pub(super) fn set(scope: &Scope, consumer: &Arc<str>, state: Value) {
    let state = (!state.is_null()).then(|| Arc::new(state));
    let slot = scope.slot(consumer, Slot::default);
    *slot.0.lock().unwrap_or_else(PoisonError::into_inner) = state;
}
