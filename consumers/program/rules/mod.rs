//! Rules for tables that concern this program's own consumers, in addition to the framework's
//! rules.

mod paths;
mod results;

use serde::de::DeserializeOwned;
use waterway::{Mistake, Place, RoutingConfig, Written, read};

pub(super) use paths::{folders, used};

/// Warns of settings that are valid but hardly intended.
pub(super) fn check(config: &RoutingConfig) -> Vec<Mistake> {
    let mut warnings = Vec::new();
    results::check(config, &mut warnings);
    paths::check(config, &mut warnings);
    warnings
}

/// A consumer that a route or a queue of the table names.
struct InUse<T> {
    name: String,
    /// Its `[consumer.NAME]`, or else the route or queue that names it.
    place: Place,
    written: Written,
    options: T,
}

impl<T> InUse<T> {
    /// Where the first of these options is written; else where the consumer is.
    fn place_of(&self, keys: &[&str]) -> Place {
        let table = self.written.as_table();
        let written = keys.iter().find_map(|key| table?.get(key));
        written.map_or(self.place, |written| written.place)
    }
}

/// The consumers of a table that use the program's `uses`, without those whose options have mistakes.
fn in_use<T: DeserializeOwned>(config: &RoutingConfig, uses: &str) -> Vec<InUse<T>> {
    let workers = config.queue.values().map(|queue| &queue.consumer);
    let mut found: Vec<InUse<T>> = Vec::new();
    for named in workers.chain(config.route.iter().map(|route| &route.consumer)) {
        let declared = config.consumer.get(&named.value);
        let own = declared.map_or(named.as_str(), |consumer| consumer.uses.as_str());
        if own != uses || found.iter().any(|known| known.name == named.value) {
            continue;
        }
        let place = declared.map_or(named.place, |consumer| consumer.place);
        let written = declared.map_or_else(Written::default, |consumer| consumer.options.clone());
        if let Some(options) = read(&written, &mut Vec::new()) {
            found.push(InUse { name: named.value.clone(), place, written, options });
        }
    }
    found
}
