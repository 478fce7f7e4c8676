//! Messages of a command to its user.

use std::io::Write;

use crate::setting::schema::without_links;

/// Writes the result of a command to standard output. It is not an error if the reader has gone.
pub(super) fn print(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}

/// A space that [`fold`] keeps within its line.
const KEPT: char = '\u{a0}';

/// The text without Markdown's marks. [`fold`] keeps short pieces of code in one line.
pub(super) fn plain(text: &str) -> String {
    let code = |(at, part): (usize, &str)| {
        let is_short_code = at % 2 == 1 && part.len() < 40;
        if is_short_code { part.replace(' ', &KEPT.to_string()) } else { part.to_owned() }
    };
    without_links(text).split('`').enumerate().map(code).collect()
}

/// Splits the text into lines of at most this many characters, between words.
pub(super) fn fold(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split([' ', '\n']).filter(|word| !word.is_empty()) {
        let word = word.replace(KEPT, " ");
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(&word);
            }
            _ => lines.push(word),
        }
    }
    lines
}

/// Rows under their heads, in columns as wide as their widest cells.
pub(super) fn columns<const N: usize>(
    heads: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> String {
    let mut lines = vec![heads.map(str::to_owned)];
    lines.extend(rows);
    let widths = std::array::from_fn::<usize, N, _>(|column| {
        lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0)
    });
    let mut table = String::new();
    for line in &lines {
        let cells = line.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        table.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        table.push('\n');
    }
    table
}

/// Writes to standard error. A write error is ignored, because it cannot be reported elsewhere.
pub(super) fn complain(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
