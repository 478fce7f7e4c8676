//! Which addresses are trusted, and which are counted.

use std::net::IpAddr;

use crate::config::ServerConfig;
use crate::message::network;

/// Whether a peer's statements about other addresses are believed: it is one of `[server]
/// trusted_proxies`, or it uses a unix socket and the list is not empty.
pub(super) fn is_trusted(peer: Option<IpAddr>, settings: &ServerConfig) -> bool {
    match peer {
        Some(peer) => settings.trusts(peer),
        None => !settings.trusted_proxies.is_empty(),
    }
}

/// The address for which a client's connections and requests are counted. `None` for a client on
/// this machine and for a trusted proxy itself, because many clients may use either.
pub(super) fn counted(client: Option<IpAddr>, settings: &ServerConfig) -> Option<IpAddr> {
    client.filter(|ip| !ip.is_loopback() && !settings.trusts(*ip)).map(network)
}
