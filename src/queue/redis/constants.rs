//! Numbers in place of the constants of a script.

use std::collections::HashMap;

/// A script with numbers in place of its constants, `local NAME, NAME = 1, 2`: each function of a
/// script that names a local variable takes time whenever the script runs.
pub(super) fn with_numbers(script: &str) -> String {
    let is_constant = |name: &&str| name.bytes().all(|byte| matches!(byte, b'A'..=b'Z' | b'_'));
    let mut numbers = HashMap::new();
    let mut text = String::with_capacity(script.len());
    for line in script.split_inclusive('\n') {
        let declared =
            line.strip_prefix("local ").and_then(|line| line.trim_end().split_once(" = "));
        if let Some((names, values)) = declared
            && names.split(", ").all(|name| is_constant(&name))
        {
            numbers.extend(names.split(", ").zip(values.split(", ")));
            text.push('\n');
            continue;
        }
        for word in line.split_inclusive(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
            let name = word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            match numbers.get(name) {
                Some(number) => text.extend([number, &word[name.len()..]]),
                None => text.push_str(word),
            }
        }
    }
    text
}
