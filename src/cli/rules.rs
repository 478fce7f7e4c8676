//! Rules for routing tables that concern a program's own consumers.

use std::path::PathBuf;

use crate::config::RoutingConfig;
use crate::setting::Diagnostic;

/// Rules for routing tables that concern a program's own consumers, in addition to the framework's
/// rules. [`RoutingConfig::in_use`] finds the consumers that a table uses, with their options.
///
/// ```
/// use serde::Deserialize;
/// use waterway::cli::{App, Rules};
/// use waterway::config::RoutingConfig;
/// use waterway::setting::Diagnostic;
/// use waterway::Registry;
///
/// #[derive(Deserialize)]
/// struct Greeting {
///     words: String,
/// }
///
/// struct Politeness;
///
/// impl Rules for Politeness {
///     fn warnings(&self, config: &RoutingConfig) -> Vec<Diagnostic> {
///         let greetings = config.in_use::<Greeting>("greet").into_iter();
///         let rude = greetings.filter(|greeting| greeting.options.words.is_empty());
///         rude.map(|greeting| {
///             Diagnostic::new(greeting.span_of(&["words"]), "this greeting says nothing")
///         })
///         .collect()
///     }
/// }
///
/// let app = App::new(Registry::new()).rules(Politeness);
/// ```
pub trait Rules: Send + Sync + 'static {
    /// Warnings about settings that are valid but probably not meant.
    fn warnings(&self, config: &RoutingConfig) -> Vec<Diagnostic>;

    /// The files and folders that these consumers use, each with a phrase that says which setting
    /// names it. `check` lists them.
    fn paths(&self, config: &RoutingConfig) -> Vec<(PathBuf, String)> {
        let _ = config;
        Vec::new()
    }

    /// Mistakes that need more than the table to be found, such as files that cannot be read. It
    /// creates nothing. With a mistake the table is refused.
    fn mistakes(&self, config: &RoutingConfig) -> Vec<Diagnostic> {
        let _ = config;
        Vec::new()
    }
}
