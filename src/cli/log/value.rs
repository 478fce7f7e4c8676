//! A value as a record shows it: cut to a length, and without characters that change how the rest
//! of the log looks.

use std::fmt::{self, Write};

/// Keeps the beginning of a text and counts the rest, so that a client's long value fills neither
/// memory nor disk.
pub(super) struct Cut {
    text: String,
    limit: usize,
    /// How many bytes the whole has.
    whole: usize,
}

impl Cut {
    /// The first `limit` bytes of a value. A longer value is followed by its length.
    pub(super) fn of(value: impl fmt::Display, limit: usize) -> String {
        let mut cut = Self { text: String::new(), limit, whole: 0 };
        // `Cut` never fails. A value whose `Display` fails is shown up to that point.
        let _ = write!(cut, "{value}");
        let Self { mut text, whole, .. } = cut;
        if whole > limit {
            let _ = write!(text, "… ({whole} bytes)");
        }
        text
    }
}

impl Write for Cut {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        if self.whole == self.text.len() {
            let mut end = piece.len().min(self.limit - self.text.len());
            while !piece.is_char_boundary(end) {
                end -= 1;
            }
            self.text.push_str(&piece[..end]);
        }
        self.whole += piece.len();
        Ok(())
    }
}

/// A text whose control, direction and line separator characters are escaped. In a terminal they
/// could make one record look like another.
pub(super) struct Escaped<'a> {
    pub(super) text: &'a str,
    /// Whether it is shown between quotes.
    pub(super) quoted: bool,
}

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quote = if self.quoted { "\"" } else { "" };
        f.write_str(quote)?;
        let mut plain = 0;
        for (at, character) in self.text.char_indices() {
            if is_harmless(character) && !(self.quoted && matches!(character, '"' | '\\')) {
                continue;
            }
            f.write_str(&self.text[plain..at])?;
            write!(f, "{}", character.escape_debug())?;
            plain = at + character.len_utf8();
        }
        f.write_str(&self.text[plain..])?;
        f.write_str(quote)
    }
}

/// Whether a character leaves the rest of its line alone.
fn is_harmless(character: char) -> bool {
    // The bidirectional marks, embeddings, overrides and isolates (Unicode's property
    // `Bidi_Control`), and the separators of lines and paragraphs.
    const MARKS: [char; 3] = ['\u{61c}', '\u{200e}', '\u{200f}'];
    !character.is_control()
        && !MARKS.contains(&character)
        && !('\u{2028}'..='\u{202e}').contains(&character)
        && !('\u{2066}'..='\u{2069}').contains(&character)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_value_is_cut_between_characters_and_says_how_long_it_was() {
        for (value, shown) in [
            ("12345678".to_owned(), "12345678"),
            ("123456789".to_owned(), "12345678… (9 bytes)"),
            ("1234567é".to_owned(), "1234567… (9 bytes)"),
            ("x".repeat(60_000), "xxxxxxxx… (60000 bytes)"),
        ] {
            assert_eq!(Cut::of(&value, 8), shown);
            assert_eq!(Cut::of(Pieces(&value), 8), shown);
        }
        // A piece that is cut ends the text, though the next one would fit.
        assert_eq!(Cut::of(Pieces("1234567éx"), 8), "1234567… (10 bytes)");
    }

    /// Shows itself one character at a time.
    struct Pieces<'a>(&'a str);

    impl fmt::Display for Pieces<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0.chars().try_for_each(|character| f.write_char(character))
        }
    }

    #[test]
    fn characters_that_would_change_the_look_of_the_log_are_escaped() {
        for (text, shown) in [
            ("a b=c é 漢 🦀", "a b=c é 漢 🦀"),
            ("a\nb\r\tc", "a\\nb\\r\\tc"),
            ("\u{1b}[2Jx\u{9b}y\u{7f}", "\\u{1b}[2Jx\\u{9b}y\\u{7f}"),
            ("a\u{202e}b\u{2066}c\u{200f}\u{61c}", "a\\u{202e}b\\u{2066}c\\u{200f}\\u{61c}"),
            ("a\u{2028}b", "a\\u{2028}b"),
        ] {
            assert_eq!(Escaped { text, quoted: false }.to_string(), shown);
            assert_eq!(Escaped { text, quoted: true }.to_string(), format!("\"{shown}\""));
        }
        assert_eq!(Escaped { text: "a\"\\", quoted: true }.to_string(), "\"a\\\"\\\\\"");
        assert_eq!(Escaped { text: "a\"\\", quoted: false }.to_string(), "a\"\\");
    }
}
