//! `waterway schema`: the JSON schema of routing tables, or a page about all of their keys.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::Value;

use super::arguments::Schema;
use super::rows::{Row, rows};
use super::terminal::print;
use super::{App, Outcome};
use crate::consumer::Listed;
use crate::message::Channel;
use crate::routing::{Router, described};
use crate::setting::schema::ABOUT;

pub(super) fn schema(app: &App, arguments: &Schema) -> Outcome {
    if arguments.markdown {
        print(&page(app));
        return Ok(());
    }
    let schema = Router::schema(&app.registry);
    let json = serde_json::to_string_pretty(&schema).map_err(|error| error.to_string())?;
    print(&format!("{json}\n"));
    Ok(())
}

/// All sections with their keys, and all consumers with their options, as a page of Markdown.
fn page(app: &App) -> String {
    let table = described(&app.registry).to_value();
    let listed: Vec<Listed> =
        app.registry.names().filter_map(|name| app.registry.list(name)).collect();
    let sections: Vec<Section> = sections(&table);
    let mut page = format!(
        "# Reference\n\n\
         Every key of `routing.toml`, and every consumer of the program. `{} schema --markdown` \
         prints this page.\n\n\
         - [The file](#the-file)\n",
        app.name
    );
    for section in &sections {
        let _ = writeln!(page, "- [`{}`](#{})", section.heading, anchor(&section.heading));
    }
    page.push_str("- [Consumers](#consumers)\n\n## The file\n\n");
    page.push_str(text(&table, "description"));
    page.push('\n');
    for section in &sections {
        page.push_str(&section.markdown());
    }
    page.push_str(&consumers(&listed));
    page.push_str(&options(&listed));
    for guide in &app.guides {
        let _ = write!(page, "\n### {}\n\n{}\n", capital(guide.name), guide.about_in_full);
    }
    page
}

/// A section of a table: `[server]`, `[queue.NAME]` or `[[route]]`.
struct Section {
    heading: String,
    about: String,
    rows: Vec<Row>,
}

/// All sections. The key `include` is not one.
fn sections(table: &Value) -> Vec<Section> {
    let keys = table.get("properties").and_then(Value::as_object);
    let section = |(key, schema): (&String, &Value)| {
        let (heading, keys) = match (schema.get("additionalProperties"), schema.get("items")) {
            (Some(named), _) if named.is_object() => (format!("[{key}.NAME]"), named),
            (_, Some(item)) if item.get("properties").is_some() => (format!("[[{key}]]"), item),
            _ if schema.get("properties").is_some() => (format!("[{key}]"), schema),
            _ => return None,
        };
        // Each consumer has its own keys in addition to `use`.
        let rows = if key == "consumer" { Vec::new() } else { rows(keys) };
        Some(Section { heading, about: text(schema, ABOUT).to_owned(), rows })
    };
    keys.into_iter().flatten().filter_map(section).collect()
}

impl Section {
    fn markdown(&self) -> String {
        let (first, rest) = self.about.split_once("\n\n").unwrap_or((&self.about, ""));
        let mut text = format!("\n## `{}`\n\n{first}\n", self.heading);
        if !self.rows.is_empty() {
            let _ = write!(text, "\n{}", keys("key", &self.rows));
        }
        if !rest.is_empty() {
            let _ = write!(text, "\n{rest}\n");
        }
        text
    }
}

/// The list of all consumers.
fn consumers(listed: &[Listed]) -> String {
    let mut text = String::from(
        "\n## Consumers\n\n\
         A route or a queue names a consumer itself, or a `[consumer.NAME]` that uses it.\n\n\
         | consumer | events | what it does |\n|---|---|---|\n",
    );
    for one in listed {
        let name = if has_options(one) {
            format!("[`{}`](#{})", one.name, anchor(&one.name))
        } else {
            format!("`{}`", one.name)
        };
        let _ = writeln!(text, "| {name} | {} | {} |", events(one), cell(one.about));
    }
    text
}

/// The options of each consumer that has some. Tables that several consumers have are listed once.
fn options(listed: &[Listed]) -> String {
    let mut text = String::new();
    let mut tables: BTreeMap<String, &str> = BTreeMap::new();
    for one in listed.iter().filter(|one| has_options(one)) {
        let schema = one.options.clone().to_value();
        let about = self::text(&schema, "description");
        let (first, rest) = about.split_once("\n\n").unwrap_or((about, ""));
        let first = if first.is_empty() { String::new() } else { format!("{first}\n\n") };
        let mut rows = rows(&schema);
        for key in tables_of(&rows) {
            let own: Vec<Row> = rows.iter().filter(|row| is_in(row, &key)).cloned().collect();
            let is_new = tables.insert(format!("{own:?}"), &one.name);
            if let Some(other) = is_new {
                rows.retain(|row| !is_in(row, &key));
                if let Some(row) = rows.iter_mut().find(|row| row.key == key) {
                    let _ = write!(
                        row.meaning,
                        " Its keys are those of [`{other}`](#{}).",
                        anchor(other)
                    );
                }
                tables.insert(format!("{own:?}"), other);
            }
        }
        let _ = write!(text, "\n### `{}`\n\n{first}{}", one.name, keys("option", &rows));
        if !rest.is_empty() {
            let _ = write!(text, "\n{rest}\n");
        }
    }
    text
}

/// The keys that have a row of their own, and rows for keys of their tables.
fn tables_of(rows: &[Row]) -> Vec<String> {
    let has_more = |row: &&Row| rows.iter().any(|other| is_in(other, &row.key));
    rows.iter().filter(has_more).map(|row| row.key.clone()).collect()
}

fn is_in(row: &Row, key: &str) -> bool {
    row.key.strip_prefix(key).is_some_and(|rest| rest.starts_with('.'))
}

fn has_options(one: &Listed) -> bool {
    !rows(&one.options.clone().to_value()).is_empty()
}

/// The events of a consumer, in short.
pub(super) fn events(one: &Listed) -> String {
    let sockets = [Channel::Connect, Channel::Receive, Channel::Disconnect];
    let mut names: Vec<&str> = Vec::new();
    let mut rest = one.channels.as_slice();
    if one.channels.starts_with(&sockets) {
        names.push("`websocket.*`");
        rest = &one.channels[sockets.len()..];
    }
    names.extend(rest.iter().map(|channel| match channel {
        Channel::Connect => "`websocket.connect`",
        Channel::Receive => "`websocket.receive`",
        Channel::Disconnect => "`websocket.disconnect`",
        Channel::Request => "`http.request`",
        Channel::Task => "tasks of a queue",
    }));
    let needs = if one.needs_queue { "; needs `queue`" } else { "" };
    format!("{}{needs}", names.join(", "))
}

fn keys(head: &str, rows: &[Row]) -> String {
    let mut text = format!("| {head} | meaning | default | bound |\n|---|---|---|---|\n");
    for Row { key, meaning, default, bound } in rows {
        let (meaning, default, bound) = (cell(meaning), cell(default), cell(bound));
        let _ = writeln!(text, "| `{key}` | {meaning} | {default} | {bound} |");
    }
    text.replace("|  |", "| |")
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

/// The anchor that GitHub gives a heading.
fn anchor(heading: &str) -> String {
    let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    heading.to_lowercase().chars().filter(kept).collect::<String>().replace(' ', "-")
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn text<'a>(schema: &'a Value, keyword: &str) -> &'a str {
    schema.get(keyword).and_then(Value::as_str).unwrap_or_default()
}
