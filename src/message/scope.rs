//! What stays true for a whole connection.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use http::HeaderMap;
use serde_json::{Map, Value};

/// What stays true for a whole connection, from the handshake on.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// The path as it came, percent-encoded, beginning with `/`.
    pub path: String,
    /// The query as it came, without the `?`.
    pub query: String,
    /// The headers of the request or the handshake.
    pub headers: HeaderMap,
    /// The client's address; none over a unix socket without a trusted proxy.
    pub ip: Option<IpAddr>,
    /// The connection that the message came over; several HTTP requests may share one.
    pub connection: Arc<str>,
    /// The subprotocols that the client offers, in its order.
    pub subprotocols: Vec<String>,
    /// What the client's token claims, where the route asks for a token.
    pub claims: Option<Map<String, Value>>,
    /// What the URLs in replies begin with, without a slash at the end.
    pub public_url: Arc<str>,
    /// Whether the deployment's `origins` allow the client's origin.
    pub origin_allowed: bool,
}

impl Scope {
    /// A header as text, where it is one.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// What counts as one address: an IPv4 address, also written as IPv6; or the /64 of an IPv6 one,
/// because one subscriber is given at least that (RFC 6177).
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from(u128::from(address) >> 64 << 64).into(),
        address @ IpAddr::V4(_) => address,
    }
}
