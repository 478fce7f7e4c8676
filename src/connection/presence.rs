//! A client's presence, over a WebSocket or for one request: it ends when the client leaves.

use std::sync::Arc;

use crate::message::{Cancellation, Reason};
use crate::service::Service;

/// When it is dropped, tells the rest of the service that the client has left. This includes a
/// client that goes away during its request, because the future that owns this is then dropped.
#[derive(Debug)]
pub(super) struct Presence {
    pub(super) service: Service,
    pub(super) name: Arc<str>,
    pub(super) cancellation: Cancellation,
}

impl Drop for Presence {
    fn drop(&mut self) {
        // The cancellation comes first: later pushes see it, and `leave` removes earlier tasks.
        self.cancellation.cancel(Reason::Cancelled);
        self.service.leave(&self.name);
    }
}
