//! Reading the file and those that it includes.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::environment::{Environment, Missing, quotes_stand_in, substitute};
use super::{RoutingConfig, advice, check, document, include, merge, secrecy};
use crate::setting::{
    At, Entry, Mistake, Place, Report, Sources, Table, Value, Written, read_past,
};

/// How large one file may be, in bytes.
const FILE_MAX: u64 = 1 << 20;

/// How many files may be included.
const FILES_MAX: usize = 256;

/// What was read, and what was wrong with it.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// What could be read; all of it if there are no mistakes.
    pub config: RoutingConfig,
    /// The files, the first one first.
    pub sources: Sources,
    /// What is wrong. With one of these the file must not be used.
    pub mistakes: Vec<Mistake>,
    /// What is allowed, but hardly meant.
    pub warnings: Vec<Mistake>,
    /// Unset variables of the environment, where they are allowed. Values with such a variable in
    /// them are not checked, and a router of such a table must not be served.
    pub missing: Vec<At<String>>,
}

impl RoutingConfig {
    /// Reads a file, those that it includes, and the environment of the process.
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

    /// Reads a file and those that it includes, with an environment of one's own.
    #[must_use]
    pub fn load_with(path: impl AsRef<Path>, environment: Environment<'_>) -> Loaded {
        Loader::new(environment).load_file(path.as_ref())
    }

    /// Reads a text as if it stood in a file of this name; what it includes is looked for there.
    ///
    /// ```
    /// use waterway::RoutingConfig;
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

/// All mistakes beside their lines.
impl fmt::Display for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.report().fmt(f)
    }
}

impl std::error::Error for Loaded {}

impl Loaded {
    /// All mistakes beside their lines, to be displayed.
    #[must_use]
    pub fn report(&self) -> Report<'_> {
        Report::new(&self.sources, &self.mistakes)
    }

    /// Drops mistakes and warnings about values with unset variables in them.
    pub(crate) fn forget_unknown(&mut self) {
        if !self.missing.is_empty() {
            self.mistakes.retain(|mistake| !quotes_stand_in(mistake));
            self.warnings.retain(|warning| !quotes_stand_in(warning));
        }
    }

    /// All warnings beside their lines, to be displayed.
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
                        let Loaded { sources, mistakes, .. } = &mut self.loaded;
                        merge::merge(table, more, sources, mistakes);
                    }
                }
                Err(message) => self.refuse_file(&included, message),
            }
        }
        let mistakes = &mut self.loaded.mistakes;
        name_sections(&mut tree, mistakes);
        let mut rest = tree.clone();
        let mut config: RoutingConfig = read_past(&mut rest, mistakes).unwrap_or_default();
        advice::give(mistakes);
        note_lost(&mut config, &tree, &rest);
        for (name, consumer) in &mut config.consumer {
            consumer.value.options = options(&tree, name, consumer.place);
        }
        self.loaded.config = config;
        check::check(&tree, &mut self.loaded);
        self.loaded.missing = std::mem::take(&mut self.missing.names);
        self.loaded.forget_unknown();
        self.loaded.mistakes.sort_by_key(|mistake| mistake.place);
        self.loaded.warnings.sort_by_key(|warning| warning.place);
    }

    fn parse(&mut self, path: &Path, text: &str) -> Written {
        let Loaded { sources, mistakes, .. } = &mut self.loaded;
        // Some editors write a byte order mark. It must not count as a column of the first line.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let (file, told) = (sources.len(), mistakes.len());
        let mut tree = document::parse(text, file, mistakes);
        let shown = secrecy::hide(&mut tree, text, mistakes.len() == told);
        sources.add(path.display().to_string(), shown);
        substitute(&mut tree, text, self.environment, &mut self.missing, mistakes);
        tree
    }

    /// The files that a file includes, each once, in the order of the patterns and of their names.
    fn included(&mut self, path: &Path, tree: &Written) -> Vec<PathBuf> {
        let mut files: Vec<PathBuf> = Vec::new();
        let first = path.canonicalize().ok();
        let patterns = tree.as_table().and_then(|table| table.get("include")?.as_list());
        for written in patterns.unwrap_or_default() {
            let Some(pattern) = written.as_text() else { continue };
            let found = match include::matching(path, pattern, FILES_MAX) {
                Ok(found) => found,
                Err(message) => {
                    self.loaded.mistakes.push(Mistake::new(written.place, message));
                    continue;
                }
            };
            if found.is_empty() && include::is_plain(pattern) {
                let message = format!("there is no file {pattern:?}");
                let help = "the path begins where this file is".to_owned();
                self.loaded.mistakes.push(Mistake::new(written.place, message).help(help));
            }
            for file in found {
                if files.len() == FILES_MAX {
                    let message = format!("more than {FILES_MAX} files are included");
                    self.loaded.mistakes.push(Mistake::new(written.place, message));
                    return files;
                }
                // A pattern such as "*.toml" matches the file that it stands in.
                if file.canonicalize().ok() != first && !files.contains(&file) {
                    files.push(file);
                }
            }
        }
        files
    }

    fn refuse_file(&mut self, path: &Path, message: String) {
        let file = self.loaded.sources.add(path.display().to_string(), "");
        self.loaded.mistakes.push(Mistake::new(Place { file, ..Place::default() }, message));
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

/// Reports a nameless `[queue]` or similar section once, and not for each of its keys.
fn name_sections(tree: &mut Written, mistakes: &mut Vec<Mistake>) {
    let Value::Table(root) = &mut tree.value else { return };
    for section in ["auth", "queue", "consumer"] {
        let Some(written) = root.get_mut(section) else { continue };
        let nameless = |table: &Table| {
            !table.entries.is_empty()
                && table.entries.iter().all(|entry| entry.value.as_table().is_none())
        };
        if written.as_table().is_some_and(nameless) {
            let message = format!("[{section}] has no name");
            let help = format!("write [{section}.NAME], and NAME where a route means it");
            mistakes.push(Mistake::new(written.place, message).help(help));
            written.value = Value::Lost;
        }
    }
}

fn routes(tree: &Written) -> impl Iterator<Item = &Written> {
    let routes = tree.as_table().and_then(|root| root.get("route")?.as_list());
    routes.unwrap_or_default().iter()
}

/// Notes which keys had mistakes, and the consumers of routes that could not be read.
fn note_lost(config: &mut RoutingConfig, tree: &Written, rest: &Written) {
    for (route, written) in config.route.iter_mut().zip(routes(rest).filter(|r| !r.is_lost())) {
        let entries = written.as_table().into_iter().flat_map(|table| &table.entries);
        let lost = entries.filter(|entry| entry.value.is_lost());
        route.value.lost = lost.map(|entry| entry.key.value.clone()).collect();
    }
    for written in routes(tree) {
        let consumer = written.as_table().and_then(|route| route.get("consumer"));
        let is_read = config.route.iter().any(|route| route.place == written.place);
        if let (false, Some(consumer)) = (is_read, consumer)
            && let Some(name) = consumer.as_text()
        {
            let name = At::new(name.to_owned(), consumer.place);
            config.consumers_of_lost_routes.push(name);
        }
    }
}

/// A consumer's table without what the framework reads of it.
fn options(tree: &Written, name: &str, place: Place) -> Written {
    let declared = tree.as_table().and_then(|root| root.get("consumer")?.as_table()?.get(name));
    let Some(table) = declared.and_then(Written::as_table) else {
        return Written::new(Value::default(), place);
    };
    let own = |entry: &&Entry| entry.key.value != "use";
    let entries = table.entries.iter().filter(own).cloned().collect();
    Written::new(Value::Table(Table { entries, partial: table.partial }), place)
}
