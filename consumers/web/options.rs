//! The options of `static`.

use std::path::{Component, Path, PathBuf};

use http::{HeaderName, HeaderValue};
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use waterway::Time;

use crate::files::Links;
use crate::head::{Fields, OneOrMore};

/// Which folder of web pages is served, and how.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Static {
    /// Folder of the pages.
    pub folder: PathBuf,
    /// File that a folder's own address means.
    #[serde(default = "index", deserialize_with = "file_name")]
    pub index: String,
    /// File that is sent, with 200, for a page that does not exist: for web applications whose pages
    /// are made by one script. A name with an ending, such as `app.js`, still gets 404.
    #[serde(default, deserialize_with = "within")]
    #[schemars(extend("x-default" = "none: 404"))]
    pub fallback: Option<PathBuf>,
    /// Time that browsers may keep a file without asking again. Web pages are always asked for again.
    #[serde(default)]
    pub keep: Time,
    /// Beginnings of the names of files that never change, because another version has another name:
    /// `"assets/"`, or a list. Browsers keep them for a year.
    #[serde(default)]
    #[schemars(extend("x-default" = "none"))]
    pub immutable: OneOrMore<String>,
    /// Whether `app.js.br` or `app.js.gz` beside `app.js` is sent in its place to a browser that accepts
    /// it. A compressed file that is older than the file itself is not sent.
    #[serde(default = "precompressed")]
    pub precompressed: bool,
    /// Symbolic links that are followed.
    #[serde(default)]
    pub links: Links,
    /// Names with a leading dot that are served all the same: `".well-known"`, or a list.
    #[serde(default)]
    #[schemars(extend("x-default" = "none"))]
    pub hidden: OneOrMore<String>,
    /// Further headers of each answer, such as `content-security-policy`.
    #[serde(default, deserialize_with = "headers")]
    #[schemars(with = "Fields", extend("x-default" = "none"))]
    pub headers: Vec<(HeaderName, HeaderValue)>,
}

const fn precompressed() -> bool {
    true
}

fn index() -> String {
    "index.html".into()
}

/// A name without folders.
fn file_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let name = String::deserialize(deserializer)?;
    if name.contains('/') || !is_within(Path::new(&name)) {
        return Err(D::Error::custom(format!(
            "{name:?} is not the name of a file\nwrite a name without folders, such as \"index.html\""
        )));
    }
    Ok(name)
}

/// A file within the folder.
fn within<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<PathBuf>, D::Error> {
    let path = PathBuf::deserialize(deserializer)?;
    if is_within(&path) {
        return Ok(Some(path));
    }
    Err(D::Error::custom(format!(
        "\"{}\" is not a file of the folder\nwrite its name within the folder, such as \"index.html\"",
        path.display()
    )))
}

fn is_within(path: &Path) -> bool {
    let mut parts = path.components().peekable();
    parts.peek().is_some() && parts.all(|part| matches!(part, Component::Normal(_)))
}

/// Headers without parameters.
fn headers<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<(HeaderName, HeaderValue)>, D::Error> {
    Fields::deserialize(deserializer)?.fixed().map_err(D::Error::custom)
}
