//! The documentation of steps, made from their declarations.

use std::fmt::Write;

use imaging::Step;
use imaging::step::{About, Group, Key, Takes};

/// The list for a terminal: each step's first example and its summary.
#[must_use]
pub fn list() -> String {
    let width = Step::ALL.iter().map(|about| about.name.len()).max().unwrap_or_default();
    let mut text = String::new();
    for group in Group::ALL {
        let _ = writeln!(text, "{}", group.heading());
        for about in of(group) {
            let summary = plain(about.summary);
            let _ = writeln!(text, "  {:width$}  {summary}", about.name);
        }
        text.push('\n');
    }
    text.push_str("waterway steps NAME explains one.\n");
    text
}

/// One step for a terminal; `None` for an unknown name.
#[must_use]
pub fn explain(name: &str) -> Option<String> {
    let about = Step::ALL.iter().find(|about| about.name == name)?;
    let mut text = format!("{}: {}\n\n", about.name, plain(about.summary));
    for line in folded(&plain(about.details), 80) {
        let _ = writeln!(text, "{line}");
    }
    text.push('\n');
    for example in about.examples {
        let _ = writeln!(text, "    {example}");
    }
    if !about.keys.is_empty() {
        text.push('\n');
    }
    let width = about.keys.iter().map(|key| key.name.len()).max().unwrap_or_default();
    for Key { name, meaning, default, .. } in about.keys {
        let default = if default.is_empty() { "required" } else { default };
        let _ = writeln!(text, "    {name:width$}  {} [{default}]", plain(meaning));
    }
    Some(text)
}

/// All of it, as a page of Markdown.
#[must_use]
pub fn markdown() -> String {
    let mut text = String::from(
        "# Steps\n\n\
         The steps of a pipeline in `[consumer.NAME.results]`, which are done in their order. A step is written as its name or, with a value,\n\
         as a table of one key. `waterway check` finds mistakes in them, and `waterway steps NAME` explains a step.\n\n\
         ```toml\n\
         [consumer.pictures.results]\n\
         thumb = [\"srgb\", { cover = { size = [320, 240], gravity = \"smart\" } }, { sharpen = 0.5 }, { jpeg = { quality = 80 } }]\n\
         ```\n\n\
         ![Each step on the same picture](steps.jpg)\n\n",
    );
    text.push_str(&table());
    text.push_str(
        "\nSizes and places are in pixels. A colour is `\"#rgb\"`, `\"#rrggbb\"`, `\"#rrggbbaa\"`, `\"white\"`, `\"black\"` or `\"transparent\"`.\n\
         A step that would make a picture larger than `limits` allow is `step_failed`. Steps that add fields to the answer do not change the picture;\n\
         with `responseType = \"inline\"` the fields are the answer.\n",
    );
    for group in Group::ALL {
        let _ = write!(text, "\n## {}\n", group.heading());
        for about in of(group) {
            text.push_str(&section(about));
        }
    }
    text
}

/// A table of all steps, one line each.
#[must_use]
pub fn table() -> String {
    let mut text = String::from("| step | effect |\n|---|---|\n");
    for about in Group::ALL.into_iter().flat_map(of) {
        let example = about.examples.first().copied().unwrap_or(about.name);
        let _ = writeln!(text, "| `{example}` | {} |", about.summary);
    }
    text
}

fn of(group: Group) -> impl Iterator<Item = &'static About> {
    Step::ALL.iter().copied().filter(move |about| about.group == group)
}

fn section(about: &About) -> String {
    let About { name, takes, summary, details, examples, keys, .. } = about;
    let summary = capital(summary);
    let mut text = format!("\n### {name}\n\n{summary}. {details}\n\n```\n");
    for example in *examples {
        let _ = writeln!(text, "{example}");
    }
    text.push_str("```\n");
    if !keys.is_empty() {
        text.push_str("\n| key | meaning | default |\n|---|---|---|\n");
        for Key { name, meaning, default, .. } in *keys {
            let default = match *default {
                "" => "required".to_owned(),
                words if words.contains(' ') || words.contains('\'') => words.to_owned(),
                value => format!("`{value}`"),
            };
            let _ = writeln!(text, "| `{name}` | {meaning} | {default} |");
        }
    }
    debug_assert!(keys.is_empty() || *takes != Takes::Nothing);
    text
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// The text without Markdown's marks.
fn plain(text: &str) -> String {
    text.replace('`', "")
}

/// Splits the text into lines of at most this many characters.
fn folded(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let full = lines.last().is_some_and(|line| {
            !line.is_empty() && line.chars().count() + 1 + word.chars().count() > width
        });
        if full {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}
