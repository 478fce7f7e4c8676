//! Reads the file and the files that it includes.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::environment::{Environment, Missing, quotes_stand_in, substitute};
use super::{RoutingConfig, Written, advice, check, document, include, merge, secrecy, sections};
use crate::setting::{
    Diagnostic, Entry, Report, Sources, Span, Spanned, SpannedValue, Table, Value, read_past,
};

/// The largest file, in bytes.
const FILE_MAX: u64 = 1 << 20;

/// The most included files.
pub(super) const FILES_MAX: usize = 256;

/// The table that was read, with its mistakes and warnings.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// The parts that could be read; the whole table if `diagnostics` is empty.
    pub config: RoutingConfig,
    /// The files, the including one first.
    pub sources: Sources,
    /// The mistakes. If there is one, the table must not be used.
    pub diagnostics: Vec<Diagnostic>,
    /// The warnings: lines that are allowed but probably not meant.
    pub warnings: Vec<Diagnostic>,
    /// Unset environment variables, where they are allowed. Values that contain such a variable are
    /// not checked, and a router of such a table must not be served.
    pub missing: Vec<Spanned<String>>,
    /// The patterns of further files, as far as they could be read.
    pub(crate) includes: Vec<String>,
}

impl RoutingConfig {
    /// Reads a file and the files that it includes, with the environment of the process.
    #[must_use]
    pub fn load(path: impl AsRef<Path>) -> Loaded {
        Self::load_with(path, &|name| std::env::var(name).ok())
    }

    /// Reads a file and the files that it includes, and allows unset environment variables, so that
    /// a table can be checked on a machine without its secrets.
    #[must_use]
    pub fn load_allowing_missing_env(path: impl AsRef<Path>) -> Loaded {
        let mut loader = Loader::new(&|name| std::env::var(name).ok());
        loader.missing.allowed = true;
        loader.load_file(path.as_ref())
    }

    /// Reads a file and the files that it includes, with a given environment.
    #[must_use]
    pub fn load_with(path: impl AsRef<Path>, environment: Environment<'_>) -> Loaded {
        Loader::new(environment).load_file(path.as_ref())
    }

    /// Reads a text as if it were the content of a file with this name; included files are looked
    /// for relative to that name.
    ///
    /// ```
    /// use waterway::config::RoutingConfig;
    ///
    /// let loaded = RoutingConfig::parse("[server]\ndrain = 10", "routing.toml", &|_| None);
    /// assert_eq!(
    ///     loaded.report().to_string(),
    ///     r#"routing.toml:2:9: 10 has no unit
    ///   |
    /// 2 | drain = 10
    ///   |         ^^ write "10s"
    /// 1 mistake"#
    /// );
    /// ```
    #[must_use]
    pub fn parse(text: &str, name: &str, environment: Environment<'_>) -> Loaded {
        let mut loader = Loader::new(environment);
        loader.load(Path::new(name), text);
        loader.loaded
    }
}

/// Shows all mistakes with their lines.
impl fmt::Display for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.report().fmt(f)
    }
}

impl std::error::Error for Loaded {}

impl Loaded {
    /// A report of all mistakes with their lines.
    #[must_use]
    pub fn report(&self) -> Report<'_> {
        Report::new(&self.sources, &self.diagnostics)
    }

    /// Drops mistakes and warnings about values that contain unset variables.
    pub(crate) fn forget_unknown(&mut self) {
        if !self.missing.is_empty() {
            self.diagnostics.retain(|diagnostic| !quotes_stand_in(diagnostic));
            self.warnings.retain(|warning| !quotes_stand_in(warning));
        }
    }

    /// A report of all warnings with their lines.
    #[must_use]
    pub fn report_warnings(&self) -> Report<'_> {
        Report::of_warnings(&self.sources, &self.warnings)
    }
}

struct Loader<'a> {
    environment: Environment<'a>,
    missing: Missing,
    loaded: Loaded,
}

impl<'a> Loader<'a> {
    fn new(environment: Environment<'a>) -> Self {
        Self { environment, missing: Missing::default(), loaded: Loaded::default() }
    }

    fn load_file(mut self, path: &Path) -> Loaded {
        match read_file(path) {
            Ok(text) => self.load(path, &text),
            Err(message) => self.refuse_file(path, message),
        }
        self.loaded
    }

    fn load(&mut self, path: &Path, text: &str) {
        let mut tree = self.parse(path, text);
        for included in self.included(path, &tree) {
            match read_file(&included) {
                Ok(text) => {
                    let more = self.parse(&included, &text).value;
                    if let (Value::Table(table), Value::Table(more)) = (&mut tree.value, more) {
                        let Loaded { sources, diagnostics, .. } = &mut self.loaded;
                        merge::merge(table, more, sources, diagnostics);
                    }
                }
                Err(message) => self.refuse_file(&included, message),
            }
        }
        let diagnostics = &mut self.loaded.diagnostics;
        sections::check(&mut tree, diagnostics);
        let mut rest = tree.clone();
        let mut config: RoutingConfig = read_past(&mut rest, diagnostics).unwrap_or_default();
        advice::give(diagnostics);
        note_lost(&mut config, &tree, &rest);
        for (name, consumer) in &mut config.consumer {
            consumer.value.options = options(&tree, name, consumer.span);
            consumer.value.use_is_written = use_is_written(&tree, name);
        }
        if let Some(store) = &mut config.layer.store
            && let Some(written) = check::written(&tree, &["layer", "store"])
        {
            store.clone_from(written);
        }
        self.loaded.config = config;
        check::check(&tree, &mut self.loaded);
        self.loaded.config.written = Written(tree);
        self.loaded.missing = std::mem::take(&mut self.missing.names);
        self.loaded.forget_unknown();
        self.loaded.diagnostics.sort_by_key(|diagnostic| diagnostic.span);
        self.loaded.warnings.sort_by_key(|warning| warning.span);
    }

    fn parse(&mut self, path: &Path, text: &str) -> SpannedValue {
        let Loaded { sources, diagnostics, .. } = &mut self.loaded;
        // Some editors write a byte order mark. It must not count as a column of the first line.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let (file, before) = (sources.len(), diagnostics.len());
        let mut tree = document::parse(text, file, diagnostics);
        let shown = secrecy::hide(&mut tree, text, diagnostics.len() == before);
        sources.add(path.display().to_string(), shown);
        substitute(&mut tree, text, self.environment, &mut self.missing, diagnostics);
        tree
    }

    /// The files that a file includes, each once: in the order of the patterns, then by name.
    fn included(&mut self, path: &Path, tree: &SpannedValue) -> Vec<PathBuf> {
        let mut files: Vec<PathBuf> = Vec::new();
        let first = path.canonicalize().ok();
        let patterns = tree.as_table().and_then(|table| table.get("include")?.as_list());
        for written in patterns.unwrap_or_default() {
            let Some(pattern) = written.as_text() else { continue };
            self.loaded.includes.push(pattern.to_owned());
            let found = match include::matching(path, pattern, FILES_MAX) {
                Ok(found) => found,
                Err(message) => {
                    self.loaded.diagnostics.push(Diagnostic::new(written.span, message));
                    continue;
                }
            };
            if found.is_empty() && include::is_plain(pattern) {
                let message = format!("there is no file {pattern:?}");
                let help = "the path is relative to this file".to_owned();
                self.loaded.diagnostics.push(Diagnostic::new(written.span, message).help(help));
            }
            for file in found {
                if files.len() == FILES_MAX {
                    let message = format!("more than {FILES_MAX} files are included");
                    self.loaded.diagnostics.push(Diagnostic::new(written.span, message));
                    return files;
                }
                // A pattern such as "*.toml" also matches the including file.
                if file.canonicalize().ok() != first && !files.contains(&file) {
                    files.push(file);
                }
            }
        }
        files
    }

    fn refuse_file(&mut self, path: &Path, message: String) {
        let file = self.loaded.sources.add(path.display().to_string(), "");
        self.loaded.diagnostics.push(Diagnostic::new(Span { file, ..Span::default() }, message));
    }
}

fn read_file(path: &Path) -> Result<String, String> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(FILE_MAX + 1).read_to_end(&mut bytes))
        .map_err(|error| format!("the file cannot be read: {error}"))?;
    if bytes.len() as u64 > FILE_MAX {
        return Err(format!("the file is larger than {} MiB", FILE_MAX >> 20));
    }
    String::from_utf8(bytes).map_err(|error| {
        format!("the file is not UTF-8 at byte {}", error.utf8_error().valid_up_to())
    })
}

fn routes(tree: &SpannedValue) -> impl Iterator<Item = &SpannedValue> {
    let routes = tree.as_table().and_then(|root| root.get("route")?.as_list());
    routes.unwrap_or_default().iter()
}

/// Records which keys had mistakes, and the consumers of routes that could not be read.
fn note_lost(config: &mut RoutingConfig, tree: &SpannedValue, rest: &SpannedValue) {
    for (route, written) in config.route.iter_mut().zip(routes(rest).filter(|r| !r.is_lost())) {
        let entries = written.as_table().into_iter().flat_map(|table| &table.entries);
        let lost = entries.filter(|entry| entry.value.is_lost());
        route.value.lost = lost.map(|entry| entry.key.value.clone()).collect();
    }
    for written in routes(tree) {
        let consumer = written.as_table().and_then(|route| route.get("consumer"));
        let is_read = config.route.iter().any(|route| route.span == written.span);
        if let (false, Some(consumer)) = (is_read, consumer) {
            let all = consumer.as_list().unwrap_or(std::slice::from_ref(consumer)).iter();
            let named =
                |name: &SpannedValue| Some(Spanned::new(name.as_text()?.to_owned(), name.span));
            config.consumers_of_lost_routes.extend(all.filter_map(named));
        }
    }
}

fn consumer<'a>(tree: &'a SpannedValue, name: &str) -> Option<&'a Table> {
    tree.as_table()?.get("consumer")?.as_table()?.get(name)?.as_table()
}

/// Whether `use` is written, or may have been before a syntax mistake.
fn use_is_written(tree: &SpannedValue, name: &str) -> bool {
    consumer(tree, name).is_none_or(|table| table.partial || table.get("use").is_some())
}

/// A consumer's table without `use`, the only key that the framework reads.
fn options(tree: &SpannedValue, name: &str, span: Span) -> SpannedValue {
    let Some(table) = consumer(tree, name) else {
        return SpannedValue::new(Value::default(), span);
    };
    let own = |entry: &&Entry| entry.key.value != "use";
    let entries = table.entries.iter().filter(own).cloned().collect();
    SpannedValue::new(Value::Table(Table { entries, partial: table.partial }), span)
}
