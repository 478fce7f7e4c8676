//! A value as written in a file, with the spans of its parts.

use std::fmt;

use super::error::{ReadError, Taken};
use super::span::{Span, Spanned};

/// A value and its span.
#[derive(Clone, Default, PartialEq)]
pub struct SpannedValue {
    /// Where it is written; for a table with a header, the span of the header.
    pub span: Span,
    /// The value itself.
    pub value: Value,
    /// Whether it is a secret, which no message may show.
    pub secret: bool,
}

/// The kinds of values.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// A number with a fraction or an exponent.
    Float(f64),
    /// A text.
    Text(String),
    /// A text that was substituted as a whole from the environment. Because the environment holds
    /// only text, it may also be read as a number or a truth value.
    Substituted(String),
    /// A list.
    List(Vec<SpannedValue>),
    /// A table.
    Table(Table),
    /// A value with a mistake that has already been reported. Readers skip it, and do not report it
    /// as missing.
    Lost,
}

/// Keys and their values, in the order of the file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// One entry for each key.
    pub entries: Vec<Entry>,
    /// Whether a syntax mistake may have hidden keys, so that no key can be reported as missing.
    pub partial: bool,
}

/// One key of a table, and its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key and its span.
    pub key: Spanned<String>,
    /// Its value.
    pub value: SpannedValue,
}

impl Default for Value {
    fn default() -> Self {
        Self::Table(Table::default())
    }
}

/// Without the content of a secret.
impl fmt::Debug for SpannedValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { span, value, secret } = self;
        let mut shown = f.debug_struct("SpannedValue");
        shown.field("span", span).field("secret", secret);
        if *secret { shown.finish_non_exhaustive() } else { shown.field("value", value).finish() }
    }
}

impl SpannedValue {
    /// A value with its span.
    #[must_use]
    pub const fn new(value: Value, span: Span) -> Self {
        Self { span, value, secret: false }
    }

    /// Gives an error the span of this value. If the value is a secret, the error does not show it.
    pub(super) fn tell(&self, error: ReadError) -> ReadError {
        // An empty text hides nothing.
        let hidden = self.secret && self.as_text() != Some("");
        let error = if hidden { error.without_value() } else { error };
        error.at_value(self.span)
    }

    /// The text, if it is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) | Value::Substituted(text) => Some(text),
            _ => None,
        }
    }

    /// The elements, if it is a list.
    #[must_use]
    pub fn as_list(&self) -> Option<&[Self]> {
        match &self.value {
            Value::List(elements) => Some(elements),
            _ => None,
        }
    }

    /// The keys and values, if it is a table.
    #[must_use]
    pub fn as_table(&self) -> Option<&Table> {
        match &self.value {
            Value::Table(table) => Some(table),
            _ => None,
        }
    }

    /// Whether it has the same content as another value, wherever each is written. The environment
    /// is substituted in both, and the keys of tables may be in any order.
    #[must_use]
    pub fn has_content_of(&self, other: &Self) -> bool {
        match (&self.value, &other.value) {
            (Value::List(own), Value::List(others)) => {
                let mut pairs = own.iter().zip(others);
                own.len() == others.len() && pairs.all(|(one, other)| one.has_content_of(other))
            }
            (Value::Table(own), Value::Table(others)) => {
                let same = |entry: &Entry| {
                    let other = others.get(&entry.key.value);
                    other.is_some_and(|other| entry.value.has_content_of(other))
                };
                own.entries.len() == others.entries.len() && own.entries.iter().all(same)
            }
            _ => match (self.as_text(), other.as_text()) {
                (Some(own), Some(other)) => own == other,
                _ => self.value == other.value,
            },
        }
    }

    /// Whether a mistake in it has already been reported.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        matches!(self.value, Value::Lost)
    }

    /// Whether `key` is missing from the table at `span` only because of a mistake already
    /// reported.
    pub(super) fn excuses(&self, span: Span, key: &str) -> bool {
        self.find(span)
            .and_then(Self::as_table)
            .is_some_and(|table| table.partial || table.get(key).is_some_and(Self::is_lost))
    }

    /// Whether the list or table at `span` is shorter because of a mistake already reported.
    pub(super) fn is_shortened(&self, span: Span) -> bool {
        self.find(span).is_some_and(|found| match &found.value {
            Value::List(elements) => elements.iter().any(Self::is_lost),
            Value::Table(table) => table.entries.iter().any(|entry| entry.value.is_lost()),
            _ => false,
        })
    }

    /// Marks a wrong part as lost; returns `false` if it is not found.
    pub(super) fn lose(&mut self, taken: &Taken) -> bool {
        if let Taken::Value(span) = taken
            && self.span == *span
            && !self.is_lost()
        {
            self.value = Value::Lost;
            return true;
        }
        match &mut self.value {
            Value::List(elements) => elements.iter_mut().any(|element| element.lose(taken)),
            Value::Table(table) => table.lose(taken),
            _ => false,
        }
    }

    fn find(&self, span: Span) -> Option<&Self> {
        if self.span == span && !self.is_lost() {
            return Some(self);
        }
        match &self.value {
            Value::List(elements) => elements.iter().find_map(|element| element.find(span)),
            Value::Table(table) => table.entries.iter().find_map(|entry| entry.value.find(span)),
            _ => None,
        }
    }
}

impl Table {
    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&SpannedValue> {
        self.entries.iter().find(|entry| entry.key.value == key).map(|entry| &entry.value)
    }

    /// The value of a key, for changing it.
    #[must_use]
    pub fn get_mut(&mut self, key: &str) -> Option<&mut SpannedValue> {
        self.entries.iter_mut().find(|entry| entry.key.value == key).map(|entry| &mut entry.value)
    }

    /// The keys, in the order of the file.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| entry.key.value.as_str())
    }

    fn lose(&mut self, taken: &Taken) -> bool {
        if let Taken::Key { span, meant } = taken {
            let meant = meant.as_ref().filter(|meant| self.get(meant).is_none()).cloned();
            let unknown = self
                .entries
                .iter_mut()
                .find(|entry| entry.key.span == *span && !entry.value.is_lost());
            if let Some(entry) = unknown {
                entry.value.value = Value::Lost;
                // So that the key that was probably meant is not reported as missing as well.
                if let Some(meant) = meant {
                    entry.key.value = meant;
                }
                return true;
            }
        }
        self.entries.iter_mut().any(|entry| entry.value.lose(taken))
    }
}
