//! The peer of a connection.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use tokio::sync::OwnedSemaphorePermit;

use super::per_address::Share;
use super::stream::Writer;
use crate::memory::Held;

/// The peer of a connection, which all of its requests carry as an extension.
#[derive(Clone)]
pub(super) struct Peer {
    pub(super) address: Option<IpAddr>,
    pub(super) connection: Arc<str>,
    /// The connection's place among all open connections.
    pub(super) slot: Arc<Slot>,
    /// The connection's place among those of the client's address, if they are counted.
    pub(super) share: Option<Arc<Share>>,
    /// Whether the connection has become a WebSocket.
    pub(super) upgraded: Arc<AtomicBool>,
    /// The writing side of its stream.
    pub(super) writer: Arc<Writer>,
}

/// A connection's place among all open connections, and its memory.
pub(super) struct Slot {
    pub(super) _permit: OwnedSemaphorePermit,
    pub(super) _memory: Held,
}
