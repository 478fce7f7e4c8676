//! Which addresses are believed, and which are counted.

use std::net::{IpAddr, Ipv6Addr};

use crate::config::ServerConfig;

/// Whether what this peer says about others is believed: it is one of `[server] trusted_proxies`,
/// or comes over a unix socket when there are any.
pub(super) fn is_trusted(peer: Option<IpAddr>, settings: &ServerConfig) -> bool {
    match peer {
        Some(peer) => settings.trusts(peer),
        None => !settings.trusted_proxies.is_empty(),
    }
}

/// The address by which a client's share is counted: of IPv6 its /64, which one household has.
/// `None` for a client on this machine and for a trusted proxy itself: many clients may stand
/// behind either.
pub(super) fn counted(client: Option<IpAddr>, settings: &ServerConfig) -> Option<IpAddr> {
    let client = client.filter(|ip| !ip.is_loopback() && !settings.trusts(*ip))?;
    Some(match client {
        IpAddr::V4(_) => client,
        IpAddr::V6(ip) => {
            let [a, b, c, d, ..] = ip.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
    })
}
