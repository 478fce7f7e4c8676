//! Why a value does not fit the type that reads it, in words for the person who wrote it.

use std::fmt;

use serde::de::{self, Expected, Unexpected};

use super::diagnostic::Diagnostic;
use super::nearest::{nearest, nearest_of};
use super::span::Span;

/// The longest part of a wrong text that is shown, in characters.
const SHOWN: usize = 60;

/// The first part of a [`SpannedValue`](super::SpannedValue) that does not fit the type that reads it.
///
/// The text of a custom error (serde's `Error::custom`) may have two lines:
/// the first becomes the message, the second the help.
#[derive(Clone, Debug)]
pub struct ReadError(Box<Fault>);

// Boxed to keep `Result`s small: every step of reading returns one.
#[derive(Clone, Debug)]
struct Fault {
    span: Option<Span>,
    taken: Option<Taken>,
    kind: Kind,
    message: String,
    help: Option<String>,
    /// The message for values that must not be shown.
    bare: Option<String>,
}

/// The part that the next reading must skip to find the next mistake.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Taken {
    /// The value at this span.
    Value(Span),
    /// The key at this span with its value; `meant` is the key that was probably meant.
    Key { span: Span, meant: Option<String> },
}

#[derive(Clone, Debug, PartialEq)]
enum Kind {
    Missing(&'static str),
    Unknown { meant: Option<&'static str> },
    Length,
    Lost,
    Other,
}

impl ReadError {
    /// An error about a value that has already been reported.
    pub(super) fn lost() -> Self {
        Self::new(Kind::Lost, "a mistake above".into(), None)
    }

    /// Adds how to mend the mistake.
    pub(super) fn with_help(mut self, help: String) -> Self {
        self.0.help = Some(help);
        self
    }

    /// The same error, without the wrong value in its message.
    pub(super) fn without_value(mut self) -> Self {
        // Errors of other kinds name only keys and lengths; a message without the value stays as it
        // is.
        if self.0.kind == Kind::Other && self.0.bare.as_ref() != Some(&self.0.message) {
            let bare = self.0.bare.take().unwrap_or_else(|| "this value is wrong here".into());
            self.0.message.clone_from(&bare);
            self.0.bare = Some(bare);
            self.0.help = None;
        }
        self
    }

    /// The same error at this value, unless it already has a more precise span.
    pub(super) fn at_value(mut self, span: Span) -> Self {
        self.0.span.get_or_insert(span);
        self.0.taken.get_or_insert(Taken::Value(span));
        self
    }

    /// The same error at this key, unless it already has a more precise span.
    pub(super) fn at_key(mut self, span: Span) -> Self {
        let meant = match self.0.kind {
            Kind::Unknown { meant } => meant.map(str::to_owned),
            _ => None,
        };
        self.0.span.get_or_insert(span);
        self.0.taken.get_or_insert(Taken::Key { span, meant });
        self
    }

    /// Skips the whole value if the part that is wrong cannot be skipped alone.
    pub(super) fn taking_whole(mut self, whole: Span, is_part: impl Fn(Span) -> bool) -> Self {
        let part = match &self.0.taken {
            Some(Taken::Value(span) | Taken::Key { span, .. }) => *span,
            None => return self,
        };
        if is_part(part) {
            self.0.taken = Some(Taken::Value(whole));
        }
        self
    }

    pub(super) fn span(&self) -> Option<Span> {
        self.0.span
    }

    pub(super) fn taken(&self, root: Span) -> Taken {
        self.0.taken.clone().unwrap_or(Taken::Value(root))
    }

    /// The key that is missing, if that is the error.
    pub(super) fn missing(&self) -> Option<&str> {
        match self.0.kind {
            Kind::Missing(key) => Some(key),
            _ => None,
        }
    }

    pub(super) fn is_lost(&self) -> bool {
        self.0.kind == Kind::Lost
    }

    pub(super) fn is_length(&self) -> bool {
        self.0.kind == Kind::Length
    }

    pub(super) fn to_mistake(&self, root: Span) -> Diagnostic {
        Diagnostic::new(self.0.span.unwrap_or(root), self.0.message.clone())
            .help(self.0.help.clone())
    }

    fn new(kind: Kind, message: String, help: Option<String>) -> Self {
        Self(Box::new(Fault { span: None, taken: None, kind, message, help, bare: None }))
    }

    fn unlike(expected: &str, found: Unexpected<'_>) -> Self {
        let message = format!("expected {expected}, found {}", found_in_words(found));
        let mut error = Self::new(Kind::Other, message, None);
        error.0.bare = Some(format!("expected {expected}, found {}", kind_found(found)));
        error
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        match &self.0.help {
            Some(help) => write!(f, " ({help})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for ReadError {}

impl de::Error for ReadError {
    fn custom<T: fmt::Display>(text: T) -> Self {
        let text = text.to_string();
        match text.split_once('\n') {
            Some((message, help)) => Self::new(Kind::Other, message.into(), Some(help.into())),
            None => Self::new(Kind::Other, text, None),
        }
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::unlike(&kind_in_words(&expected.to_string()), found)
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::unlike(&range_in_words(&expected.to_string()), found)
    }

    fn invalid_length(length: usize, expected: &dyn Expected) -> Self {
        let expected = kind_in_words(&expected.to_string());
        let found = if length == 0 { "none".to_owned() } else { length.to_string() };
        Self::new(Kind::Length, format!("expected {expected}, found {found}"), None)
    }

    fn unknown_variant(name: &str, expected: &'static [&'static str]) -> Self {
        let help = nearest(name, "choices", expected.iter().copied());
        Self::new(Kind::Other, format!("unknown choice {:?}", cut(name)), help)
    }

    fn unknown_field(name: &str, expected: &'static [&'static str]) -> Self {
        let help = nearest(name, "keys here", expected.iter().copied());
        let kind = Kind::Unknown { meant: nearest_of(name, expected) };
        Self::new(kind, format!("unknown key {:?}", cut(name)), help)
    }

    fn missing_field(key: &'static str) -> Self {
        Self::new(Kind::Missing(key), format!("missing key \"{key}\""), None)
    }

    fn duplicate_field(key: &'static str) -> Self {
        // The parser has already rejected a repeated key, so one of these two is an alias.
        Self::custom(format_args!(
            "\"{key}\" is given twice, once under another name\nkeep one of the two"
        ))
    }
}

/// The types that serde's visitors expect, in words that need no knowledge of Rust.
fn kind_in_words(expected: &str) -> String {
    match expected {
        "i8" | "i16" | "i32" | "i64" | "isize" | "u8" | "u16" | "u32" | "u64" | "usize" => {
            "a whole number".into()
        }
        "f32" | "f64" => "a number".into(),
        "a string" | "a borrowed string" | "a character" | "path string" => "text".into(),
        "a boolean" => "true or false".into(),
        "a sequence" => "a list".into(),
        "a map" => "a table".into(),
        other => {
            if other.starts_with("a nonzero") {
                "a whole number".into()
            } else if other.starts_with("struct ") {
                "a table".into()
            } else if let Some(size) = other.strip_prefix("a tuple of size ") {
                format!("a list of {size}")
            } else if other.starts_with("tuple struct ") || other.starts_with("an array of") {
                other.rsplit("of ").next().unwrap_or(other).replace("length", "a list of")
            } else if other.starts_with("enum ") {
                "a name, or a table with one key".into()
            } else {
                other.to_owned()
            }
        }
    }
}

/// The same for a number that is too small or too large for its type.
fn range_in_words(expected: &str) -> String {
    let least = i32::from(expected.starts_with("a nonzero u"));
    match expected.trim_start_matches("a nonzero ") {
        "u64" | "usize" => format!("a whole number, {least} or more"),
        "u32" => format!("a whole number from {least} to {}", u32::MAX),
        "u16" => format!("a whole number from {least} to {}", u16::MAX),
        "u8" => format!("a whole number from {least} to {}", u8::MAX),
        "i32" => format!("a whole number from {} to {}", i32::MIN, i32::MAX),
        "i16" => format!("a whole number from {} to {}", i16::MIN, i16::MAX),
        "i8" => format!("a whole number from {} to {}", i8::MIN, i8::MAX),
        _ => kind_in_words(expected),
    }
}

fn found_in_words(found: Unexpected<'_>) -> String {
    match found {
        Unexpected::Bool(value) => value.to_string(),
        Unexpected::Unsigned(number) => number.to_string(),
        Unexpected::Signed(number) => number.to_string(),
        Unexpected::Float(number) => number.to_string(),
        Unexpected::Str(text) => format!("text {:?}", cut(text)),
        Unexpected::Seq => "a list".into(),
        Unexpected::Map => "a table".into(),
        other => other.to_string(),
    }
}

/// What kind of value was found, without the value.
fn kind_found(found: Unexpected<'_>) -> String {
    match found {
        Unexpected::Bool(_) => "a truth value".into(),
        Unexpected::Unsigned(_) | Unexpected::Signed(_) | Unexpected::Float(_) => "a number".into(),
        Unexpected::Str(_) => "text".into(),
        other => found_in_words(other),
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
