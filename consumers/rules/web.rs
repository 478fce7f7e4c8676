//! Rules for folders of web pages.

use waterway::cli::Rules;
use waterway::config::RoutingConfig;
use waterway::setting::Diagnostic;

use crate::web::Static;

/// Rules for the consumer `static`: `check` and `serve` warn of a folder that does not exist.
#[derive(Debug, Clone, Copy, Default)]
pub struct WebRules;

impl Rules for WebRules {
    fn warnings(&self, config: &RoutingConfig) -> Vec<Diagnostic> {
        let folders = config.in_use::<Static>("static").into_iter();
        let missing = folders.filter(|used| !used.options.folder.is_dir()).map(|used| {
            let folder = &used.options.folder;
            let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.clone());
            let message = format!("there is no folder {}", absolute.display());
            let help = "make it, or correct folder: its pages are 404 until then";
            Diagnostic::new(used.span_of(&["folder"]), message).help(help.to_owned())
        });
        missing.collect()
    }
}
