//! Finds the secrets of a file. Messages show neither a secret nor the part of a line that contains
//! it.

use std::ops::Range;

use crate::setting::{SpannedValue, Value};

/// The keys of `[auth.NAME]` whose values are not secret. Any other key there may be a misspelt
/// `secret`.
const PUBLIC: [&str; 7] =
    ["algorithms", "from", "bind_ip", "issuer", "audience", "leeway", "close_at_exp"];

/// Words in the names of keys that hold secrets, in any table.
const WORDS: [&str; 6] = ["secret", "password", "passphrase", "credential", "token", "key"];

/// Marks the secrets of a file, and returns its text with stars in place of them. The text keeps
/// its length in bytes, characters and lines.
///
/// `is_sound` is false if the syntax has a mistake. The tree may then lack some values, so lines
/// that may contain a secret are covered too.
pub(super) fn hide(tree: &mut SpannedValue, text: &str, is_sound: bool) -> String {
    let mut places = Vec::new();
    if let Value::Table(root) = &mut tree.value {
        for entry in &mut root.entries {
            match &mut entry.value.value {
                Value::Table(declared) if entry.key.value == "auth" => {
                    for auth in &mut declared.entries {
                        hide_auth(&mut auth.value, &mut places);
                    }
                }
                _ if entry.key.value == "auth" => hide_all(&mut entry.value, &mut places),
                Value::Table(layer) if entry.key.value == "layer" => {
                    for entry in &mut layer.entries {
                        hide_layer(&entry.key.value, &mut entry.value, &mut places);
                    }
                }
                _ => hide_keys(&entry.key.value, &mut entry.value, &mut places),
            }
        }
    }
    if !is_sound {
        places.extend(suspicious(text));
    }
    let mut shown = text.to_owned();
    for span in places {
        cover(&mut shown, span);
    }
    shown
}

/// Hides the secrets of `[auth.NAME]`. Another kind of value in its place may be a secret too.
fn hide_auth(auth: &mut SpannedValue, places: &mut Vec<Range<usize>>) {
    match &mut auth.value {
        Value::Table(keys) => {
            let keys = keys.entries.iter_mut();
            for entry in keys.filter(|entry| !PUBLIC.contains(&entry.key.value.as_str())) {
                hide_all(&mut entry.value, places);
            }
        }
        _ => hide_all(auth, places),
    }
}

/// Hides the addresses of servers, which may hold passwords.
fn hide_layer(key: &str, value: &mut SpannedValue, places: &mut Vec<Range<usize>>) {
    let may_be_url = |value: &SpannedValue| value.as_text().is_some_and(|text| text.contains('@'));
    if strsim::damerau_levenshtein(key, "url") <= 1 || may_be_url(value) {
        hide_all(value, places);
    } else {
        hide_keys(key, value, places);
    }
}

/// Hides the secrets of another section, found by the names of their keys.
fn hide_keys(key: &str, value: &mut SpannedValue, places: &mut Vec<Range<usize>>) {
    match &mut value.value {
        Value::Table(table) => {
            for entry in &mut table.entries {
                hide_keys(&entry.key.value, &mut entry.value, places);
            }
        }
        Value::List(elements) if !is_secret(key) => {
            for element in elements {
                hide_keys(key, element, places);
            }
        }
        _ if is_secret(key) => hide_all(value, places),
        _ => {}
    }
}

fn hide_all(value: &mut SpannedValue, places: &mut Vec<Range<usize>>) {
    value.secret = true;
    match &mut value.value {
        Value::Table(table) => {
            for entry in &mut table.entries {
                hide_all(&mut entry.value, places);
            }
        }
        Value::List(elements) => {
            for element in elements {
                hide_all(element, places);
            }
        }
        // The text shows only the name of a variable.
        Value::Text(text) if is_reference(text) => {}
        _ => places.push(value.span.start..value.span.end),
    }
}

/// Whether a text is `${NAME}`, without a default.
fn is_reference(text: &str) -> bool {
    let name = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
    name.is_some_and(|name| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
}

/// Whether a key names a secret, or is a misspelling of such a key.
fn is_secret(key: &str) -> bool {
    let key = key.to_lowercase();
    WORDS.iter().any(|word| {
        let slips = word.len() / 3;
        let similar = |part: &str| strsim::damerau_levenshtein(part, word) <= slips;
        key.contains(word) || key.split(['_', '-', '.']).any(similar)
    })
}

/// The parts of lines that may contain secrets, found without parsing: the text after the key of a
/// secret, and under `[auth.NAME]` everything that is not known to be public.
fn suspicious(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut in_auth = false;
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let end = start + line.trim_end().len();
        let begin = start + (line.len() - line.trim_start().len()).min(end - start);
        let content = &text[begin..end];
        if content.starts_with('[') && !content.contains(['=', '"', '\'']) {
            in_auth = content.trim_start_matches(['[', ' ', '\t']).starts_with("auth");
        } else if let Some(from) = secret_from(content, in_auth) {
            found.push(begin + from..end);
        } else if let Some(from) = content.find("://").filter(|from| content[*from..].contains('@'))
        {
            // The address of a server may hold a password.
            found.push(begin + from..end);
        }
        start += line.len();
    }
    found
}

/// Where in a line a secret may begin.
fn secret_from(line: &str, in_auth: bool) -> Option<usize> {
    let mut behind = 0;
    for (index, part) in line.split_inclusive('=').enumerate() {
        let end = behind + part.len();
        let whole = part.trim_end_matches('=').trim_end();
        let key = whole.rsplit([' ', '\t', '{', ',', '.', '[']).next().unwrap_or(whole);
        let key = key.trim_matches(['"', '\'']);
        if is_secret(key) && part.ends_with('=') {
            return Some(end);
        }
        if index == 0 {
            let first = whole.split([' ', '\t', '"', '\'']).next().unwrap_or(whole);
            let known = part.ends_with('=') && PUBLIC.contains(&key);
            if is_secret(first) {
                return Some(first.len());
            }
            if in_auth && !known || whole.starts_with("auth") && part.ends_with('=') {
                return Some(0);
            }
        }
        behind = end;
    }
    None
}

/// Replaces each character by one of the same length in bytes, except quotes at both ends.
fn cover(text: &mut String, span: Range<usize>) {
    let Some(hidden) = text.get(span.clone()) else { return };
    let quotes = |c: char| c == '"' || c == '\'';
    let start = span.start + (hidden.len() - hidden.trim_start_matches(quotes).len());
    let end = start.max(span.end - (hidden.len() - hidden.trim_end_matches(quotes).len()));
    let covered: String = text[start..end].chars().map(star).collect();
    text.replace_range(start..end, &covered);
}

fn star(hidden: char) -> char {
    match hidden {
        '\n' | '\r' => hidden,
        _ => match hidden.len_utf8() {
            1 => '*',
            2 => '·',
            3 => '•',
            _ => '𐄁',
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_are_as_long_as_the_secret() {
        for (text, shown) in [
            ("a = 'xyz' # b", "a = '***' # b"),
            ("a = 'äß€𐄂x'", "a = '··•𐄁*'"),
            ("a = \"\"\"x\ny\"\"\"", "a = \"\"\"*\n*\"\"\""),
            ("a = 123", "a = ***"),
            ("a = ''", "a = ''"),
        ] {
            let end = text.find(" #").unwrap_or(text.len());
            let mut covered = text.to_owned();
            cover(&mut covered, 4..end);
            assert_eq!(covered, shown);
            assert_eq!(covered.len(), text.len());
        }
    }

    #[test]
    fn a_key_names_a_secret_by_its_words_or_their_misspellings() {
        for key in [
            "secret",
            "secert",
            "Secret",
            "secrt",
            "seecret",
            "secret_key",
            "access_key",
            "acces-key",
            "pasword",
            "api_token",
            "tokne",
            "SIGNING_KEY",
            "credentials",
        ] {
            assert!(is_secret(key), "{key}");
        }
        for key in [
            "server",
            "path",
            "from",
            "rate",
            "use",
            "keep",
            "region",
            "bucket",
            "order",
            "message",
            "section",
            "text",
            "method",
            "max_tasks",
            "fair_by",
            "envelope",
            "reserve",
            "results",
        ] {
            assert!(!is_secret(key), "{key}");
        }
    }

    #[test]
    fn every_key_of_an_auth_section_except_the_secret_is_public() {
        let table = |key: &str| format!("[auth.a]\nsecret = 's'\n{key} = 1\n");
        for key in PUBLIC {
            let loaded = crate::config::RoutingConfig::parse(&table(key), "t", &|_| None);
            let unknown = loaded.diagnostics.iter().any(|m| m.message.contains("unknown key"));
            assert!(!unknown, "{key} is a key");
        }
    }
}
