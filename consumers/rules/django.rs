//! Rules for workers of Django.

use waterway::cli::Rules;
use waterway::config::{Backend, RoutingConfig};
use waterway::setting::Diagnostic;

use crate::django::DjangoOptions;

/// Rules for workers of Django: `check` refuses them without a channel layer that Django shares.
#[derive(Debug, Clone, Copy, Default)]
pub struct DjangoRules;

impl Rules for DjangoRules {
    fn warnings(&self, _: &RoutingConfig) -> Vec<Diagnostic> {
        Vec::new()
    }

    fn mistakes(&self, config: &RoutingConfig) -> Vec<Diagnostic> {
        if *config.layer.backend == Backend::Redis {
            return Vec::new();
        }
        let workers = config.in_use::<DjangoOptions>("django").into_iter();
        let mistake = |span| {
            let message = "a worker of Django is reached over Redis, and the layer is in memory";
            let help = "write [layer] backend = \"redis\" with the url of Django's CHANNEL_LAYERS";
            Diagnostic::new(span, message).help(help.to_owned())
        };
        workers.map(|worker| mistake(worker.span_of(&["django"]))).collect()
    }
}
