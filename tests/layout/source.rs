//! The repository's sources as text.

use std::fs;
use std::path::Path;

/// A file of source.
pub(super) struct Source {
    /// From the top of the repository, with `/`.
    pub(super) path: String,
    pub(super) text: String,
}

impl Source {
    /// The lines with their numbers, without comments that begin with `//`.
    pub(super) fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().enumerate();
        lines.map(|(at, line)| (at + 1, line.split_once("//").map_or(line, |(code, _)| code)))
    }
}

/// All Rust and Python in these folders, in the order of their paths.
pub(super) fn sources(root: &Path, folders: &[&str]) -> Vec<Source> {
    let mut found = Vec::new();
    for folder in folders.iter().filter(|folder| root.join(folder).exists()) {
        collect(&root.join(folder), folder, &mut found);
    }
    assert!(!found.is_empty(), "no sources in {}", root.display());
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn collect(folder: &Path, path: &str, found: &mut Vec<Source>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let entry = entry.expect("the entry is readable").path();
        let name = entry.file_name().expect("an entry has a name").to_string_lossy();
        let path = format!("{path}/{name}");
        if entry.is_dir() {
            collect(&entry, &path, found);
        } else if entry.extension().is_some_and(|kind| kind == "rs" || kind == "py") {
            let text = fs::read_to_string(&entry).expect("source is text");
            found.push(Source { path, text });
        }
    }
}
