//! The routing table of a command: where it is, and how it is loaded.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use super::arguments::{Environment, TableFile};
use super::terminal::complain;
use super::{App, root, store};
use crate::config::{Loaded, RoutingConfig};
use crate::routing::Router;

/// Where the routing table of a command is.
#[derive(Debug, Clone)]
pub(super) enum Source {
    File(PathBuf),
    /// The program's built-in table.
    Demo(&'static str),
}

/// The file of a command that names none.
const FILE: &str = "routing.toml";

impl Source {
    /// The table that the arguments name, else `WATERWAY_CONFIG`, else `routing.toml`.
    pub(super) fn named(app: &App, arguments: &TableFile) -> Result<Self, String> {
        if arguments.demo {
            return app.demo.map(Self::Demo).ok_or_else(|| no_demo(app));
        }
        Ok(Self::File(named_file(arguments).unwrap_or_else(|| FILE.into())))
    }

    /// Like [`named`](Self::named), but uses the built-in table if no file is named and
    /// `routing.toml` does not exist.
    pub(super) fn to_serve(app: &App, arguments: &TableFile) -> Result<Self, String> {
        match app.demo {
            Some(demo) if named_file(arguments).is_none() && !Path::new(FILE).exists() => {
                Ok(Self::Demo(demo))
            }
            _ => Self::named(app, arguments),
        }
    }
}

impl Source {
    /// The file, unless the table is built in.
    pub(super) fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Demo(_) => None,
        }
    }

    /// The same file by a path that does not depend on the working folder.
    pub(super) fn absolute(self) -> Self {
        match self {
            Self::File(path) => Self::File(std::path::absolute(&path).unwrap_or(path)),
            Self::Demo(text) => Self::Demo(text),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Demo(_) => f.write_str("built-in table"),
        }
    }
}

/// The complaint about a program without a built-in table.
pub(super) fn no_demo(app: &App) -> String {
    format!("{} has no built-in table", app.name)
}

fn named_file(arguments: &TableFile) -> Option<PathBuf> {
    let named = arguments.file.clone();
    named.or_else(|| std::env::var_os("WATERWAY_CONFIG").map(PathBuf::from))
}

/// Reads a routing table. From then on the process works in the table's `root`.
pub(super) fn read(app: &App, source: &Source, environment: Environment) -> Result<Loaded, String> {
    let mut loaded = read_again(app, source, environment)?;
    root::enter(&mut loaded);
    Ok(loaded)
}

/// Reads a routing table. The working folder of the process stays the same.
pub(super) fn read_again(
    app: &App,
    source: &Source,
    environment: Environment,
) -> Result<Loaded, String> {
    Ok(match source {
        Source::Demo(text) => {
            let variable = |name: &str| std::env::var(name).ok();
            RoutingConfig::parse(text, &source.to_string(), &variable)
        }
        Source::File(path) if !path.exists() => return Err(missing(app, path)),
        Source::File(path) if environment.allow_missing_env => {
            RoutingConfig::load_allowing_missing_env(path)
        }
        Source::File(path) => RoutingConfig::load(path),
    })
}

fn missing(app: &App, path: &Path) -> String {
    let (program, path) = (app.name, path.display());
    let demo = if app.demo.is_some() { ", or use the built-in table: --demo" } else { "" };
    format!(
        "there is no file {path}\nname a routing table as the last argument, or as \
         WATERWAY_CONFIG=FILE{demo}; {program} help lists the commands"
    )
}

/// Builds the router of a table with every consumer of the program. Returns it, and the table with
/// its warnings.
pub(super) fn build(app: &App, loaded: Loaded) -> Result<(Router, Box<Loaded>), String> {
    // With mistakes, warnings are not shown: they may only follow from the mistakes.
    try_build(app, loaded).map_err(|loaded| loaded.report().to_string())
}

/// As [`build`], but returns the mistakes as they are.
pub(super) fn try_build(
    app: &App,
    mut loaded: Loaded,
) -> Result<(Router, Box<Loaded>), Box<Loaded>> {
    loaded.warnings.extend(store::warning(&loaded.config));
    for rules in &app.rules {
        let warnings = rules.warnings(&loaded.config);
        loaded.warnings.extend(warnings);
        let mistakes = rules.mistakes(&loaded.config);
        loaded.diagnostics.extend(mistakes);
    }
    Router::build(loaded, &app.registry)
}

/// Loads a routing table for a command that does not serve it. Warnings go to standard error.
pub(super) fn load_and_warn(
    app: &App,
    source: &Source,
    environment: Environment,
) -> Result<(Router, Box<Loaded>), String> {
    let (router, loaded) = build(app, read(app, source, environment)?)?;
    warn(&loaded);
    Ok((router, loaded))
}

/// Writes the warnings about a table to standard error.
pub(super) fn warn(loaded: &Loaded) {
    if !loaded.warnings.is_empty() {
        complain(&format!("{}\n", loaded.report_warnings()));
    }
    if let Some(unset) = unset(loaded) {
        complain(&format!("{unset}\n"));
    }
}

/// The variables whose values are not checked, each once, with the place of its first use.
fn unset(loaded: &Loaded) -> Option<String> {
    let mut places = BTreeMap::new();
    for name in &loaded.missing {
        places.entry(name.as_str()).or_insert_with(|| loaded.sources.describe(name.span));
    }
    let places: Vec<_> = places.iter().map(|(name, span)| format!("{name} ({span})")).collect();
    (!places.is_empty()).then(|| format!("not set, and so not checked: {}", places.join(", ")))
}
