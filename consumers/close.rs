//! `close`: says a last word, if it has one, and closes.

use serde::Deserialize;
use waterway::{Options, Reply, close as code};

/// `[consumer.NAME]` with `use = "close"`.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Close {
    /// A text to send before; none by default.
    pub text: Option<String>,
    /// The closing code, 1000 by default.
    pub code: u16,
    /// The reason, at most 123 bytes; none by default.
    pub reason: String,
}

impl Default for Close {
    fn default() -> Self {
        Self { text: None, code: code::DONE, reason: String::new() }
    }
}

/// Closes the connection. While connecting and without a text, that refuses it with HTTP 403.
pub async fn close(options: Options<Close>) -> Reply {
    let text = options.text.clone().map(Reply::text).unwrap_or_default();
    text.and_close(options.code, options.reason.as_str())
}
