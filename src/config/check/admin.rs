//! Checks `[admin]`: who reaches it, and whether its token can be guessed.

use super::written;
use crate::config::{AdminConfig, Listen, RoutingConfig, is_stand_in};
use crate::setting::{Diagnostic, SpannedValue};

/// The shortest token without a warning, in bytes: 128 random bits as hexadecimal digits have 32.
const TOKEN_MIN: usize = 16;

/// Reports an empty token; warns of a listener that others reach without a token, and of a short
/// token.
pub(super) fn check(
    config: &RoutingConfig,
    tree: &SpannedValue,
    diagnostics: &mut Vec<Diagnostic>,
    warnings: &mut Vec<Diagnostic>,
) {
    let Some(AdminConfig { listen, token, .. }) = &config.admin else { return };
    let Some(token) = token else {
        let reached =
            |listen: &&Listen| !matches!(listen, Listen::Unix(_)) && !listen.is_loopback();
        // After a mistake, the token may be missing.
        let is_written = written(tree, &["admin", "token"]).is_some();
        if let (Some(address), false) = (listen.iter().find(reached), is_written) {
            let span = written(tree, &["admin", "listen"]).map_or(tree.span, |listen| listen.span);
            let message = format!("anyone who reaches {address} can send to all clients");
            let help = "write token = \"${ADMIN}\", or listen at 127.0.0.1";
            warnings.push(Diagnostic::new(span, message).help(help.to_owned()));
        }
        return;
    };
    let secret = token.expose();
    if secret.trim() != secret || !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
        let message = "the token cannot be sent: a header has visible characters of ASCII alone";
        let help = "make one with `openssl rand -hex 16`".to_owned();
        diagnostics.push(Diagnostic::new(token.span, message).help(help));
    } else if secret.len() < TOKEN_MIN && !is_stand_in(secret) {
        let message = format!("the token has {} bytes, and can be guessed", secret.len());
        let help = "make one with `openssl rand -hex 16`".to_owned();
        warnings.push(Diagnostic::new(token.span, message).help(help));
    }
}
