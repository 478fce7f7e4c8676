//! The lines that a program writes, each read within a bound.

use bytes::BytesMut;
use memchr::memchr;

/// Splits bytes into lines. It holds at most the beginning of one line, and one read.
#[derive(Debug)]
pub(super) struct Lines {
    /// Bytes that were read and are not yet returned. The reader appends to them.
    pub(super) read: BytesMut,
    /// The longest line, in bytes without its end.
    longest: usize,
    /// The number of bytes that were searched for the end of a line.
    searched: usize,
    /// Whether the rest of the current line is left out.
    skipping: bool,
}

/// A line of a program.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A whole line, without its end.
    Whole(BytesMut),
    /// The beginning of a line that is longer than allowed; its rest is left out.
    TooLong(BytesMut),
}

impl Lines {
    pub(super) fn new(longest: usize) -> Self {
        Self { read: BytesMut::new(), longest, searched: 0, skipping: false }
    }

    /// The next line; `None` if its end has not been read.
    pub(super) fn next(&mut self) -> Option<Line> {
        loop {
            let end = memchr(b'\n', &self.read[self.searched..]);
            let Some(end) = end.map(|end| self.searched + end) else { return self.unfinished() };
            let mut line = self.read.split_to(end + 1);
            self.searched = 0;
            if std::mem::take(&mut self.skipping) {
                continue;
            }
            line.truncate(end);
            if line.len() > self.longest {
                line.truncate(self.longest);
                return Some(Line::TooLong(line));
            }
            if line.ends_with(b"\r") {
                line.truncate(line.len() - 1);
            }
            return Some(Line::Whole(line));
        }
    }

    /// The rest at the end of the output: half a line.
    pub(super) fn rest(&mut self) -> Option<BytesMut> {
        (!self.read.is_empty() && !self.skipping).then(|| self.read.split())
    }

    fn unfinished(&mut self) -> Option<Line> {
        if self.skipping {
            self.read.clear();
        }
        self.searched = self.read.len();
        if self.read.len() <= self.longest {
            return None;
        }
        let mut begun = std::mem::take(&mut self.read);
        begun.truncate(self.longest);
        (self.searched, self.skipping) = (0, true);
        Some(Line::TooLong(begun))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines of these bytes, read in pieces of this size; too long ones with a `!`.
    fn read(bytes: &[u8], piece: usize) -> (Vec<String>, Option<String>) {
        let text = |bytes: BytesMut| String::from_utf8(bytes.to_vec()).unwrap();
        let (mut lines, mut found) = (Lines::new(5), Vec::new());
        for piece in bytes.chunks(piece) {
            lines.read.extend_from_slice(piece);
            while let Some(line) = lines.next() {
                found.push(match line {
                    Line::Whole(line) => text(line),
                    Line::TooLong(line) => text(line) + "!",
                });
            }
            assert!(lines.read.len() <= 5 + piece.len());
        }
        (found, lines.rest().map(text))
    }

    #[test]
    fn lines_are_the_same_however_they_are_read() {
        for (bytes, lines, rest) in [
            ("", vec![], None),
            ("a", vec![], Some("a")),
            ("a\n\nbc\r\n", vec!["a", "", "bc"], None),
            ("12345\n123456\na\n", vec!["12345", "12345!", "a"], None),
            ("1234567890123\nb", vec!["12345!"], Some("b")),
            ("1234567890123", vec!["12345!"], None),
        ] {
            for piece in 1..=bytes.len().max(1) {
                let (found, left) = read(bytes.as_bytes(), piece);
                assert_eq!(
                    (found, left.as_deref()),
                    (lines.iter().map(|l| (*l).to_owned()).collect(), rest),
                    "{bytes:?} {piece}"
                );
            }
        }
    }
}
