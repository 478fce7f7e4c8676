//! The one place that knows TOML: a text becomes a tree of written values.

use toml::Spanned;
use toml::de::{DeTable, DeValue, Error};

use super::brackets::Doubled;
use crate::setting::{At, Entry, Mistake, Place, Table, Value, Written};

/// What TOML's own parser says of a key that is there already; the tree is sound all the same.
pub(super) const DUPLICATE: &str = "duplicate key";

/// How many mistakes in the syntax of one file are told.
const TOLD_MAX: usize = 100;

/// Reads a text into a tree, and adds the mistakes in its syntax.
///
/// The parser recovers after a mistake, but between it and the next table's header it may take a
/// key for another table's. Such keys are lost, and their tables and the root marked as partial.
pub(super) fn parse(text: &str, file: usize, mistakes: &mut Vec<Mistake>) -> Written {
    let mut doubled = Doubled::new(text);
    loop {
        let (root, errors) = DeTable::parse_recoverable(doubled.text());
        // The parser reports the first `[route]` only once the others do not repeat its key.
        let single = doubled.single(root.get_ref(), &errors);
        if single.is_empty() {
            let mut own = Vec::new();
            let mut tree = tree(doubled.text(), file, root.get_ref(), &errors, &mut own);
            doubled.restore(&mut tree, &mut own);
            mistakes.extend(doubled.mistakes(file));
            mistakes.append(&mut own);
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
    mistakes: &mut Vec<Mistake>,
) -> Written {
    let mut syntax: Vec<(Place, String)> = errors
        .iter()
        .map(|error| {
            let span = error.span().unwrap_or_default();
            (Place { file, start: span.start, end: span.end }, error.message().to_owned())
        })
        .collect();
    syntax.sort();
    let broken = syntax.iter().filter(|(_, message)| message != DUPLICATE);
    let broken = broken.map(|(place, _)| place.start).collect();
    let mut document =
        Document { text, file, headers: Vec::new(), values: Vec::new(), broken, mistakes };
    document.survey(root);
    document.headers.sort_unstable();
    document.values.sort_unstable();
    document.tell(syntax);
    let mut table = document.table(root, 0);
    table.partial = !document.broken.is_empty();
    Written::new(Value::Table(table), Place { file, start: 0, end: 0 })
}

struct Document<'a> {
    text: &'a str,
    file: usize,
    /// Where tables' headers begin, in order.
    headers: Vec<usize>,
    /// Where the values of keys begin and end, in order.
    values: Vec<(usize, usize)>,
    /// Where the structure is broken, in order.
    broken: Vec<usize>,
    mistakes: &'a mut Vec<Mistake>,
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
                let span = value.span();
                self.values.push((span.start, span.end));
            }
        }
    }

    /// Only the first mistake of a line, or of a value: what the parser says further on about
    /// the same is mostly about its own confusion.
    fn tell(&mut self, syntax: Vec<(Place, String)>) {
        let mut told = None;
        let before = self.mistakes.len();
        for (place, message) in syntax {
            if told.is_some_and(|end| place.start <= end) {
                continue;
            }
            if self.mistakes.len() - before == TOLD_MAX {
                break;
            }
            let rest = self.text.get(place.start..).unwrap_or_default();
            let line = place.start + rest.find('\n').unwrap_or(rest.len());
            let begun = self.values.partition_point(|(start, _)| *start <= place.start);
            let around = self.values[..begun].iter().filter(|(_, end)| *end >= place.start);
            told = Some(around.map(|(_, end)| *end).max().unwrap_or(0).max(line));
            self.mistakes.push(Mistake::new(place, message));
        }
    }

    fn note_header(&mut self, table: &Spanned<DeValue<'_>>) {
        if self.is_header(table) {
            self.headers.push(table.span().start);
        }
    }

    /// Whether a value is a table under a header of its own, or the list of such tables.
    fn is_header(&self, value: &Spanned<DeValue<'_>>) -> bool {
        let text = self.text.get(value.span()).unwrap_or_default();
        match value.get_ref() {
            DeValue::Table(_) => text.starts_with('['),
            DeValue::Array(_) => text.starts_with("[["),
            _ => false,
        }
    }

    fn table(&mut self, table: &DeTable<'_>, start: usize) -> Table {
        let mut partial = self.breaks(self.header_above(start), self.header_below(start));
        let mut entries = Vec::with_capacity(table.len());
        for (key, value) in table {
            let (key, key_place) = (key.get_ref().to_string(), self.place(key));
            let end = if self.is_header(value) { key_place.end } else { value.span().end };
            let mut written = Written::new(Value::Lost, self.place(value));
            if self.breaks(self.header_above(key_place.start), end) {
                partial = true;
            } else {
                // Under `[[header]]`s the list would stand where its first table stands.
                if self.is_header(value) && matches!(value.get_ref(), DeValue::Array(_)) {
                    written.place = key_place;
                }
                written.value = self.value(value);
            }
            entries.push(Entry { key: At::new(key, key_place), value: written });
        }
        entries.sort_by_key(|entry| entry.key.place);
        Table { entries, partial }
    }

    fn value(&mut self, value: &Spanned<DeValue<'_>>) -> Value {
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
                let written = |element| Written::new(self.value(element), self.place(element));
                Value::List(elements.iter().map(written).collect())
            }
            DeValue::Table(table) => Value::Table(self.table(table, value.span().start)),
        }
    }

    fn refuse(&mut self, value: &Spanned<DeValue<'_>>, why: &str, help: Option<&str>) -> Value {
        self.mistakes.push(Mistake::new(self.place(value), why).help(help.map(str::to_owned)));
        Value::Lost
    }

    /// The header under which something stands; 0 above the first.
    fn header_above(&self, start: usize) -> usize {
        let above = self.headers.partition_point(|header| *header <= start);
        above.checked_sub(1).map_or(0, |last| self.headers[last])
    }

    /// The end of what stands under that header.
    fn header_below(&self, start: usize) -> usize {
        let above = self.headers.partition_point(|header| *header <= start);
        self.headers.get(above).map_or(usize::MAX, |next| next.saturating_sub(1))
    }

    fn breaks(&self, from: usize, to: usize) -> bool {
        let first = self.broken.partition_point(|broken| *broken < from);
        self.broken.get(first).is_some_and(|broken| *broken <= to)
    }

    fn place<T>(&self, spanned: &Spanned<T>) -> Place {
        let span = spanned.span();
        Place { file: self.file, start: span.start, end: span.end }
    }
}
