//! Rules for webhooks.

use waterway::cli::Rules;
use waterway::config::RoutingConfig;
use waterway::setting::Diagnostic;

use crate::webhook::{SigningKey, WebhookOptions};

/// Rules for webhooks: `check` refuses hosts that events may not go to, and warns of events that
/// anybody could read or make up.
#[derive(Debug, Clone, Copy, Default)]
pub struct WebhookRules;

impl Rules for WebhookRules {
    fn warnings(&self, config: &RoutingConfig) -> Vec<Diagnostic> {
        let mut warnings = Vec::new();
        for webhook in config.in_use::<WebhookOptions>("http") {
            let WebhookOptions { http, secret, .. } = &webhook.options;
            let mut warn = |key, message: String, help: &str| {
                let span = webhook.span_of(&[key]);
                warnings.push(Diagnostic::new(span, message).help(help.to_owned()));
            };
            let least = SigningKey::SAFE;
            if let Some(short) = secret.iter().find(|key| key.len() < least) {
                let message = format!("the secret has {} bytes, and may be guessed", short.len());
                let help = "make one: echo whsec_$(openssl rand -base64 32)";
                warn("secret", message, help);
            }
            if http.is_private() {
                continue;
            }
            if secret.is_empty() {
                let message = format!("the events for {http} are not signed");
                let help = "anybody could send such events to it: give both a secret, such as \
                            secret = \"${SECRET}\"";
                warn("http", message, help);
            }
            if !http.is_https() {
                let message = format!("the events for {http} are not encrypted");
                warn("http", message, "write https, if the events may not be read on their way");
            }
        }
        warnings
    }

    fn mistakes(&self, config: &RoutingConfig) -> Vec<Diagnostic> {
        let webhooks = config.in_use::<WebhookOptions>("http").into_iter();
        let mistakes = webhooks.filter_map(|webhook| {
            let mistake = webhook.options.check_host().err()?;
            let (message, help) = mistake.split_once('\n').unwrap_or((&mistake, ""));
            let span = webhook.span_of(&["hosts", "http"]);
            Some(Diagnostic::new(span, message).help(help.to_owned()))
        });
        mistakes.collect()
    }
}
