//! `deny`: refuses every client.

use http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};
use waterway::{Options, Reply};

/// How clients are refused.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Deny {
    /// The HTTP status.
    #[serde(deserialize_with = "status")]
    #[schemars(with = "u16", range(min = 400, max = 599), extend("default" = 403))]
    pub status: StatusCode,
}

impl Default for Deny {
    fn default() -> Self {
        Self { status: StatusCode::FORBIDDEN }
    }
}

/// Refuses a handshake or a request with a status; closes a connection that is open.
pub async fn deny(options: Options<Deny>) -> Reply {
    Reply::deny(options.status)
}

/// A status that refuses a client.
pub(crate) fn status<'de, D: Deserializer<'de>>(deserializer: D) -> Result<StatusCode, D::Error> {
    let status = u16::deserialize(deserializer)?;
    let refusal = StatusCode::from_u16(status).ok().filter(|_| (400..600).contains(&status));
    refusal.ok_or_else(|| {
        serde::de::Error::custom(format!(
            "{status} is not a refusal\nwrite a status from 400 to 599"
        ))
    })
}
