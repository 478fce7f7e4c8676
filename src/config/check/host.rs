//! Warns of a service that other machines reach while its table lists no hosts.

use super::written;
use crate::config::RoutingConfig;
use crate::config::address::Listen;
use crate::setting::{Diagnostic, SpannedValue};

/// Warns if any `Host` is answered and the table does not say that this is intended.
pub(super) fn check(config: &RoutingConfig, tree: &SpannedValue, warnings: &mut Vec<Diagnostic>) {
    let server = &config.server;
    let reached = if !server.listen.iter().all(Listen::is_loopback) {
        "listen"
    } else if !server.trusted_proxies.is_empty() {
        "trusted_proxies"
    } else {
        return;
    };
    let Some(reached) = written(tree, &["server", reached]).filter(|_| server.hosts.is_none())
    else {
        return;
    };
    let message = "requests with any Host header are answered, even those of pages from other \
                   sites";
    let help = "write hosts = [\"example.com\"] with the names of the service, or \"*\" for any";
    warnings.push(Diagnostic::new(reached.span, message).help(help.to_owned()));
}
