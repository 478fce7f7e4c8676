//! Warns of keys of queues that have no effect with their engine.

use super::written;
use crate::config::{Backend, RoutingConfig};
use crate::setting::{Diagnostic, SpannedValue};

/// The keys that only the engine over Redis uses.
const OF_REDIS: [&str; 2] = ["attempts", "dead_letters"];

/// Adds a warning for each such key of a queue in memory.
pub(super) fn check(config: &RoutingConfig, tree: &SpannedValue, warnings: &mut Vec<Diagnostic>) {
    if *config.layer.backend != Backend::Memory {
        return;
    }
    for name in config.queue.keys() {
        for value in OF_REDIS.iter().filter_map(|key| written(tree, &["queue", name, key])) {
            let message = "this has no effect: a queue in memory ends with its workers";
            let help = "leave it out, or write [layer] with backend = \"redis\"".to_owned();
            warnings.push(Diagnostic::new(value.span, message).help(help));
        }
    }
}
