//! Merges included files into one tree: their tables and routes follow those of the including file.

use crate::setting::{Diagnostic, Sources, Table, Value};

/// Keys that only the first file may have.
const FIRST_ONLY: [&str; 5] = ["include", "server", "admin", "layer", "log"];

/// Adds the content of an included file. A name that is already declared keeps its first
/// declaration.
pub(super) fn merge(
    into: &mut Table,
    included: Table,
    sources: &Sources,
    diagnostics: &mut Vec<Diagnostic>,
) {
    into.partial |= included.partial;
    for entry in included.entries {
        let key = entry.key.value.as_str();
        if FIRST_ONLY.contains(&key) {
            let message = format!("an included file cannot have \"{key}\"");
            diagnostics.push(
                Diagnostic::new(entry.key.span, message)
                    .help("move it to the first file".to_owned()),
            );
            continue;
        }
        let known = matches!(key, "auth" | "queue" | "consumer" | "limits" | "route" | "test");
        let Some(existing) = into.get_mut(key).filter(|_| known) else {
            // An unknown key is added too, so that it is reported in any file.
            into.entries.push(entry);
            continue;
        };
        let span = entry.value.span;
        match (&mut existing.value, entry.value.value) {
            (_, Value::Lost) => {}
            (Value::Table(table), Value::Table(more)) => {
                declare(key, table, more, sources, diagnostics);
            }
            (Value::List(elements), Value::List(more)) => elements.extend(more),
            (Value::Table(_), _) => {
                let help = format!("write [{key}]");
                diagnostics.push(Diagnostic::new(span, "expected a table").help(help));
            }
            (Value::List(_), _) => {
                let help = format!("write [[{key}]]");
                diagnostics.push(Diagnostic::new(span, "expected a list").help(help));
            }
            // The first file's value is wrong; it is reported when it is read.
            _ => {}
        }
    }
}

fn declare(
    section: &str,
    table: &mut Table,
    more: Table,
    sources: &Sources,
    diagnostics: &mut Vec<Diagnostic>,
) {
    table.partial |= more.partial;
    for entry in more.entries {
        match table.entries.iter().find(|earlier| earlier.key.value == entry.key.value) {
            Some(earlier) => {
                let first = sources.describe(earlier.key.span);
                let message = format!("{section}.{} is declared twice", entry.key);
                diagnostics.push(
                    Diagnostic::new(entry.key.span, message)
                        .help(format!("the first is at {first}")),
                );
            }
            None => table.entries.push(entry),
        }
    }
}
