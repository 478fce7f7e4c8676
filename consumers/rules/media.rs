//! Rules for the consumer `media`.

use std::path::PathBuf;

use waterway::cli::Rules;
use waterway::config::RoutingConfig;
use waterway::setting::Diagnostic;

use crate::media::Media;
use crate::storage::Storage;

/// Rules for the consumer `media`: `check` lists its folders.
#[derive(Debug, Clone, Copy, Default)]
pub struct MediaRules;

impl Rules for MediaRules {
    fn warnings(&self, _: &RoutingConfig) -> Vec<Diagnostic> {
        Vec::new()
    }

    fn paths(&self, config: &RoutingConfig) -> Vec<(PathBuf, String)> {
        let mut used = Vec::new();
        for media in config.in_use::<Media>("media") {
            if let Storage::Folder(folder) = &media.options.storage {
                used.push((folder.path().to_owned(), format!("consumer {}", media.name)));
            }
        }
        used
    }
}
