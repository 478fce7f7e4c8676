//! A value as it is written in a file, with the place of every part of it.

use super::error::{ReadError, Taken};
use super::place::{At, Place};

/// A value and the place where it stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Written {
    /// Where it stands; of a table with a header, the header.
    pub place: Place,
    /// What it is.
    pub value: Value,
    /// Whether it is a secret, which no message shows.
    pub secret: bool,
}

/// What can be written.
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
    /// A text that came whole out of the environment.
    /// As the environment holds nothing but text, it may stand for a number or a truth value.
    Substituted(String),
    /// A list.
    List(Vec<Written>),
    /// A table.
    Table(Table),
    /// Something with a mistake that is known already.
    /// Reading passes over it, and does not call it missing.
    Lost,
}

/// Keys and their values, in the order of the file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// One for each key.
    pub entries: Vec<Entry>,
    /// Whether keys may have gone lost in a syntax mistake, so that none can be called missing.
    pub partial: bool,
}

/// One key of a table, and its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key and its place.
    pub key: At<String>,
    /// Its value.
    pub value: Written,
}

impl Default for Value {
    fn default() -> Self {
        Self::Table(Table::default())
    }
}

impl Written {
    /// A value at its place.
    #[must_use]
    pub const fn new(value: Value, place: Place) -> Self {
        Self { place, value, secret: false }
    }

    /// An error about this value, at its place. If the value is a secret, it does not show it.
    pub(super) fn tell(&self, error: ReadError) -> ReadError {
        // An empty text has nothing to hide.
        let hidden = self.secret && self.as_text() != Some("");
        let error = if hidden { error.without_value() } else { error };
        error.at_value(self.place)
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

    /// Whether it is known to be wrong.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        matches!(self.value, Value::Lost)
    }

    /// Whether a missing `key` of the table at `place` follows from a mistake that is known.
    pub(super) fn excuses(&self, place: Place, key: &str) -> bool {
        self.find(place)
            .and_then(Self::as_table)
            .is_some_and(|table| table.partial || table.get(key).is_some_and(Self::is_lost))
    }

    /// Whether the list or table at `place` has become shorter by a mistake that is known.
    pub(super) fn is_shortened(&self, place: Place) -> bool {
        self.find(place).is_some_and(|found| match &found.value {
            Value::List(elements) => elements.iter().any(Self::is_lost),
            Value::Table(table) => table.entries.iter().any(|entry| entry.value.is_lost()),
            _ => false,
        })
    }

    /// Marks what was wrong as lost; `false` if there is no such thing.
    pub(super) fn lose(&mut self, taken: &Taken) -> bool {
        if let Taken::Value(place) = taken
            && self.place == *place
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

    fn find(&self, place: Place) -> Option<&Self> {
        if self.place == place && !self.is_lost() {
            return Some(self);
        }
        match &self.value {
            Value::List(elements) => elements.iter().find_map(|element| element.find(place)),
            Value::Table(table) => table.entries.iter().find_map(|entry| entry.value.find(place)),
            _ => None,
        }
    }
}

impl Table {
    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Written> {
        self.entries.iter().find(|entry| entry.key.value == key).map(|entry| &entry.value)
    }

    /// The value of a key, to change it.
    #[must_use]
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Written> {
        self.entries.iter_mut().find(|entry| entry.key.value == key).map(|entry| &mut entry.value)
    }

    /// The keys, in the order of the file.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| entry.key.value.as_str())
    }

    fn lose(&mut self, taken: &Taken) -> bool {
        if let Taken::Key { place, meant } = taken {
            let meant = meant.as_ref().filter(|meant| self.get(meant).is_none()).cloned();
            let unknown = self
                .entries
                .iter_mut()
                .find(|entry| entry.key.place == *place && !entry.value.is_lost());
            if let Some(entry) = unknown {
                entry.value.value = Value::Lost;
                // So that the key which was meant is not reported as missing on top of it.
                if let Some(meant) = meant {
                    entry.key.value = meant;
                }
                return true;
            }
        }
        self.entries.iter_mut().any(|entry| entry.value.lose(taken))
    }
}
