//! Checks across sections: undeclared names, routes that nothing reaches, bounds without effect.

mod bounds;
mod host;
mod listen;
mod names;
mod paths;
mod reach;
mod sense;

use super::demand;
use super::load::Loaded;
use crate::setting::Written;

/// Checks a table. `Router` checks its consumers, because it knows those of the program.
pub(super) fn check(tree: &Written, loaded: &mut Loaded) {
    let Loaded { config, sources, mistakes, warnings, .. } = loaded;
    // After a mistake in the syntax, a declaration may be missing.
    if let Some(root) = tree.as_table().filter(|root| !root.partial) {
        names::check(root, mistakes);
    }
    listen::check(config, tree, mistakes);
    for auth in config.auth.values() {
        auth.check(mistakes, warnings);
    }
    for route in &config.route {
        sense::check(route, mistakes);
        paths::check(route, warnings);
    }
    // After a mistake, a connect route or its path may be missing.
    if mistakes.is_empty() {
        demand::check(&config.route, mistakes);
    }
    demand::warn(&config.route, warnings);
    reach::check(&config.route, sources, warnings);
    bounds::check(config, tree, warnings);
    host::check(config, tree, warnings);
}

/// The value under these keys, for its place.
fn written<'a>(tree: &'a Written, keys: &[&str]) -> Option<&'a Written> {
    keys.iter().try_fold(tree, |written, key| written.as_table()?.get(key))
}
