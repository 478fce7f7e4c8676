//! A client's being there, over a WebSocket or for one request: its end is the client's leaving.

use std::sync::Arc;

use crate::message::{Cancellation, Reason};
use crate::routing::Router;

/// Tells the rest of the service that a client has left, when it is dropped: also when a request's
/// client goes away and the future that holds this with it.
#[derive(Debug)]
pub(super) struct Presence {
    pub(super) router: Router,
    pub(super) name: Arc<str>,
    pub(super) cancellation: Cancellation,
}

impl Drop for Presence {
    fn drop(&mut self) {
        // The notice first: what is pushed from now on sees it, what was pushed before is taken out.
        self.cancellation.cancel(Reason::Cancelled);
        self.router.leave(&self.name);
    }
}
