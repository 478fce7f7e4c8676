//! Parses TOML into a tree of spanned values; no other file knows TOML.

use toml::Spanned as TomlSpanned;
use toml::de::{DeTable, DeValue, Error};

use super::brackets::Doubled;
use crate::setting::{Diagnostic, Entry, Span, Spanned, SpannedValue, Table, Value};

/// The TOML parser's message for a repeated key; the tree is usable nevertheless.
pub(super) const DUPLICATE: &str = "duplicate key";

/// How many syntax mistakes of one file are reported.
const TOLD_MAX: usize = 100;

/// Parses a text into a tree, and reports the mistakes in its syntax.
///
/// The parser recovers after a mistake. Up to the header of the next table, however, it may assign
/// keys to the wrong table. Such keys are marked as lost, and their tables and the root as partial.
pub(super) fn parse(text: &str, file: usize, diagnostics: &mut Vec<Diagnostic>) -> SpannedValue {
    let mut doubled = Doubled::new(text);
    loop {
        let (root, errors) = DeTable::parse_recoverable(doubled.text());
        // The parser reports the first `[route]` only after the others no longer repeat its key.
        let single = doubled.single(root.get_ref(), &errors);
        if single.is_empty() {
            let mut own = Vec::new();
            let mut tree = tree(doubled.text(), file, root.get_ref(), &errors, &mut own);
            doubled.restore(&mut tree, &mut own);
            diagnostics.extend(doubled.diagnostics(file));
            diagnostics.append(&mut own);
            return tree;
        }
        doubled.double(single);
    }
}

fn tree(
    text: &str,
    file: usize,
    root: &DeTable<'_>,
    errors: &[Error],
    diagnostics: &mut Vec<Diagnostic>,
) -> SpannedValue {
    let mut syntax: Vec<(Span, String)> = errors
        .iter()
        .map(|error| {
            let span = error.span().unwrap_or_default();
            (Span { file, start: span.start, end: span.end }, error.message().to_owned())
        })
        .collect();
    syntax.sort();
    let broken = syntax.iter().filter(|(_, message)| message != DUPLICATE);
    let broken = broken.map(|(span, _)| span.start).collect();
    let mut document =
        Document { text, file, headers: Vec::new(), values: Vec::new(), broken, diagnostics };
    document.survey(root);
    document.headers.sort_unstable();
    document.values.sort_unstable();
    document.tell(syntax);
    let mut table = document.table(root, 0);
    table.partial = !document.broken.is_empty();
    SpannedValue::new(Value::Table(table), Span { file, start: 0, end: 0 })
}

struct Document<'a> {
    text: &'a str,
    file: usize,
    /// Where the headers of tables begin, in order.
    headers: Vec<usize>,
    /// Where the values of keys begin and end, in order.
    values: Vec<(usize, usize)>,
    /// Where the syntax is broken, in order.
    broken: Vec<usize>,
    diagnostics: &'a mut Vec<Diagnostic>,
}

impl Document<'_> {
    fn survey(&mut self, table: &DeTable<'_>) {
        for value in table.values() {
            match value.get_ref() {
                DeValue::Table(table) => {
                    self.note_header(value);
                    self.survey(table);
                }
                DeValue::Array(elements) => {
                    for element in elements {
                        if let DeValue::Table(table) = element.get_ref() {
                            self.note_header(element);
                            self.survey(table);
                        }
                    }
                }
                _ => {}
            }
            if !self.is_header(value) {
                self.values.push((value.span().start, end_of(value)));
            }
        }
    }

    /// Reports only the first mistake of a line or of a value, because the parser's later messages
    /// about it are mostly caused by the first.
    fn tell(&mut self, syntax: Vec<(Span, String)>) {
        let mut reported_up_to = None;
        let before = self.diagnostics.len();
        for (span, message) in syntax {
            if reported_up_to.is_some_and(|end| span.start <= end) {
                continue;
            }
            if self.diagnostics.len() - before == TOLD_MAX {
                break;
            }
            let rest = self.text.get(span.start..).unwrap_or_default();
            let line = span.start + rest.find('\n').unwrap_or(rest.len());
            let begun = self.values.partition_point(|(start, _)| *start <= span.start);
            let around = self.values[..begun].iter().filter(|(_, end)| *end >= span.start);
            reported_up_to = Some(around.map(|(_, end)| *end).max().unwrap_or(0).max(line));
            self.diagnostics.push(Diagnostic::new(span, message));
        }
    }

    fn note_header(&mut self, table: &TomlSpanned<DeValue<'_>>) {
        if self.is_header(table) {
            self.headers.push(table.span().start);
        }
    }

    /// Whether a value is a table with a header of its own, or a list of such tables.
    fn is_header(&self, value: &TomlSpanned<DeValue<'_>>) -> bool {
        let text = self.text.get(value.span()).unwrap_or_default();
        match value.get_ref() {
            DeValue::Table(_) => text.starts_with('['),
            DeValue::Array(elements) => {
                let is_table =
                    |element: &TomlSpanned<_>| matches!(element.get_ref(), DeValue::Table(_));
                // A list of lists within a table begins in the same way.
                text.starts_with("[[") && elements.iter().all(is_table)
            }
            _ => false,
        }
    }

    fn table(&mut self, table: &DeTable<'_>, start: usize) -> Table {
        let mut partial = self.breaks(self.header_above(start), self.header_below(start));
        let mut entries = Vec::with_capacity(table.len());
        for (key, value) in table {
            let (key, key_place) = (key.get_ref().to_string(), self.span(key));
            let end = if self.is_header(value) { key_place.end } else { end_of(value) };
            let mut written = SpannedValue::new(Value::Lost, self.span(value));
            if self.breaks(self.header_above(key_place.start), end) {
                partial = true;
            } else {
                // The span of a list of `[[header]]`s would be that of its first table.
                if self.is_header(value) && matches!(value.get_ref(), DeValue::Array(_)) {
                    written.span = key_place;
                }
                written.value = self.value(value);
            }
            entries.push(Entry { key: Spanned::new(key, key_place), value: written });
        }
        entries.sort_by_key(|entry| entry.key.span);
        Table { entries, partial }
    }

    fn value(&mut self, value: &TomlSpanned<DeValue<'_>>) -> Value {
        match value.get_ref() {
            DeValue::String(text) => Value::Text(text.to_string()),
            DeValue::Boolean(value) => Value::Bool(*value),
            DeValue::Integer(number) => {
                match i64::from_str_radix(number.as_str(), number.radix()) {
                    Ok(number) => Value::Integer(number),
                    Err(_) => self.refuse(value, "the number is too large", None),
                }
            }
            DeValue::Float(number) => match number.as_str().parse::<f64>() {
                Ok(number) if number.is_finite() => Value::Float(number),
                _ => self.refuse(value, "the number is not finite", None),
            },
            DeValue::Datetime(_) => {
                let help = "write it as text, between quotes";
                self.refuse(value, "a date has no meaning here", Some(help))
            }
            DeValue::Array(elements) => {
                let written = |element| SpannedValue::new(self.value(element), self.span(element));
                Value::List(elements.iter().map(written).collect())
            }
            DeValue::Table(table) => Value::Table(self.table(table, value.span().start)),
        }
    }

    fn refuse(&mut self, value: &TomlSpanned<DeValue<'_>>, why: &str, help: Option<&str>) -> Value {
        self.diagnostics.push(Diagnostic::new(self.span(value), why).help(help.map(str::to_owned)));
        Value::Lost
    }

    /// The offset of the header above this one; 0 above the first header.
    fn header_above(&self, start: usize) -> usize {
        let above = self.headers.partition_point(|header| *header <= start);
        above.checked_sub(1).map_or(0, |last| self.headers[last])
    }

    /// Where the section that contains this offset ends.
    fn header_below(&self, start: usize) -> usize {
        let above = self.headers.partition_point(|header| *header <= start);
        self.headers.get(above).map_or(usize::MAX, |next| next.saturating_sub(1))
    }

    fn breaks(&self, from: usize, to: usize) -> bool {
        let first = self.broken.partition_point(|broken| *broken < from);
        self.broken.get(first).is_some_and(|broken| *broken <= to)
    }

    fn span<T>(&self, spanned: &TomlSpanned<T>) -> Span {
        let span = spanned.span();
        Span { file: self.file, start: span.start, end: span.end }
    }
}

/// Where a value ends. The parser's span of a list or table that is not closed ends before its
/// values.
fn end_of(value: &TomlSpanned<DeValue<'_>>) -> usize {
    let within = match value.get_ref() {
        DeValue::Array(elements) => elements.iter().map(end_of).max(),
        DeValue::Table(table) => table.values().map(end_of).max(),
        _ => None,
    };
    within.unwrap_or_default().max(value.span().end)
}
