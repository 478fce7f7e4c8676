//! A colour, written as text.

use std::fmt;

use serde::Deserialize;

/// A colour, `"#rgb"`, `"#rrggbb"`, `"#rrggbbaa"`, `"white"`, `"black"` or `"transparent"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Colour(pub(crate) [u8; 4]);

impl Colour {
    pub(crate) const WHITE: Self = Self([255; 4]);

    /// Whether it is fully opaque.
    pub(crate) fn is_opaque(self) -> bool {
        self.0[3] == u8::MAX
    }

    /// Whether it is a shade of grey.
    pub(crate) fn is_grey(self) -> bool {
        let [r, g, b, _] = self.0;
        r == g && g == b
    }
}

impl TryFrom<String> for Colour {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let digits = match text.as_str() {
            "white" => "ffffff",
            "black" => "000000",
            "transparent" => "00000000",
            other => other.strip_prefix('#').unwrap_or_default(),
        };
        let byte = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
        let nibble = |at: usize| u8::from_str_radix(digits.get(at..=at)?, 16).ok().map(|n| n * 17);
        // `from_str_radix` would accept signs.
        let plain = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        let colour = match digits.len() {
            3 if plain => [nibble(0), nibble(1), nibble(2), Some(u8::MAX)],
            6 if plain => [byte(0), byte(2), byte(4), Some(u8::MAX)],
            8 if plain => [byte(0), byte(2), byte(4), byte(6)],
            _ => [None; 4],
        };
        let [Some(r), Some(g), Some(b), Some(alpha)] = colour else {
            return Err(format!(
                "{text:?} is no colour\nwrite \"#rrggbb\", \"#rrggbbaa\", \"white\", \"black\" or \
                 \"transparent\""
            ));
        };
        Ok(Self([r, g, b, alpha]))
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [r, g, b, alpha] = self.0;
        write!(f, "#{r:02x}{g:02x}{b:02x}")?;
        if self.is_opaque() { Ok(()) } else { write!(f, "{alpha:02x}") }
    }
}
