//! Reports sections whose headers have another form than theirs, such as `[[consumer.NAME]]`, and reads
//! them nevertheless.

use crate::setting::{Diagnostic, Entry, Span, SpannedValue, Table, Value};

/// The sections that are one table.
const SINGLE: [&str; 5] = ["server", "admin", "layer", "log", "limits"];

/// The sections whose tables have names.
const NAMED: [&str; 3] = ["auth", "queue", "consumer"];

/// The sections that are lists of tables.
const LISTED: [&str; 2] = ["route", "test"];

/// Reports each such section.
pub(super) fn check(tree: &mut SpannedValue, diagnostics: &mut Vec<Diagnostic>) {
    let Value::Table(root) = &mut tree.value else { return };
    let mut tell = |span: Span, message: String, help: String| {
        diagnostics.push(Diagnostic::new(span, message).help(help));
    };
    for section in SINGLE {
        let Some(written) = root.get_mut(section) else { continue };
        if let Some(only) = only_table(written) {
            let message = format!("[[{section}]] is a list, and there is one {section}");
            tell(written.span, message, format!("write [{section}]"));
            written.value = only;
        }
    }
    for section in NAMED {
        let Some(written) = root.get_mut(section) else { continue };
        let help = format!("write [{section}.NAME], and use NAME in routes");
        if is_list_of_tables(written) {
            tell(written.span, format!("[[{section}]] has no name"), help);
            written.value = Value::Lost;
            continue;
        }
        let Value::Table(table) = &mut written.value else { continue };
        let is_named =
            |entry: &Entry| entry.value.as_table().is_some() || is_list_of_tables(&entry.value);
        if !table.entries.is_empty() && !table.entries.iter().any(is_named) {
            tell(written.span, format!("[{section}] has no name"), help);
            written.value = Value::Lost;
            continue;
        }
        for entry in &mut table.entries {
            let name = format!("{section}.{}", entry.key.value);
            if let Some(only) = only_table(&entry.value) {
                let message = format!("[[{name}]] is a list, and a name means one {section}");
                tell(entry.key.span, message, format!("write [{name}]"));
                entry.value.value = only;
            }
        }
    }
    for section in LISTED {
        let Some(written) = root.get_mut(section) else { continue };
        let Value::Table(Table { entries, .. }) = &written.value else { continue };
        if !entries.is_empty() && entries.iter().all(|entry| entry.value.as_table().is_some()) {
            let name = &entries[0].key;
            let message = format!("[{section}.{name}] has a name, and {section}s have none");
            tell(name.span, message, format!("write [[{section}]]"));
            let tables = entries.iter().map(|entry| entry.value.clone());
            written.value = Value::List(tables.collect());
        }
    }
}

fn is_list_of_tables(written: &SpannedValue) -> bool {
    let is_table = |element: &SpannedValue| element.as_table().is_some();
    written.as_list().is_some_and(|list| !list.is_empty() && list.iter().all(is_table))
}

/// The table of a list with one element.
fn only_table(written: &SpannedValue) -> Option<Value> {
    match written.as_list() {
        Some([only]) if only.as_table().is_some() => Some(only.value.clone()),
        _ => None,
    }
}
