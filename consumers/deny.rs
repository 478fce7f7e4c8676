//! `deny`: refuses a client, whatever it asks for.

use http::StatusCode;
use serde::{Deserialize, Deserializer};
use waterway::{Options, Reply};

/// `[consumer.NAME]` with `use = "deny"`.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Deny {
    /// The HTTP status, 400 to 599; 403 by default.
    #[serde(deserialize_with = "status")]
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

fn status<'de, D: Deserializer<'de>>(deserializer: D) -> Result<StatusCode, D::Error> {
    let status = u16::deserialize(deserializer)?;
    let refusal = StatusCode::from_u16(status).ok().filter(|_| (400..600).contains(&status));
    refusal.ok_or_else(|| {
        serde::de::Error::custom(format!("{status} refuses nobody\nwrite a status from 400 to 599"))
    })
}
