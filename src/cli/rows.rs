//! The keys of a section as rows: what `waterway consumers` and docs/reference.md show of them.

use std::fmt::Write;

use serde_json::Value;

use crate::routing::as_written;
use crate::setting::schema::{BOUND, DEFAULT};

/// A key of a section. Its texts are Markdown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    /// The key, with those of the tables around it: `limits.side`.
    pub(super) key: String,
    pub(super) meaning: String,
    /// Its default; `required` if it has to be written.
    pub(super) default: String,
    pub(super) bound: String,
}

/// The keys that a schema knows, in its order, each followed by the keys of its own table.
pub(super) fn rows(schema: &Value) -> Vec<Row> {
    let mut rows = Vec::new();
    add("", schema, &mut rows);
    rows
}

fn add(prefix: &str, schema: &Value, rows: &mut Vec<Row>) {
    for part in schema.get("allOf").and_then(Value::as_array).into_iter().flatten() {
        add(prefix, part, rows);
    }
    let Some(keys) = schema.get("properties").and_then(Value::as_object) else { return };
    let required: Vec<&str> = match schema.get("required").and_then(Value::as_array) {
        Some(required) => required.iter().filter_map(Value::as_str).collect(),
        None => Vec::new(),
    };
    for (key, schema) in keys {
        let name = format!("{prefix}{key}");
        // Two types of options may read the same key.
        if rows.iter().any(|row| row.key == name) {
            continue;
        }
        let tables: Vec<&Value> = tables(schema).collect();
        if !is_table_alone(schema) {
            rows.push(row(name.clone(), schema, required.contains(&key.as_str())));
        }
        for table in tables {
            add(&format!("{name}."), table, rows);
        }
    }
}

/// Whether the keys of a table say everything about it.
fn is_table_alone(schema: &Value) -> bool {
    let said = [DEFAULT, "default"].iter().any(|keyword| schema.get(keyword).is_some());
    schema.get("properties").is_some() && !said
}

/// The tables that a value may be, unless its default or its meaning explains them.
fn tables(schema: &Value) -> impl Iterator<Item = &Value> {
    let alone = Some(schema).filter(|schema| is_table_alone(schema));
    let forms = schema.get("anyOf").and_then(Value::as_array).into_iter().flatten();
    alone.into_iter().chain(forms.filter(|form| form.get("properties").is_some()))
}

fn row(key: String, schema: &Value, is_required: bool) -> Row {
    let text = |keyword| schema.get(keyword).and_then(Value::as_str).map(str::to_owned);
    let default = if is_required { Some("required".to_owned()) } else { text(DEFAULT) };
    let literal = || schema.get("default").map(|default| format!("`{}`", as_written(default)));
    Row {
        key,
        meaning: meaning(schema),
        default: default.or_else(literal).unwrap_or_default(),
        bound: text(BOUND).or_else(|| limits(schema)).unwrap_or_default(),
    }
}

/// The description, with that of each choice.
fn meaning(schema: &Value) -> String {
    let words = schema.get("description").and_then(Value::as_str).unwrap_or_default();
    let mut meaning = words.replace('\n', " ");
    let choices = schema.get("oneOf").and_then(Value::as_array).into_iter().flatten();
    for choice in choices {
        let Some(value) = choice.get("const") else { continue };
        let words = choice.get("description").and_then(Value::as_str).unwrap_or_default();
        let _ = write!(meaning, " `{value}`: {words}");
    }
    meaning
}

/// The bound of a number or a list.
fn limits(schema: &Value) -> Option<String> {
    let number = |keyword| schema.get(keyword).and_then(Value::as_u64);
    match (number("minimum").filter(|least| *least > 0), number("maximum")) {
        (Some(least), Some(most)) => return Some(format!("{least} to {most}")),
        (Some(least), None) => return Some(format!("at least {least}")),
        (None, Some(most)) => return Some(format!("at most {most}")),
        (None, None) => {}
    }
    let list = schema.get("anyOf").and_then(|forms| forms.get(1)).unwrap_or(schema);
    let is_list = list.get("minItems").and_then(Value::as_u64) == Some(1);
    is_list.then(|| "at least one".to_owned())
}
