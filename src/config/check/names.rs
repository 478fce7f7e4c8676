//! Names that no table declares.

use crate::setting::{Mistake, Table, Value, Written, nearest};

/// Reads the tree, so that one mistake in a route does not hide the next.
pub(super) fn check(root: &Table, mistakes: &mut Vec<Mistake>) {
    let routes = root.get("route").and_then(Written::as_list).unwrap_or_default();
    for route in routes.iter().filter_map(Written::as_table) {
        for (section, what) in [("auth", "[auth] tables"), ("queue", "queues")] {
            let Some(reference) = route.get(section) else { continue };
            let Some(name) = reference.as_text() else { continue };
            if section == "auth" && is_false(reference) {
                continue;
            }
            let declared = root.get(section).and_then(Written::as_table);
            let declared: Vec<&str> =
                declared.map(|table| table.keys().collect()).unwrap_or_default();
            if !declared.contains(&name) {
                let help = nearest(name, what, declared)
                    .unwrap_or_else(|| format!("declare it under [{section}.{name}]"));
                let message = format!("unknown {section} {name:?}");
                mistakes.push(Mistake::new(reference.place, message).help(help));
            }
        }
    }
}

/// Whether it is `false` from an environment variable, where every value is text.
fn is_false(reference: &Written) -> bool {
    matches!(&reference.value, Value::Substituted(text) if text.trim() == "false")
}
