//! A service that other machines reach while its table lists no hosts.

use super::written;
use crate::config::RoutingConfig;
use crate::config::address::Listen;
use crate::setting::{Mistake, Written};

/// Warns where any `Host` is answered and nothing says that this is meant.
pub(super) fn check(config: &RoutingConfig, tree: &Written, warnings: &mut Vec<Mistake>) {
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
    let message = "every Host header is answered, also that of a page elsewhere";
    let help = "write hosts = [\"example.com\"] with what it is called, or \"*\" for any";
    warnings.push(Mistake::new(reached.place, message).help(help.to_owned()));
}
