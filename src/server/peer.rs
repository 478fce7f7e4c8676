//! Who is at the other end of a connection.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use tokio::sync::OwnedSemaphorePermit;

use super::per_address::Share;
use super::stream::Writer;
use crate::memory::Held;

/// Who is at the other end of a connection; in the extensions of each of its requests.
#[derive(Clone)]
pub(super) struct Peer {
    pub(super) address: Option<IpAddr>,
    pub(super) connection: Arc<str>,
    /// The connection's place among those that may be open.
    pub(super) place: Arc<Place>,
    /// Its place among the connections of the client's address, if these are counted.
    pub(super) share: Option<Arc<Share>>,
    /// Whether it speaks WebSocket by now.
    pub(super) upgraded: Arc<AtomicBool>,
    /// Where its bytes go.
    pub(super) writer: Arc<Writer>,
}

/// A connection's place among those that may be open, and its memory.
pub(super) struct Place {
    pub(super) _permit: OwnedSemaphorePermit,
    pub(super) _memory: Held,
}
