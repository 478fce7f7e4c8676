//! Addresses that are listed twice: the second time, the address would already be in use.

use std::net::IpAddr;

use super::written;
use crate::config::{Listen, RoutingConfig};
use crate::setting::{Mistake, Written};

/// Reports every address of `[server] listen` that an earlier one occupies.
pub(super) fn check(config: &RoutingConfig, tree: &Written, mistakes: &mut Vec<Mistake>) {
    let listen = &config.server.listen;
    let places = written(tree, &["server", "listen"]).and_then(Written::as_list);
    // When the list has a mistake, the addresses that were read have other positions than in the
    // file.
    let Some(places) = places.filter(|places| places.len() == listen.len()) else { return };
    for (index, (address, written)) in listen.iter().zip(places).enumerate() {
        if let Some(earlier) = listen[..index].iter().find(|earlier| takes(earlier, address)) {
            let message = if earlier == address {
                format!("{address} stands twice")
            } else {
                format!("{earlier} takes {address} too")
            };
            mistakes
                .push(Mistake::new(written.place, message).help("leave one of them".to_owned()));
        }
    }
}

/// Whether listening at `one` occupies `other`, or the other way round.
fn takes(one: &Listen, other: &Listen) -> bool {
    match (one, other) {
        (Listen::Tcp { host: one, port }, Listen::Tcp { host: other, port: same }) => {
            // Port 0 means a different free port each time.
            port == same && *port != 0 && (one == other || all_of(one, other) || all_of(other, one))
        }
        _ => one == other,
    }
}

/// Whether the first means all addresses of the second's family.
fn all_of(one: &str, other: &str) -> bool {
    match (one.parse::<IpAddr>(), other.parse::<IpAddr>()) {
        (Ok(one), Ok(other)) => one.is_unspecified() && one.is_ipv4() == other.is_ipv4(),
        _ => false,
    }
}
