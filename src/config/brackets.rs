//! Reads `[route]`, where `[[route]]` is meant, as `[[route]]`, and reports each one once. The same
//! for `[test]`.

use std::borrow::Cow;

use toml::de::{DeTable, DeValue, Error};

use super::document::DUPLICATE;
use crate::setting::{Diagnostic, Span, SpannedValue, Value};

/// The keys that hold lists of tables.
const LISTED: [&str; 2] = ["route", "test"];

/// A text with its missing brackets added.
pub(super) struct Doubled<'a> {
    written: &'a str,
    /// Where headers with single brackets begin, as offsets in the original text, in order.
    single: Vec<usize>,
    text: Cow<'a, str>,
    /// Where brackets were added, as offsets in the original text, in order.
    put: Vec<usize>,
}

impl<'a> Doubled<'a> {
    /// A text without added brackets.
    pub(super) fn new(written: &'a str) -> Self {
        let (single, text, put) = (Vec::new(), Cow::Borrowed(written), Vec::new());
        Self { written, single, text, put }
    }

    /// The text with the brackets that have been added so far.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Where further headers with single brackets begin that need double ones, as offsets in the
    /// original text.
    pub(super) fn single(&self, root: &DeTable<'_>, errors: &[Error]) -> Vec<usize> {
        let tables = LISTED.iter().filter_map(|name| root.get(*name));
        let tables = tables.filter(|value| matches!(value.get_ref(), DeValue::Table(_)));
        let tables = tables.map(|table| table.span().start);
        let duplicates = errors.iter().filter(|error| error.message() == DUPLICATE);
        let names = duplicates.filter_map(Error::span);
        let names = names
            .filter(|span| self.text.get(span.clone()).is_some_and(|name| LISTED.contains(&name)));
        let brackets = names.filter_map(|name| {
            let before = self.text[..name.start].trim_end_matches([' ', '\t']).strip_suffix('[')?;
            (!before.ends_with('[')).then_some(before.len())
        });
        let starts = brackets.chain(tables).filter(|start| closing(&self.text, *start).is_some());
        let starts = starts.map(|start| self.as_written(start));
        starts.filter(|start| !self.single.contains(start)).collect()
    }

    /// Adds brackets at these offsets too.
    pub(super) fn double(&mut self, single: Vec<usize>) {
        self.single.extend(single);
        self.single.sort_unstable();
        self.single.dedup();
        let (mut text, mut put, mut done) = (String::new(), Vec::new(), 0);
        let brackets = |start: &usize| [Some(*start), closing(self.written, *start)];
        for at in self.single.iter().flat_map(brackets).flatten() {
            text.push_str(&self.written[done..at]);
            put.push(text.len());
            text.push_str(&self.written[at..=at]);
            done = at;
        }
        text.push_str(&self.written[done..]);
        (self.text, self.put) = (text.into(), put);
    }

    /// Converts the spans of a tree and of diagnostics to offsets in the original text.
    pub(super) fn restore(&self, tree: &mut SpannedValue, diagnostics: &mut [Diagnostic]) {
        self.restore_tree(tree);
        for diagnostic in diagnostics {
            self.restore_place(&mut diagnostic.span);
        }
    }

    /// A diagnostic for each header with single brackets.
    pub(super) fn diagnostics(&self, file: usize) -> impl Iterator<Item = Diagnostic> {
        self.single.iter().map(move |start| {
            let end = closing(self.written, *start).map_or(*start, |closing| closing + 1);
            let header = self.written.get(*start..end).unwrap_or_default();
            let name = header.trim_matches(['[', ']']).trim();
            let message = format!("[{name}] is one table, and {name}s are many");
            Diagnostic::new(Span { file, start: *start, end }, message)
                .help(format!("write [[{name}]]"))
        })
    }

    fn restore_tree(&self, written: &mut SpannedValue) {
        self.restore_place(&mut written.span);
        match &mut written.value {
            Value::List(elements) => elements.iter_mut().for_each(|e| self.restore_tree(e)),
            Value::Table(table) => {
                for entry in &mut table.entries {
                    self.restore_place(&mut entry.key.span);
                    self.restore_tree(&mut entry.value);
                }
            }
            _ => {}
        }
    }

    fn restore_place(&self, span: &mut Span) {
        span.start = self.as_written(span.start);
        span.end = self.as_written(span.end);
    }

    fn as_written(&self, index: usize) -> usize {
        index - self.put.partition_point(|put| *put < index)
    }
}

/// The offset of the closing bracket of the header that begins at `start`.
fn closing(text: &str, start: usize) -> Option<usize> {
    let inner = text.get(start..)?.strip_prefix('[')?;
    let end = inner.find(']')?;
    LISTED.contains(&inner[..end].trim()).then_some(start + 1 + end)
}
