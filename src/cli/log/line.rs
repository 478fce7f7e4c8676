//! One record as a line: for people, or as a JSON object.

use std::fmt;
use std::io::Write;

use tracing::Level;
use tracing::field::{Field, Visit};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};

use super::panics::{BACKTRACE, BACKTRACE_LIMIT};
use super::value::{Cut, Escaped};
use crate::cli::arguments::LogForm;

/// How records look.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    pub(super) form: LogForm,
    /// Whether a record for people has colours.
    pub(super) colours: bool,
}

/// A record under construction. It cuts every value.
pub(super) struct Line {
    bytes: Vec<u8>,
    style: Style,
    /// How many bytes of a value are shown.
    limit: usize,
    message: String,
    /// The target of a record of the crate `log`, which overrides the event's own.
    target: Option<String>,
}

/// A finished record: its line, and its message alone.
pub(super) struct Record {
    pub(super) line: Vec<u8>,
    pub(super) message: String,
}

/// The message's field, as `tracing` has it.
const MESSAGE: &str = "message";

/// Fields that `tracing` adds to a record of the crate `log` begin with this.
const OF_LOG: &str = "log.";

impl Line {
    /// Begins a record of this time.
    pub(super) fn begin(style: Style, limit: usize, level: Level) -> Self {
        let (bytes, message, target) = (Vec::with_capacity(256), String::new(), None);
        let mut line = Self { bytes, style, limit, message, target };
        let mut time = String::new();
        // Writing to a `String` never fails.
        let _ = SystemTime.format_time(&mut Writer::new(&mut time));
        match (style.form, style.colours) {
            (LogForm::Json, _) => {
                line.write(format_args!(r#"{{"timestamp":"{time}","level":"{level}""#));
            }
            (LogForm::Human, false) => line.write(format_args!("{time} {level:>5}")),
            (LogForm::Human, true) => {
                let colour = colour(level);
                line.write(format_args!("{DIM}{time}{PLAIN} {colour}{level:>5}{PLAIN}"));
            }
        }
        line
    }

    /// Adds the message.
    pub(super) fn message(&mut self, message: &str) {
        self.text(MESSAGE, message, false);
    }

    /// Adds a text, which the form for people puts between quotes.
    pub(super) fn quoted(&mut self, name: &str, value: &str) {
        self.text(name, value, true);
    }

    /// Adds a number.
    pub(super) fn number(&mut self, name: &str, value: impl fmt::Display) {
        self.name(name);
        self.write(format_args!("{value}"));
    }

    /// Ends the record.
    pub(super) fn end(mut self, target: &str) -> Record {
        if self.style.form == LogForm::Json {
            let target = self.target.take().unwrap_or_else(|| target.to_owned());
            self.name("target");
            self.json(&target);
            self.bytes.push(b'}');
        }
        self.bytes.push(b'\n');
        Record { line: self.bytes, message: self.message }
    }

    fn text(&mut self, name: &str, value: impl fmt::Display, quoted: bool) {
        let limit = if name == BACKTRACE { BACKTRACE_LIMIT } else { self.limit };
        let text = Cut::of(value, limit);
        self.name(name);
        match self.style.form {
            LogForm::Json => self.json(&text),
            LogForm::Human => self.write(format_args!("{}", Escaped { text: &text, quoted })),
        }
        if name == MESSAGE {
            self.message = text;
        }
    }

    /// Adds a field's name, up to where its value begins.
    fn name(&mut self, name: &str) {
        match (self.style.form, self.style.colours) {
            (LogForm::Json, _) => {
                self.bytes.push(b',');
                self.json(name);
                self.bytes.push(b':');
            }
            (LogForm::Human, _) if name == MESSAGE => self.bytes.push(b' '),
            (LogForm::Human, false) => self.write(format_args!(" {name}=")),
            (LogForm::Human, true) => {
                self.write(format_args!(" {ITALIC}{name}{PLAIN}{DIM}={PLAIN}"));
            }
        }
    }

    fn json(&mut self, text: &str) {
        // Writing a `str` to memory never fails.
        let _ = serde_json::to_writer(&mut self.bytes, text);
    }

    fn write(&mut self, text: fmt::Arguments<'_>) {
        let _ = self.bytes.write_fmt(text);
    }
}

impl Visit for Line {
    fn record_f64(&mut self, field: &Field, value: f64) {
        // JSON cannot express infinity.
        self.number(name(field), serde_json::Value::from(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.number(name(field), value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.number(name(field), value);
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        self.number(name(field), value);
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.number(name(field), value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.number(name(field), value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name().strip_prefix(OF_LOG) {
            Some("target") => self.target = Some(Cut::of(value, self.limit)),
            Some(_) => {}
            None => self.text(name(field), value, field.name() != MESSAGE),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if !field.name().starts_with(OF_LOG) {
            self.text(name(field), format_args!("{value:?}"), false);
        }
    }
}

/// A field's name without the mark of a raw identifier.
fn name(field: &Field) -> &'static str {
    let name = field.name();
    name.strip_prefix("r#").unwrap_or(name)
}

// ECMA-48, section 8.3.117.
const PLAIN: &str = "\u{1b}[0m";
const DIM: &str = "\u{1b}[2m";
const ITALIC: &str = "\u{1b}[3m";

fn colour(level: Level) -> &'static str {
    match level {
        Level::ERROR => "\u{1b}[31m",
        Level::WARN => "\u{1b}[33m",
        Level::INFO => "\u{1b}[32m",
        Level::DEBUG => "\u{1b}[34m",
        Level::TRACE => "\u{1b}[35m",
    }
}
