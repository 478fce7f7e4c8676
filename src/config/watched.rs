//! `reload` of a consumer: which files are watched besides those of the table.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};
use serde::{Serialize, Serializer};

use super::include;
use crate::setting::{nearest, text_schemas};

/// Which files of a consumer are watched: none, its own, or also those that match patterns. The
/// service finds this value under the key `reload` of the consumer's options.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum WatchedFiles {
    /// `"off"`: they are read again when the table is.
    #[default]
    Off,
    /// `"watch"`: its own files.
    Own,
    /// A list of patterns such as `"*.py"`: its own files, and those that match.
    Matching(Vec<String>),
}

impl WatchedFiles {
    /// The most files that the patterns may match.
    pub const FILES_MAX: usize = 256;

    /// The files in a folder that match the patterns now, sorted.
    ///
    /// # Errors
    /// Why the files cannot be found, or that more than [`FILES_MAX`](Self::FILES_MAX) match.
    pub fn matching(&self, folder: &Path) -> Result<Vec<PathBuf>, String> {
        let Self::Matching(patterns) = self else { return Ok(Vec::new()) };
        let mut files = Vec::new();
        for pattern in patterns {
            files.extend(include::in_folder(folder, pattern, Self::FILES_MAX)?);
        }
        files.sort();
        files.dedup();
        if files.len() > Self::FILES_MAX {
            return Err(format!("more than {} files match", Self::FILES_MAX));
        }
        Ok(files)
    }
}

/// The words that are not patterns.
const WORDS: [&str; 2] = ["off", "watch"];

/// The most patterns of one consumer.
const PATTERNS_MAX: usize = 16;

text_schemas! {
    WatchedFiles: { "anyOf": [
        { "enum": WORDS },
        {
            "type": "array",
            "items": { "type": "string", "minLength": 1, "not": { "pattern": r"\*\*" } },
            "minItems": 1,
            "maxItems": PATTERNS_MAX,
        },
    ] };
}

impl<'de> Deserialize<'de> for WatchedFiles {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WordOrPatterns)
    }
}

struct WordOrPatterns;

impl<'de> Visitor<'de> for WordOrPatterns {
    type Value = WatchedFiles;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"off\", \"watch\", or a list of patterns such as [\"*.py\"]")
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<WatchedFiles, E> {
        match word {
            "off" => Ok(WatchedFiles::Off),
            "watch" => Ok(WatchedFiles::Own),
            pattern if pattern.contains(['*', '?', '[', '.']) => {
                Err(E::custom(format!("patterns are a list\nwrite [{pattern:?}]")))
            }
            other => {
                let help = nearest(other, "choices", WORDS).unwrap_or_default();
                Err(E::custom(format!("unknown choice {other:?}\n{help}")))
            }
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<WatchedFiles, A::Error> {
        let mut patterns = Vec::new();
        while let Some(Pattern(pattern)) = list.next_element()? {
            patterns.push(pattern);
        }
        if patterns.is_empty() || patterns.len() > PATTERNS_MAX {
            return Err(A::Error::custom(format!(
                "{} patterns\nwrite 1 to {PATTERNS_MAX}, such as [\"*.py\"]",
                patterns.len()
            )));
        }
        Ok(WatchedFiles::Matching(patterns))
    }
}

/// A pattern by which files can be looked up four times a second.
struct Pattern(String);

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let pattern = String::deserialize(deserializer)?;
        if pattern.is_empty() {
            return Err(D::Error::custom("an empty pattern matches no file\nwrite \"*.py\""));
        }
        if pattern.contains("**") {
            return Err(D::Error::custom(format!(
                "{pattern:?} would search every folder below\nname the folders, as in \"lib/*.py\""
            )));
        }
        match glob::Pattern::new(&pattern) {
            Ok(_) => Ok(Self(pattern)),
            Err(error) => {
                Err(D::Error::custom(format!("{pattern:?} is not a pattern: {}", error.msg)))
            }
        }
    }
}

/// As it is written.
impl Serialize for WatchedFiles {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Off => serializer.serialize_str("off"),
            Self::Own => serializer.serialize_str("watch"),
            Self::Matching(patterns) => patterns.serialize(serializer),
        }
    }
}
