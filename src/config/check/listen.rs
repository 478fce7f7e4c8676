//! Finds addresses that are listed twice; the second could not be bound.

use std::net::IpAddr;

use super::written;
use crate::config::{Listen, RoutingConfig};
use crate::setting::{Diagnostic, SpannedValue};

/// Reports every address of `[server] listen` that an earlier one already covers.
pub(super) fn check(
    config: &RoutingConfig,
    tree: &SpannedValue,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let listen = &config.server.listen;
    let places = written(tree, &["server", "listen"]).and_then(SpannedValue::as_list);
    // If the list has a mistake, the addresses that were read have other indices than in the file.
    let Some(places) = places.filter(|places| places.len() == listen.len()) else { return };
    for (index, (address, written)) in listen.iter().zip(places).enumerate() {
        if let Some(earlier) = listen[..index].iter().find(|earlier| takes(earlier, address)) {
            let message = if earlier == address {
                format!("{address} is listed twice")
            } else {
                format!("{earlier} already covers {address}")
            };
            diagnostics
                .push(Diagnostic::new(written.span, message).help("remove one of them".to_owned()));
        }
    }
}

/// Whether listening on one of them occupies the other.
fn takes(one: &Listen, other: &Listen) -> bool {
    match (one, other) {
        (Listen::Tcp { host: one, port }, Listen::Tcp { host: other, port: same }) => {
            // Port 0 means a different free port each time.
            port == same && *port != 0 && (one == other || all_of(one, other) || all_of(other, one))
        }
        _ => one == other,
    }
}

/// Whether `one` means all addresses of the family that `other` belongs to.
fn all_of(one: &str, other: &str) -> bool {
    match (one.parse::<IpAddr>(), other.parse::<IpAddr>()) {
        (Ok(one), Ok(other)) => one.is_unspecified() && one.is_ipv4() == other.is_ipv4(),
        _ => false,
    }
}
