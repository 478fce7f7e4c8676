//! `close`: sends a last text, if the table gives one, and closes.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de::Error};
use waterway::reply::close as code;
use waterway::{Options, Reply};

/// How connections are closed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Close {
    /// The text to send first.
    #[schemars(extend("x-default" = "none"))]
    pub text: Option<String>,
    /// The close code.
    #[serde(deserialize_with = "sendable")]
    #[schemars(
        range(min = 1000, max = 4999),
        extend("x-bound" = "1000 to 1003, 1007 to 1014, or 3000 to 4999")
    )]
    pub code: u16,
    /// The reason.
    #[serde(deserialize_with = "short")]
    #[schemars(length(max = REASON_LIMIT), extend("x-bound" = "at most 123 bytes"))]
    pub reason: String,
}

impl Default for Close {
    fn default() -> Self {
        Self { text: None, code: code::DONE, reason: String::new() }
    }
}

/// Closes the connection. During connect and without a text, that refuses it with HTTP 403.
pub async fn close(options: Options<Close>) -> Reply {
    let text = options.text.clone().map(Reply::text).unwrap_or_default();
    text.and_close(options.code, options.reason.as_str())
}

/// RFC 6455, section 7.4, and IANA's registry of close codes.
fn sendable<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u16, D::Error> {
    let code = u16::deserialize(deserializer)?;
    match code {
        1000..=1003 | 1007..=1014 | 3000..=4999 => Ok(code),
        _ => Err(D::Error::custom(format!(
            "a close frame cannot contain the code {code}\nwrite 1000 for a normal close, or a code from 4000 to 4999"
        ))),
    }
}

/// RFC 6455, section 5.5: a control frame holds 125 bytes, and the code takes two.
const REASON_LIMIT: usize = 123;

fn short<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let reason = String::deserialize(deserializer)?;
    if reason.len() > REASON_LIMIT {
        let length = reason.len();
        return Err(D::Error::custom(format!(
            "the reason has {length} bytes\na close frame has room for {REASON_LIMIT}"
        )));
    }
    Ok(reason)
}
