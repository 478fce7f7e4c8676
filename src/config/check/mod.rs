//! Checks across sections: undeclared names, unreachable routes, bounds without effect.

mod admin;
mod bounds;
mod headers;
mod host;
mod layer;
mod listen;
mod names;
mod paths;
mod queue;
mod reach;
mod sense;

use super::demand;
use super::load::Loaded;
use super::test;
use crate::setting::SpannedValue;

/// Checks a table. `Router` checks the consumers, because it knows those of the program.
pub(super) fn check(tree: &SpannedValue, loaded: &mut Loaded) {
    let Loaded { config, sources, diagnostics, warnings, .. } = loaded;
    // After a syntax mistake, a declaration may be missing from the tree.
    if let Some(root) = tree.as_table().filter(|root| !root.partial) {
        names::check(root, diagnostics);
    }
    listen::check(config, tree, diagnostics);
    admin::check(config, tree, diagnostics, warnings);
    layer::check(config, tree, diagnostics);
    headers::check(config, tree, diagnostics);
    for auth in config.auth.values() {
        auth.check(diagnostics, warnings);
    }
    for route in &config.route {
        sense::check(route, diagnostics);
        paths::check(route, warnings);
    }
    // After a mistake, a connect route or its path may be missing from the table.
    if diagnostics.is_empty() {
        demand::check(&config.route, diagnostics);
    }
    test::check(&config.test, diagnostics);
    demand::warn(&config.route, warnings);
    reach::check(&config.route, sources, warnings);
    bounds::check(config, tree, warnings);
    queue::check(config, tree, warnings);
    host::check(config, tree, warnings);
}

/// The value under these keys, for its span.
pub(super) fn written<'a>(tree: &'a SpannedValue, keys: &[&str]) -> Option<&'a SpannedValue> {
    keys.iter().try_fold(tree, |written, key| written.as_table()?.get(key))
}
