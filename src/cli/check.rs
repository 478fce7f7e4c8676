//! `waterway check`: every mistake in a routing table, with its place and the way out.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use super::arguments::Check;
use super::table::{Source, build, read, warn};
use super::terminal::print;
use super::{App, Outcome, store, trial};
use crate::config::{Listen, RoutingConfig};

pub(super) fn check(app: &App, arguments: &Check) -> Outcome {
    let source = Source::named(app, &arguments.file)?;
    let (table, mut loaded) = build(app, read(app, &source, arguments.environment)?)?;
    let tried = if arguments.start { trial::try_out(&table, &mut loaded)? } else { Vec::new() };
    warn(&loaded);
    if !loaded.diagnostics.is_empty() {
        return Err(loaded.report().to_string());
    }
    let (routes, queues) = (table.rows().len(), table.queues().len());
    let (routes, queues) = (counted(routes, "route"), counted(queues, "queue"));
    let mut text = format!("{source}: sound, with {routes} and {queues}\n");
    if table.rows().is_empty() {
        text.push_str("  without routes, every client gets 404\n");
    }
    for (path, by) in used(app, &loaded.config) {
        let _ = writeln!(text, "  {}: {}", path.display(), by.join("; "));
    }
    for (consumer, found) in tried {
        let _ = writeln!(text, "  consumer {consumer}: {found}");
    }
    print(&text);
    Ok(())
}

/// Every path of the table, absolute, with the settings that name it.
fn used(app: &App, config: &RoutingConfig) -> BTreeMap<PathBuf, Vec<String>> {
    let mut used: BTreeMap<PathBuf, Vec<String>> = BTreeMap::new();
    let mut add = |path: &Path, by: String| {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        used.entry(path).or_default().push(by);
    };
    let own = config.server.listen.iter().map(|listen| (listen, "server.listen"));
    let admin = config.admin.iter().flat_map(|admin| &admin.listen);
    for (listen, by) in own.chain(admin.map(|listen| (listen, "admin.listen"))) {
        if let Listen::Unix(path) = listen {
            add(path, by.into());
        }
    }
    if let Some(path) = store::path(config) {
        add(&path, "layer.store".into());
    }
    for (path, by) in app.rules.iter().flat_map(|rules| rules.paths(config)) {
        add(&path, by);
    }
    used
}

fn counted(number: usize, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}
