//! Which addresses are believed, and which are counted.

use std::net::IpAddr;

use crate::config::ServerConfig;
use crate::message::network;

/// Whether what this peer says about others is believed: it is one of `[server] trusted_proxies`,
/// or comes over a unix socket when there are any.
pub(super) fn is_trusted(peer: Option<IpAddr>, settings: &ServerConfig) -> bool {
    match peer {
        Some(peer) => settings.trusts(peer),
        None => !settings.trusted_proxies.is_empty(),
    }
}

/// The address by which a client's share is counted. `None` for a client on this machine and for a
/// trusted proxy itself: many clients may use either.
pub(super) fn counted(client: Option<IpAddr>, settings: &ServerConfig) -> Option<IpAddr> {
    client.filter(|ip| !ip.is_loopback() && !settings.trusts(*ip)).map(network)
}
