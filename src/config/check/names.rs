//! Finds names that the table uses but does not declare.

use crate::setting::{Diagnostic, SpannedValue, Table, Value, nearest};

/// Reads the tree, so that one mistake in a route does not hide another.
pub(super) fn check(root: &Table, diagnostics: &mut Vec<Diagnostic>) {
    let routes = root.get("route").and_then(SpannedValue::as_list).unwrap_or_default();
    for route in routes.iter().filter_map(SpannedValue::as_table) {
        for (section, what) in [("auth", "[auth] tables"), ("queue", "queues")] {
            let Some(reference) = route.get(section) else { continue };
            let Some(name) = reference.as_text() else { continue };
            if section == "auth" && is_false(reference) {
                continue;
            }
            let declared = root.get(section).and_then(SpannedValue::as_table);
            let declared: Vec<&str> =
                declared.map(|table| table.keys().collect()).unwrap_or_default();
            if !declared.contains(&name) {
                let help = nearest(name, what, declared)
                    .unwrap_or_else(|| format!("declare it under [{section}.{name}]"));
                let message = format!("unknown {section} {name:?}");
                diagnostics.push(Diagnostic::new(reference.span, message).help(help));
            }
        }
    }
}

/// Whether it is `false` from an environment variable, which is always text.
fn is_false(reference: &SpannedValue) -> bool {
    matches!(&reference.value, Value::Substituted(text) if text.trim() == "false")
}
