//! `waterway consumers`: the consumers that a table can route to, with their options.

use std::fmt::Write;

use super::arguments::Consumers;
use super::reference::events;
use super::rows::{Row, rows};
use super::terminal::{fold, plain, print};
use super::{App, Guide, Outcome};
use crate::consumer::Listed;
use crate::setting::nearest;

pub(super) fn consumers(app: &App, arguments: &Consumers) -> Outcome {
    let text = match (&arguments.name, &arguments.entry) {
        (None, _) => list(app),
        (Some(name), None) => explain(app, name)?,
        (Some(name), Some(entry)) => {
            let guide = app.guides.iter().find(|guide| guide.name == name);
            let guide = guide.ok_or_else(|| unknown(app, name, " with entries"))?;
            guide.explained(app.name, entry)?
        }
    };
    print(&text);
    Ok(())
}

/// One line for each consumer.
fn list(app: &App) -> String {
    let listed: Vec<Listed> =
        app.registry.names().filter_map(|name| app.registry.list(name)).collect();
    let width = listed.iter().map(|one| one.name.len()).max().unwrap_or_default();
    let mut text = String::new();
    for one in &listed {
        let first = one.about.split(". ").next().unwrap_or_default();
        let line = format!("{:width$}  {}", one.name, plain(first.trim_end_matches('.')));
        let _ = writeln!(text, "{}", line.trim_end());
    }
    let _ = write!(text, "\n{} consumers NAME explains one", app.name);
    for guide in &app.guides {
        let Guide { name, entry, .. } = guide;
        let _ = write!(text, "; {} consumers {name} lists the {entry}s", app.name);
    }
    text.push_str(".\n");
    text
}

fn explain(app: &App, name: &str) -> Result<String, String> {
    if let Some(guide) = app.guides.iter().find(|guide| guide.name == name) {
        return Ok((guide.list)());
    }
    let one = app.registry.list(name).ok_or_else(|| unknown(app, name, ""))?;
    Ok(explained(&one))
}

fn unknown(app: &App, name: &str, which: &str) -> String {
    let guides = app.guides.iter().map(|guide| guide.name);
    let help = match which {
        "" => nearest(name, "consumers", app.registry.names().chain(guides)),
        _ => nearest(name, "names with entries", guides),
    };
    format!("there is no consumer {name:?}{which}\n{}", help.unwrap_or_default())
}

/// A consumer in full, for a terminal.
fn explained(one: &Listed) -> String {
    let mut text = String::new();
    for line in fold(&plain(&format!("{}: {}", one.name, one.about)), WIDTH) {
        let _ = writeln!(text, "{line}");
    }
    let _ = writeln!(text, "\nevents: {}", plain(&events(one)));
    let schema = one.options.clone().to_value();
    let rows = rows(&schema);
    if rows.is_empty() {
        text.push_str("options: none\n");
        return text;
    }
    let _ = writeln!(text, "\n[consumer.NAME]");
    if one.kinds.is_empty() {
        let _ = writeln!(text, "use = {:?}", one.name);
    }
    for row in &rows {
        option(row, &mut text);
    }
    let about = schema.get("description").and_then(|about| about.as_str()).unwrap_or_default();
    for paragraph in about.split("\n\n").skip(1) {
        text.push('\n');
        for line in fold(&plain(paragraph), WIDTH) {
            let _ = writeln!(text, "{line}");
        }
    }
    text
}

/// The longest line.
const WIDTH: usize = 90;

fn option(Row { key, meaning, default, bound }: &Row, text: &mut String) {
    let facts: Vec<String> = match (default.as_str(), bound.as_str()) {
        ("required", "") => vec!["required".to_owned()],
        ("required", bound) => vec![format!("required: {bound}")],
        (default, bound) => [("default", default), ("bound", bound)]
            .iter()
            .filter(|(_, words)| !words.is_empty())
            .map(|(fact, words)| format!("{fact}: {words}"))
            .collect(),
    };
    let _ = writeln!(text, "\n{key}");
    for line in fold(&plain(meaning), WIDTH - 4) {
        let _ = writeln!(text, "    {line}");
    }
    for line in facts.iter().flat_map(|fact| fold(&plain(fact), WIDTH - 4)) {
        let _ = writeln!(text, "    {line}");
    }
}
