//! `waterway check`: every mistake in a routing table, with its place and the way out.

use std::path::Path;

use super::{Outcome, load_and_warn};

pub(super) fn check(path: &Path) -> Outcome {
    let table = load_and_warn(path)?;
    let (routes, queues) = (table.rows().len(), table.queues().count());
    let (routes, queues) = (counted(routes, "route"), counted(queues, "queue"));
    print(&format!("{}: sound, with {routes} and {queues}\n", path.display()));
    Ok(())
}

fn counted(number: usize, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}

/// What a command was asked for goes to standard output; a reader that has gone is no failure.
pub(super) fn print(text: &str) {
    use std::io::Write;
    let _ = std::io::stdout().write_all(text.as_bytes());
}
