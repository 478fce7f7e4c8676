//! Headers that tasks must not keep, because they may hold a token.

use super::written;
use crate::auth::Source;
use crate::config::RoutingConfig;
use crate::setting::{Diagnostic, SpannedValue};

/// Reports each of them.
pub(super) fn check(
    config: &RoutingConfig,
    tree: &SpannedValue,
    diagnostics: &mut Vec<Diagnostic>,
) {
    for (name, queue) in &config.queue {
        let Some(written) = written(tree, &["queue", name, "headers"]) else { continue };
        for header in &queue.headers {
            let holds =
                |source: &Source| matches!(source, Source::Header(name) if *header == **name);
            let token = config.auth.iter().find(|(_, auth)| auth.from.iter().any(holds));
            if let Some((token, _)) = token {
                let message = format!("the header {header} may hold the token of [auth.{token}]");
                let help =
                    "leave it out: a queue's consumer gets the claims of the token".to_owned();
                diagnostics.push(Diagnostic::new(written.span, message).help(help));
            }
        }
    }
}
