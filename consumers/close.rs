//! `close`: says a last word, if it has one, and closes.

use serde::{Deserialize, Deserializer, de::Error};
use waterway::{Options, Reply, close as code};

/// `[consumer.NAME]` with `use = "close"`.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Close {
    /// A text to send before; none by default.
    pub text: Option<String>,
    /// The closing code, one that may stand in a frame; 1000 by default.
    #[serde(deserialize_with = "sendable")]
    pub code: u16,
    /// The reason, at most 123 bytes; none by default.
    #[serde(deserialize_with = "short")]
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

/// RFC 6455, section 7.4, and IANA's registry of closing codes.
fn sendable<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u16, D::Error> {
    let code = u16::deserialize(deserializer)?;
    match code {
        1000..=1003 | 1007..=1014 | 3000..=4999 => Ok(code),
        _ => Err(D::Error::custom(format!(
            "{code} may not stand in a close frame\nwrite 1000 for done, or one from 4000 to 4999"
        ))),
    }
}

/// RFC 6455, section 5.5: a control frame holds 125 bytes, two of which are the code.
fn short<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    const REASON_LIMIT: usize = 123;
    let reason = String::deserialize(deserializer)?;
    if reason.len() > REASON_LIMIT {
        let length = reason.len();
        return Err(D::Error::custom(format!(
            "the reason has {length} bytes\n{REASON_LIMIT} fit into a close frame"
        )));
    }
    Ok(reason)
}
