//! Many files as one: an included file's tables and routes behind those of the file itself.

use crate::setting::{Mistake, Sources, Table, Value};

/// What stands in the first file alone.
const FIRST_ONLY: [&str; 3] = ["include", "server", "log"];

/// Adds what an included file holds; what is declared already stays as it is.
pub(super) fn merge(
    into: &mut Table,
    included: Table,
    sources: &Sources,
    mistakes: &mut Vec<Mistake>,
) {
    into.partial |= included.partial;
    for entry in included.entries {
        let key = entry.key.value.as_str();
        if FIRST_ONLY.contains(&key) {
            let message = format!("an included file cannot have \"{key}\"");
            mistakes.push(
                Mistake::new(entry.key.place, message)
                    .help("it stands in the first file".to_owned()),
            );
            continue;
        }
        let known = matches!(key, "auth" | "queue" | "consumer" | "limits" | "route");
        let Some(existing) = into.get_mut(key).filter(|_| known) else {
            // An unknown key too, so that it is told wherever it stands.
            into.entries.push(entry);
            continue;
        };
        let place = entry.value.place;
        match (&mut existing.value, entry.value.value) {
            (_, Value::Lost) => {}
            (Value::Table(table), Value::Table(more)) => {
                declare(key, table, more, sources, mistakes);
            }
            (Value::List(elements), Value::List(more)) => elements.extend(more),
            (Value::Table(_), _) => {
                let help = format!("write [{key}]");
                mistakes.push(Mistake::new(place, "expected a table").help(help));
            }
            (Value::List(_), _) => {
                let help = format!("write [[{key}]]");
                mistakes.push(Mistake::new(place, "expected a list").help(help));
            }
            // What was there first is wrong, and is told when it is read.
            _ => {}
        }
    }
}

fn declare(
    section: &str,
    table: &mut Table,
    more: Table,
    sources: &Sources,
    mistakes: &mut Vec<Mistake>,
) {
    table.partial |= more.partial;
    for entry in more.entries {
        match table.entries.iter().find(|earlier| earlier.key.value == entry.key.value) {
            Some(earlier) => {
                let first = sources.describe(earlier.key.place);
                let message = format!("{section}.{} is declared twice", entry.key);
                mistakes.push(
                    Mistake::new(entry.key.place, message)
                        .help(format!("the first stands at {first}")),
                );
            }
            None => table.entries.push(entry),
        }
    }
}
