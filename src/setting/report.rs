//! Mistakes shown beside the lines that they are about.

use std::fmt::{self, Write as _};

use unicode_width::UnicodeWidthChar;

use super::mistake::Mistake;
use super::place::Place;

/// How many columns a tab is shown as.
const TAB: usize = 4;
/// How many characters of a line are shown at most.
const LINE: usize = 160;
/// How many characters before the mark a line that is longer shows.
const BEFORE: usize = 60;

/// A text that was read, and what it is called.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// Its name, as the person who wrote it knows it: the path of a file.
    pub name: String,
    /// Its text, with stars for secrets; empty if it could not be read.
    pub text: String,
}

/// The texts that were read; [`Place::file`] counts them from 0.
#[derive(Clone, Debug, Default)]
pub struct Sources(Vec<Source>);

impl Sources {
    /// One more text; returns its number.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> usize {
        self.0.push(Source { name: name.into(), text: text.into() });
        self.0.len() - 1
    }

    /// The text of this number.
    #[must_use]
    pub fn get(&self, file: usize) -> Option<&Source> {
        self.0.get(file)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A place as people write it, `routing.toml:14:9`: the line and the column count from 1,
    /// the column in characters. Of a text that could not be read, only its name.
    #[must_use]
    pub fn describe(&self, place: Place) -> String {
        match self.get(place.file) {
            Some(source) if source.text.is_empty() => source.name.clone(),
            Some(source) => {
                let spot = Spot::find(&source.text, place);
                format!("{}:{}:{}", source.name, spot.number, spot.column())
            }
            None => "?".to_owned(),
        }
    }
}

/// Displays mistakes in the order of the files, each with its line, a mark under what is wrong
/// and the way out; the last line says how many there are.
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
    mistakes: &'a [Mistake],
    warnings: bool,
}

impl<'a> Report<'a> {
    /// A report of mistakes.
    #[must_use]
    pub const fn new(sources: &'a Sources, mistakes: &'a [Mistake]) -> Self {
        Self { sources, mistakes, warnings: false }
    }

    /// A report of what is allowed, but hardly meant.
    #[must_use]
    pub const fn of_warnings(sources: &'a Sources, warnings: &'a [Mistake]) -> Self {
        Self { sources, mistakes: warnings, warnings: true }
    }

    fn write(&self, mistake: &Mistake, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.warnings { "warning: " } else { "" };
        writeln!(f, "{}: {kind}{}", self.sources.describe(mistake.place), mistake.message)?;
        let help = mistake.help.as_deref().unwrap_or_default();
        match self.sources.get(mistake.place.file) {
            Some(source) if !source.text.is_empty() => {
                let spot = Spot::find(&source.text, mistake.place);
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
        let mut ordered: Vec<&Mistake> = self.mistakes.iter().collect();
        ordered.sort_by_key(|mistake| mistake.place);
        for mistake in &ordered {
            self.write(mistake, f)?;
        }
        let noun = if self.warnings { "warning" } else { "mistake" };
        match ordered.len() {
            1 => write!(f, "1 {noun}"),
            many => write!(f, "{many} {noun}s"),
        }
    }
}

/// The first line of a place, cut into what is before the mark, under it and after it.
struct Spot<'a> {
    number: usize,
    before: &'a str,
    marked: &'a str,
    after: &'a str,
}

impl<'a> Spot<'a> {
    fn find(text: &'a str, place: Place) -> Self {
        let start = boundary(text, place.start);
        let end = boundary(text, place.end).max(start);
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

    /// The line as it is shown, the columns before the mark, and those under it.
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

/// The last character boundary up to an index, for places that are not this text's own.
fn boundary(text: &str, index: usize) -> usize {
    (0..=index.min(text.len())).rev().find(|&index| text.is_char_boundary(index)).unwrap_or(0)
}

/// Adds a character as a terminal may show it, and returns the columns that it takes.
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
    // A control character, which has no width, could move the cursor or colour the screen.
    line.push(if width.is_some() { character } else { char::REPLACEMENT_CHARACTER });
    width.unwrap_or(1)
}

#[cfg(test)]
mod tests;
