//! Reading a written value into a type, past the first mistake to the last.

use serde::de::DeserializeOwned;

use super::error::ReadError;
use super::mistake::Mistake;
use super::written::Written;

/// How often a value is read again; enough to tell 100 mistakes, as one may take two readings.
const READINGS: usize = 200;

/// Reads a value, and adds every mistake in it to `mistakes`.
///
/// serde stops at the first one. So what is wrong is marked as lost in a copy, and the copy read
/// again, until it is sound. What comes back then lacks what was wrong, or is `None`
/// when it cannot do without; also when the mistake was told before, and nothing is added now.
/// Of the keys that one table lacks, only the first is told.
///
/// ```
/// use serde::Deserialize;
/// use waterway::{Written, read};
///
/// #[derive(Deserialize)]
/// struct Options {
///     #[serde(default)]
///     loud: bool,
/// }
///
/// let mut mistakes = Vec::new();
/// let options: Option<Options> = read(&Written::default(), &mut mistakes);
/// assert!(mistakes.is_empty() && !options.unwrap().loud);
/// ```
pub fn read<T: DeserializeOwned>(written: &Written, mistakes: &mut Vec<Mistake>) -> Option<T> {
    let mut rest = written.clone();
    read_past(&mut rest, mistakes)
}

/// Like [`read`], but marks wrong values as lost in `rest` itself.
pub(crate) fn read_past<T: DeserializeOwned>(
    rest: &mut Written,
    mistakes: &mut Vec<Mistake>,
) -> Option<T> {
    let root = rest.place;
    let mut error = match T::deserialize(&*rest) {
        Ok(value) => return Some(value),
        Err(error) => error,
    };
    for _ in 0..READINGS {
        if !follows(&error, rest) {
            mistakes.push(error.to_mistake(root));
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

/// Whether an error comes only of a mistake that has been told.
fn follows(error: &ReadError, rest: &Written) -> bool {
    let place = error.place().unwrap_or(rest.place);
    match error.missing() {
        Some(key) => rest.excuses(place, key),
        None => error.is_lost() || error.is_length() && rest.is_shortened(place),
    }
}

#[cfg(test)]
mod tests;
