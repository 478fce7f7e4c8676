//! Shows diagnostics with the lines that they are about.

use std::fmt::{self, Write as _};

use unicode_width::UnicodeWidthChar;

use super::diagnostic::Diagnostic;
use super::span::Span;

/// The width of a tab in columns.
const TAB: usize = 4;
/// The longest part of a line that is shown, in characters.
const LINE: usize = 160;
/// How many characters before the mark are shown of a longer line.
const BEFORE: usize = 60;

/// A text that was read, and its name.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// The name that its author knows: usually the path of a file.
    pub name: String,
    /// The text, with asterisks in place of secrets; empty if it could not be read.
    pub text: String,
}

/// The texts that were read; [`Span::file`] is an index into them.
#[derive(Clone, Debug, Default)]
pub struct Sources(Vec<Source>);

impl Sources {
    /// Adds a text and returns its index.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> usize {
        self.0.push(Source { name: name.into(), text: text.into() });
        self.0.len() - 1
    }

    /// The text with this index.
    #[must_use]
    pub fn get(&self, file: usize) -> Option<&Source> {
        self.0.get(file)
    }

    /// The number of texts.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A span as people write it, `routing.toml:14:9`: the line and the column count from 1, the
    /// column in characters. For a text that could not be read, only its name.
    #[must_use]
    pub fn describe(&self, span: Span) -> String {
        match self.get(span.file) {
            Some(source) if source.text.is_empty() => source.name.clone(),
            Some(source) => {
                let spot = Spot::find(&source.text, span);
                format!("{}:{}:{}", source.name, spot.number, spot.column())
            }
            None => "?".to_owned(),
        }
    }
}

/// Displays diagnostics in the order of the files: each with its line, a mark under the mistake,
/// and how to mend it. The last line gives their number.
///
/// ```text
/// routing.toml:14:10: unknown queue "image"
///    |
/// 14 | queue  = "image"
///    |          ^^^^^^^ did you mean "images"?
/// 1 mistake
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    sources: &'a Sources,
    diagnostics: &'a [Diagnostic],
    kind: Kind,
}

/// What the diagnostics of a report are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Mistake,
    Warning,
    Failure,
}

impl<'a> Report<'a> {
    /// A report of mistakes, which must be mended before the file can be used.
    #[must_use]
    pub const fn new(sources: &'a Sources, diagnostics: &'a [Diagnostic]) -> Self {
        Self { sources, diagnostics, kind: Kind::Mistake }
    }

    /// A report of warnings: lines that are allowed but probably not meant.
    #[must_use]
    pub const fn of_warnings(sources: &'a Sources, warnings: &'a [Diagnostic]) -> Self {
        Self { sources, diagnostics: warnings, kind: Kind::Warning }
    }

    /// A report of tests that failed.
    #[must_use]
    pub const fn of_failures(sources: &'a Sources, failures: &'a [Diagnostic]) -> Self {
        Self { sources, diagnostics: failures, kind: Kind::Failure }
    }

    fn write(&self, diagnostic: &Diagnostic, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.kind == Kind::Warning { "warning: " } else { "" };
        writeln!(f, "{}: {kind}{}", self.sources.describe(diagnostic.span), diagnostic.message)?;
        let help = diagnostic.help.as_deref().unwrap_or_default();
        match self.sources.get(diagnostic.span.file) {
            Some(source) if !source.text.is_empty() => {
                let spot = Spot::find(&source.text, diagnostic.span);
                let (line, before, marked) = spot.show();
                let gutter = " ".repeat(spot.number.to_string().len());
                let mark = format!("{}{} {help}", " ".repeat(before), "^".repeat(marked));
                writeln!(f, "{gutter} |")?;
                writeln!(f, "{}", format!("{} | {line}", spot.number).trim_end())?;
                writeln!(f, "{}", format!("{gutter} | {mark}").trim_end())
            }
            _ if help.is_empty() => Ok(()),
            _ => writeln!(f, "  {help}"),
        }
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut ordered: Vec<&Diagnostic> = self.diagnostics.iter().collect();
        ordered.sort_by_key(|diagnostic| diagnostic.span);
        for diagnostic in &ordered {
            self.write(diagnostic, f)?;
        }
        let noun = match self.kind {
            Kind::Mistake => "mistake",
            Kind::Warning => "warning",
            Kind::Failure => "failure",
        };
        match ordered.len() {
            1 => write!(f, "1 {noun}"),
            many => write!(f, "{many} {noun}s"),
        }
    }
}

/// The first line of a span, split into the parts before, under and after the mark.
struct Spot<'a> {
    number: usize,
    before: &'a str,
    marked: &'a str,
    after: &'a str,
}

impl<'a> Spot<'a> {
    fn find(text: &'a str, span: Span) -> Self {
        let start = boundary(text, span.start);
        let end = boundary(text, span.end).max(start);
        let line_start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |newline| start + newline);
        let end = end.min(line_end);
        Self {
            number: text[..start].matches('\n').count() + 1,
            before: &text[line_start..start],
            marked: &text[start..end],
            after: &text[end..line_end],
        }
    }

    fn column(&self) -> usize {
        self.before.chars().count() + 1
    }

    /// The line as shown, the number of columns before the mark, and the mark's width in columns.
    fn show(&self) -> (String, usize, usize) {
        let mut line = String::new();
        let skipped = match self.before.chars().count() {
            characters if characters > LINE - BEFORE => {
                line.push('…');
                characters - BEFORE
            }
            _ => 0,
        };
        let mut room = LINE;
        let mut column = line.chars().count();
        let mut show = |part: &str, skipped: usize, column: &mut usize| {
            for character in part.chars().skip(skipped) {
                if room == 0 {
                    line.push('…');
                    return false;
                }
                room -= 1;
                *column += push_shown(&mut line, character, *column);
            }
            true
        };
        let mut whole = show(self.before, skipped, &mut column);
        let before = column;
        whole = whole && show(self.marked, 0, &mut column);
        let marked = column - before;
        if whole {
            show(self.after, 0, &mut column);
        }
        (line, before, marked.max(1))
    }
}

/// The last character boundary at or before an index, because a span may belong to another text.
fn boundary(text: &str, index: usize) -> usize {
    (0..=index.min(text.len())).rev().find(|&index| text.is_char_boundary(index)).unwrap_or(0)
}

/// Adds a character in a form that is safe to show in a terminal, and returns its width in columns.
fn push_shown(line: &mut String, character: char, column: usize) -> usize {
    let width = match character {
        '\t' => {
            let width = TAB - column % TAB;
            let _ = write!(line, "{:width$}", "");
            return width;
        }
        '\r' => return 0,
        _ => character.width(),
    };
    // A control character, whose width is undefined, could move the cursor or colour the screen.
    line.push(if width.is_some() { character } else { char::REPLACEMENT_CHARACTER });
    width.unwrap_or(1)
}

#[cfg(test)]
mod tests;
