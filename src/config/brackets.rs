//! `[route]` where `[[route]]` is meant: it is read as `[[route]]`, and each is reported once.

use std::borrow::Cow;

use toml::de::{DeTable, DeValue, Error};

use super::document::DUPLICATE;
use crate::setting::{Mistake, Place, Value, Written};

/// The one key whose tables are a list.
const LISTED: &str = "route";

/// A text, and the same text with its missing brackets added.
pub(super) struct Doubled<'a> {
    written: &'a str,
    /// Where headers with single brackets begin in the text as written, in order.
    single: Vec<usize>,
    text: Cow<'a, str>,
    /// Where brackets were added to that text, in order.
    put: Vec<usize>,
}

impl<'a> Doubled<'a> {
    /// A text as it is written.
    pub(super) fn new(written: &'a str) -> Self {
        let (single, text, put) = (Vec::new(), Cow::Borrowed(written), Vec::new());
        Self { written, single, text, put }
    }

    /// The text with the missing brackets that are known so far.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Where more single brackets begin that should be double, in the text as written.
    pub(super) fn single(&self, root: &DeTable<'_>, errors: &[Error]) -> Vec<usize> {
        let table = root.get(LISTED).filter(|value| matches!(value.get_ref(), DeValue::Table(_)));
        let table = table.map(|table| table.span().start);
        let duplicates = errors.iter().filter(|error| error.message() == DUPLICATE);
        let names = duplicates.filter_map(Error::span);
        let names = names.filter(|span| self.text.get(span.clone()) == Some(LISTED));
        let brackets = names.filter_map(|name| {
            let before = self.text[..name.start].trim_end_matches([' ', '\t']).strip_suffix('[')?;
            (!before.ends_with('[')).then_some(before.len())
        });
        let starts = brackets.chain(table).filter(|start| closing(&self.text, *start).is_some());
        let starts = starts.map(|start| self.as_written(start));
        starts.filter(|start| !self.single.contains(start)).collect()
    }

    /// Adds brackets in these places too.
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

    /// Puts the places of a tree and of mistakes back to where they are in the text as written.
    pub(super) fn restore(&self, tree: &mut Written, mistakes: &mut [Mistake]) {
        self.restore_tree(tree);
        for mistake in mistakes {
            self.restore_place(&mut mistake.place);
        }
    }

    /// A mistake for each of the single brackets.
    pub(super) fn mistakes(&self, file: usize) -> impl Iterator<Item = Mistake> {
        self.single.iter().map(move |start| {
            let end = closing(self.written, *start).map_or(*start, |closing| closing + 1);
            let message = format!("[{LISTED}] is one table, and {LISTED}s are many");
            Mistake::new(Place { file, start: *start, end }, message)
                .help(format!("write [[{LISTED}]]"))
        })
    }

    fn restore_tree(&self, written: &mut Written) {
        self.restore_place(&mut written.place);
        match &mut written.value {
            Value::List(elements) => elements.iter_mut().for_each(|e| self.restore_tree(e)),
            Value::Table(table) => {
                for entry in &mut table.entries {
                    self.restore_place(&mut entry.key.place);
                    self.restore_tree(&mut entry.value);
                }
            }
            _ => {}
        }
    }

    fn restore_place(&self, place: &mut Place) {
        place.start = self.as_written(place.start);
        place.end = self.as_written(place.end);
    }

    fn as_written(&self, index: usize) -> usize {
        index - self.put.partition_point(|put| *put < index)
    }
}

/// Where the header that begins at `start` has its closing bracket.
fn closing(text: &str, start: usize) -> Option<usize> {
    let inner = text.get(start..)?.strip_prefix('[')?;
    let end = inner.find(']')?;
    (inner[..end].trim() == LISTED).then_some(start + 1 + end)
}
