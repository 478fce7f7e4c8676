//! Reads a spanned value into a type, and finds every mistake in it.

use serde::de::DeserializeOwned;

use super::diagnostic::Diagnostic;
use super::error::ReadError;
use super::spanned_value::SpannedValue;

/// The most readings of one value. Each mistake may take two, so 100 mistakes are reported.
const READINGS: usize = 200;

/// Reads a value, and adds every mistake in it to `diagnostics`.
///
/// serde stops at the first mistake. So `read` marks the wrong part as lost in a copy and reads the
/// copy again, until it is free of mistakes. The result lacks the wrong parts. It is `None` if the
/// type cannot do without them, even if they were reported earlier and nothing is added now. If a
/// table lacks several keys, only the first is reported.
///
/// ```
/// use serde::Deserialize;
/// use waterway::setting::{SpannedValue, read};
///
/// #[derive(Deserialize)]
/// struct Options {
///     #[serde(default)]
///     loud: bool,
/// }
///
/// let mut mistakes = Vec::new();
/// let options: Option<Options> = read(&SpannedValue::default(), &mut mistakes);
/// assert!(mistakes.is_empty() && !options.unwrap().loud);
/// ```
pub fn read<T: DeserializeOwned>(
    written: &SpannedValue,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<T> {
    let mut rest = written.clone();
    read_past(&mut rest, diagnostics)
}

/// Like [`read`], but marks wrong values as lost in `rest` itself.
pub(crate) fn read_past<T: DeserializeOwned>(
    rest: &mut SpannedValue,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<T> {
    let root = rest.span;
    let mut error = match T::deserialize(&*rest) {
        Ok(value) => return Some(value),
        Err(error) => error,
    };
    for _ in 0..READINGS {
        if !follows(&error, rest) {
            diagnostics.push(error.to_mistake(root));
        }
        if !rest.lose(&error.taken(root)) || rest.is_lost() {
            return None;
        }
        error = match T::deserialize(&*rest) {
            Ok(value) => return Some(value),
            Err(error) => error,
        };
    }
    None
}

/// Whether an error only follows from a mistake that has already been reported.
fn follows(error: &ReadError, rest: &SpannedValue) -> bool {
    let span = error.span().unwrap_or(rest.span);
    match error.missing() {
        Some(key) => rest.excuses(span, key),
        None => error.is_lost() || error.is_length() && rest.is_shortened(span),
    }
}

#[cfg(test)]
mod tests;
