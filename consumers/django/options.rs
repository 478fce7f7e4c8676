//! The options of a worker of Django: `[consumer.NAME]` with the key `django`.

use std::str::FromStr;

use http::HeaderName;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de};
use waterway::Time;

use crate::head::OneOrMore;

/// Which worker gets the events. It needs `[layer] backend = "redis"`, and the same server, prefix and
/// keys in `CHANNEL_LAYERS` of Django. [scale.md](scale.md#django-workers) shows the worker.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DjangoOptions {
    /// Channel that the worker listens on: `manage.py runworker CHANNEL`.
    #[schemars(
        with = "String",
        extend("x-bound" = "1 to 99 letters, digits, hyphens, underscores and full stops")
    )]
    pub django: WorkerChannel,
    /// Headers of the client's handshake that its events contain.
    #[serde(default, deserialize_with = "headers")]
    #[schemars(
        with = "OneOrMore<String>",
        extend("x-default" = "none", "x-bound" = format!("at most {HEADERS_MAX}"))
    )]
    pub headers: Vec<HeaderName>,
    /// Time in which the worker must accept or close a client that connects. After it, the client is
    /// refused with 503. `[server] handshake` bounds it too.
    #[serde(default = "timeout", deserialize_with = "timeout_within")]
    #[schemars(extend("x-bound" = "above 0, at most `\"10m\"`"))]
    pub timeout: Time,
}

/// The name of a channel that workers listen on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerChannel(String);

/// The most headers of one consumer.
const HEADERS_MAX: usize = 32;

/// The longest timeout.
const TIMEOUT_MAX: Time = Time::from_secs(600);

impl WorkerChannel {
    /// Its name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for WorkerChannel {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
        if (1..=99).contains(&text.len()) && text.bytes().all(allowed) {
            return Ok(Self(text.to_owned()));
        }
        let shown: String = text.chars().take(120).collect();
        Err(format!(
            "{shown:?} is not the name of a worker's channel\n\
             write 1 to 99 letters, digits, hyphens, underscores and full stops"
        ))
    }
}

impl<'de> Deserialize<'de> for WorkerChannel {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

fn timeout() -> Time {
    Time::from_secs(4)
}

fn timeout_within<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Time, D::Error> {
    let timeout = Time::deserialize(deserializer)?;
    if timeout < Time::from_millis(1) || timeout > TIMEOUT_MAX {
        return Err(de::Error::custom(format!(
            "{timeout} is out of bounds for a decision\nwrite 1ms to {TIMEOUT_MAX}"
        )));
    }
    Ok(timeout)
}

fn headers<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<HeaderName>, D::Error> {
    let written = OneOrMore::<String>::deserialize(deserializer)?;
    if written.len() > HEADERS_MAX {
        let count = written.len();
        return Err(de::Error::custom(format!(
            "{count} headers are too many\nat most {HEADERS_MAX}"
        )));
    }
    written.iter().map(|name| name.parse().map_err(de::Error::custom)).collect()
}
