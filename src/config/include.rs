//! Finds the files that `include` names by patterns.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::load::FILES_MAX;

/// The characters that make a path a pattern.
const SIGNS: [char; 3] = ['*', '?', '['];

/// The files of the table in the file at `path`: this file, and those that its patterns match now.
#[cfg_attr(
    not(feature = "cli"),
    expect(dead_code, reason = "only a program of `cli` watches files")
)]
pub(crate) fn files(path: &Path, patterns: &[String]) -> Vec<PathBuf> {
    let included = patterns.iter().filter_map(|pattern| matching(path, pattern, FILES_MAX).ok());
    let mut files = vec![path.to_owned()];
    files.extend(included.flatten().take(FILES_MAX));
    files
}

/// The files that a pattern in the file at `path` matches, sorted; at most one more than `most`.
///
/// # Errors
/// A text that says why the pattern is invalid, or which folder or file cannot be read. A folder
/// that does not exist is not an error; an unreadable one is, because it may hold routes.
pub(super) fn matching(path: &Path, pattern: &str, most: usize) -> Result<Vec<PathBuf>, String> {
    in_folder(path.parent().unwrap_or(Path::new("")), pattern, most)
}

/// As [`matching`], for a pattern relative to this folder.
pub(super) fn in_folder(here: &Path, pattern: &str, most: usize) -> Result<Vec<PathBuf>, String> {
    let whole = Path::new(&glob::Pattern::escape(&here.to_string_lossy())).join(pattern);
    let found = glob::glob(&whole.to_string_lossy())
        .map_err(|error| format!("{pattern:?} is not a pattern: {}", error.msg))?;
    let mut files = Vec::new();
    for file in found {
        let file = file.map_err(|error| {
            format!("{} cannot be read: {}", error.path().display(), error.error())
        })?;
        if !file.is_dir() {
            files.push(file);
        }
        if files.len() > most {
            break;
        }
    }
    if files.is_empty() {
        readable(&here.join(folder_of(pattern)))?;
    }
    files.sort();
    Ok(files)
}

/// Whether a pattern is the path of one file.
pub(super) fn is_plain(pattern: &str) -> bool {
    !pattern.contains(SIGNS)
}

/// The folder in which a pattern's first wildcard is matched.
fn folder_of(pattern: &str) -> &str {
    let fixed = pattern.find(SIGNS).unwrap_or(pattern.len());
    pattern[..fixed].rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// Checks that a folder can be read: the crate `glob` skips an unreadable one without an error.
fn readable(folder: &Path) -> Result<(), String> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    match fs::read_dir(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(format!("{} cannot be read: {error}", folder.display()))
        }
        _ => Ok(()),
    }
}
