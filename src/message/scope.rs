//! The facts that stay the same for a whole connection.

use std::any::Any;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use http::HeaderMap;
use serde_json::{Map, Value};

use super::slots::Slots;

/// The facts that stay the same for a whole connection, from the handshake on.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// The path as received: percent-encoded, beginning with `/`.
    pub path: Arc<str>,
    /// The query as received, without the `?`.
    pub query: Arc<str>,
    /// The headers of the request or the handshake.
    pub headers: HeaderMap,
    /// The client's address; `None` over a unix socket without a trusted proxy.
    pub ip: Option<IpAddr>,
    /// Identifies the connection on which the message arrived; several HTTP requests may share one.
    pub connection: Arc<str>,
    /// The subprotocols that the client offers, in the client's order.
    pub subprotocols: Vec<String>,
    /// The claims of the client's token, if the route asks for a token.
    pub claims: Option<Arc<Map<String, Value>>>,
    /// The beginning of URLs in replies, without a trailing slash.
    pub public_url: Arc<str>,
    /// Whether the `origins` of the table allow the client's origin.
    pub origin_allowed: bool,
    /// The tokens that the client showed, right or wrong. No event as data contains them.
    pub tokens: Arc<[String]>,
    /// What consumers keep for this connection.
    pub kept: Kept,
}

/// What consumers keep for one connection, by [`Scope::slot`]. It is dropped with the connection.
#[derive(Debug, Clone, Default)]
pub struct Kept(Arc<Slots>);

impl Scope {
    /// The value of a header, if it is there and is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The value of this type that a consumer keeps for this connection. The first call makes it,
    /// and it is dropped with the connection.
    pub fn slot<T: Any + Send + Sync>(
        &self,
        consumer: &Arc<str>,
        make: impl FnOnce() -> T,
    ) -> Arc<T> {
        self.kept.0.get_or_insert_with(consumer, make)
    }

    /// The same, if it has been made.
    pub(crate) fn slot_if_made<T: Any + Send + Sync>(&self, consumer: &str) -> Option<Arc<T>> {
        self.kept.0.get(consumer)
    }
}

/// The network that counts as one address: an IPv4 address, even if it is written as IPv6; or the
/// /64 of an IPv6 address, because one subscriber gets at least a /64 (RFC 6177).
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from(u128::from(address) >> 64 << 64).into(),
        address @ IpAddr::V4(_) => address,
    }
}
