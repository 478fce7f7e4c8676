//! The consumers that a table uses, with their options.

use serde::de::DeserializeOwned;

use super::RoutingConfig;
use crate::setting::{Span, SpannedValue, read};

/// A consumer that a route or a queue of the table names.
#[derive(Clone, Debug)]
pub struct InUse<T> {
    /// The name by which the table calls it.
    pub name: String,
    /// Its options.
    pub options: T,
    /// Its `[consumer.NAME]`, or else the route or queue that names it.
    pub span: Span,
    written: SpannedValue,
}

impl<T> InUse<T> {
    /// Its options as they are written.
    #[must_use]
    pub fn written(&self) -> &SpannedValue {
        &self.written
    }

    /// The span of the first of these options that is set, or else the span of the consumer.
    #[must_use]
    pub fn span_of(&self, keys: &[&str]) -> Span {
        let table = self.written.as_table();
        let written = keys.iter().find_map(|key| table?.get(key));
        written.map_or(self.span, |written| written.span)
    }
}

impl RoutingConfig {
    /// The consumers that routes and queues name and that are the program's `uses`, each once: by
    /// `use`, or, without `use`, by a key of this name. Consumers whose options have mistakes are
    /// left out.
    #[must_use]
    pub fn in_use<T: DeserializeOwned>(&self, uses: &str) -> Vec<InUse<T>> {
        let workers =
            self.queue.values().map(|queue| (queue.consumer.as_str(), queue.consumer.span));
        let routes =
            self.route.iter().flat_map(|route| route.consumer.spanned(route.consumer.span));
        let mut found: Vec<InUse<T>> = Vec::new();
        for (name, named_at) in workers.chain(routes) {
            let declared = self.consumer.get(name);
            let is_it = match declared.map(|consumer| (&consumer.uses, &consumer.options)) {
                None => name == uses,
                Some((Some(own), _)) => own.value == uses,
                Some((None, options)) => {
                    options.as_table().is_some_and(|table| table.get(uses).is_some())
                }
            };
            if !is_it || found.iter().any(|known| known.name == name) {
                continue;
            }
            let span = declared.map_or(named_at, |consumer| consumer.span);
            let written =
                declared.map_or_else(SpannedValue::default, |consumer| consumer.options.clone());
            if let Some(options) = read(&written, &mut Vec::new()) {
                found.push(InUse { name: name.to_owned(), options, span, written });
            }
        }
        found
    }
}
