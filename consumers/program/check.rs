//! `waterway check`: every mistake in a routing table, with its place and the way out.

use std::fmt::Write as _;
use std::io::Write as _;

use super::arguments::Check;
use super::{Outcome, load_and_warn, rules};

pub(super) fn check(arguments: &Check) -> Outcome {
    let path = arguments.file.path();
    let (table, loaded) = load_and_warn(&path, arguments.environment)?;
    let (routes, queues) = (table.rows().len(), table.queues().count());
    let (routes, queues) = (counted(routes, "route"), counted(queues, "queue"));
    let mut text = format!("{}: sound, with {routes} and {queues}\n", path.display());
    for (path, by) in rules::used(&loaded.config) {
        let _ = writeln!(text, "  {}: {}", path.display(), by.join("; "));
    }
    print(&text);
    Ok(())
}

fn counted(number: usize, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}

/// What a command was asked for goes to standard output; a reader that has gone is no failure.
pub(super) fn print(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}
