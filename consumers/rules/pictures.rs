//! Rules for the consumer `image.work`.

use std::path::PathBuf;

use waterway::cli::Rules;
use waterway::config::RoutingConfig;
use waterway::setting::Diagnostic;

use super::{paths, results};

/// Rules for the consumer `image.work`: its folders can be written, and clients can fetch its
/// results.
#[derive(Debug, Clone, Copy, Default)]
pub struct PictureRules;

impl Rules for PictureRules {
    fn warnings(&self, config: &RoutingConfig) -> Vec<Diagnostic> {
        let mut warnings = Vec::new();
        results::check(config, &mut warnings);
        paths::check(config, &mut warnings);
        warnings
    }

    fn paths(&self, config: &RoutingConfig) -> Vec<(PathBuf, String)> {
        paths::used(config)
    }

    fn mistakes(&self, config: &RoutingConfig) -> Vec<Diagnostic> {
        paths::mistakes(config)
    }
}
