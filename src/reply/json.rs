//! JSON with the spacing and escapes of Python's `json.dumps`.
//!
//! Pages of the Tornado program, and tests that compare bytes, get the same text.

use std::io;

use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::Formatter;

use crate::error::Error;

/// A value as JSON, with `", "` and `": "` as separators, and `\uXXXX` for every character beyond
/// ASCII.
///
/// # Errors
/// If the value cannot be written as JSON, such as a map whose keys are not texts.
pub fn to_json(value: &impl Serialize) -> Result<String, Error> {
    let mut text = Vec::with_capacity(128);
    value.serialize(&mut Serializer::with_formatter(&mut text, Python))?;
    // The formatter writes only ASCII.
    String::from_utf8(text).map_err(Error::failed)
}

/// `{"text": "<json>"}`, as Tornado's `write_message({"text": json})` sends it: its `json_encode`
/// also writes `</` as `<\/`.
pub(super) fn in_text_envelope(json: &str) -> String {
    // Serialising a struct with one text cannot fail.
    to_json(&Enveloped { text: json }).unwrap_or_default().replace("</", "<\\/")
}

#[derive(Serialize)]
struct Enveloped<'a> {
    text: &'a str,
}

struct Python;

impl Formatter for Python {
    fn begin_array_value<W: ?Sized + io::Write>(
        &mut self,
        out: &mut W,
        first: bool,
    ) -> io::Result<()> {
        if first { Ok(()) } else { out.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + io::Write>(
        &mut self,
        out: &mut W,
        first: bool,
    ) -> io::Result<()> {
        if first { Ok(()) } else { out.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        out.write_all(b": ")
    }

    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        out: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut rest = fragment;
        while let Some(at) = rest.find(|c: char| c > '~') {
            let (plain, tail) = rest.split_at(at);
            out.write_all(plain.as_bytes())?;
            let mut tail_chars = tail.chars();
            if let Some(c) = tail_chars.next() {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    write!(out, "\\u{unit:04x}")?;
                }
            }
            rest = tail_chars.as_str();
        }
        out.write_all(rest.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{in_text_envelope, to_json};

    /// The right-hand sides were printed by Python 3.11's `json.dumps` with sorted keys.
    #[test]
    fn json_is_written_as_python_writes_it() {
        for (value, text) in [
            (json!({}), "{}"),
            (json!({"a": 1, "b": [1, 2.5, null, true]}), r#"{"a": 1, "b": [1, 2.5, null, true]}"#),
            (json!("é\u{7f}€😀\n\"\\/"), r#""\u00e9\u007f\u20ac\ud83d\ude00\n\"\\/""#),
            (json!({"e": {}, "l": []}), r#"{"e": {}, "l": []}"#),
        ] {
            assert_eq!(to_json(&value).unwrap(), text);
        }
    }

    #[test]
    fn the_envelope_is_that_of_tornado() {
        assert_eq!(
            in_text_envelope(r#"{"url": "http://x/é</b>"}"#),
            r#"{"text": "{\"url\": \"http://x/\u00e9<\/b>\"}"}"#,
        );
    }
}
