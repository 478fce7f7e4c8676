//! The options of a webhook: `[consumer.NAME]` with the key `http`.

use std::fmt;
use std::str::FromStr;

use http::HeaderName;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de};
use waterway::Time;
use waterway::config::AllowedHost;
use waterway::setting::Size;

use super::endpoint::Endpoint;
use super::signature::SigningKey;
use crate::backoff::Backoff;
use crate::breaker::BreakerOptions;
use crate::head::OneOrMore;

/// Which URL events are posted to, and within which bounds.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookOptions {
    /// URL that events are posted to.
    #[schemars(
        with = "String",
        extend(
            "pattern" = "^[Hh][Tt][Tt][Pp][Ss]?://",
            "x-bound" = "`https` or `http`, without user, password and fragment"
        )
    )]
    pub http: Endpoint,
    /// Key that signs events; or a list, such as the new one and the old one while it is replaced.
    #[serde(default, deserialize_with = "keys")]
    #[schemars(
        with = "OneOrMore<String>",
        extend("x-default" = "not signed; `check` warns", "x-bound" = "not empty")
    )]
    pub secret: Vec<SigningKey>,
    /// Headers of the client's handshake or request that its events contain.
    #[serde(default, deserialize_with = "headers")]
    #[schemars(
        with = "OneOrMore<String>",
        extend("x-default" = "none", "x-bound" = format!("at most {HEADERS_MAX}"))
    )]
    pub headers: Vec<HeaderName>,
    /// Hosts that `http` may name: `"crm.example"`, `"*.example"`. They may have addresses that are
    /// not public.
    #[serde(default, deserialize_with = "hosts")]
    #[schemars(with = "OneOrMore<String>", extend("x-default" = "any host with a public address"))]
    pub hosts: Vec<AllowedHost>,
    /// Time of an exchange, from the look-up of the host to the end of the answer.
    #[serde(default = "timeout", deserialize_with = "timeout_within")]
    #[schemars(extend("x-bound" = "above 0, at most `\"10m\"`"))]
    pub timeout: Time,
    /// Size of an answer.
    #[serde(default = "line", deserialize_with = "line_within")]
    #[schemars(extend("x-bound" = "`\"1KiB\"` to `\"64MiB\"`"))]
    pub line: Size,
    /// Actions of one answer.
    #[serde(default = "actions", deserialize_with = "actions_within")]
    #[schemars(range(min = 1, max = 65536))]
    pub actions: usize,
    /// Size of the state that an answer keeps for its connection.
    #[serde(default = "state", deserialize_with = "state_within")]
    #[schemars(extend("x-bound" = "at most `\"1MiB\"`"))]
    pub state: Size,
    /// Events at the webhook at a time, and so connections to it.
    #[serde(default = "concurrency", deserialize_with = "concurrency_within")]
    #[schemars(range(min = 1, max = 1024))]
    pub concurrency: usize,
    /// What may wait for the webhook.
    #[serde(default)]
    pub pending: Pending,
    /// Time for which an unused connection is kept. Keep it below that of the endpoint's server.
    #[serde(default = "keep_alive", deserialize_with = "keep_alive_within")]
    #[schemars(extend("x-bound" = "at most `\"10m\"`"))]
    pub keep_alive: Time,
    /// How often and when a task is sent again after a failure.
    #[serde(default)]
    pub retry: Retry,
    /// When events are refused at once.
    #[serde(default)]
    pub breaker: BreakerOptions,
}

/// The events that may wait for a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Pending {
    /// Events that may wait.
    #[serde(deserialize_with = "events_within")]
    #[schemars(range(min = 1, max = 1_048_576))]
    pub events: usize,
    /// Bytes of the events that wait and of those at the webhook, as JSON. A larger event is
    /// `too_big`.
    #[serde(deserialize_with = "bytes_within")]
    #[schemars(extend("x-bound" = "`\"64KiB\"` to `\"4GiB\"`"))]
    pub bytes: Size,
}

/// How often and when a task is sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "WrittenRetry", into = "WrittenRetry")]
pub struct Retry {
    /// How often a task is sent at most.
    pub attempts: u32,
    /// The wait before it is sent again.
    pub wait: Backoff,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct WrittenRetry {
    /// How often a task is sent at most.
    #[serde(deserialize_with = "attempts_within")]
    #[schemars(range(min = 1, max = 20))]
    attempts: u32,
    /// The wait before the second attempt. It doubles with each further one.
    #[schemars(extend("x-bound" = "above 0"))]
    first: Time,
    /// The longest wait.
    #[schemars(extend("x-bound" = "at least `first`"))]
    longest: Time,
}

/// The most headers of one webhook.
const HEADERS_MAX: usize = 32;

impl WebhookOptions {
    /// Whether `hosts` names the host of `http`.
    pub(super) fn names_host(&self) -> bool {
        let host = self.http.host().trim_end_matches('.');
        self.hosts.iter().any(|allowed| match allowed {
            AllowedHost::Any => true,
            AllowedHost::Is(name) => host == name,
            AllowedHost::Below(above) => {
                host.strip_suffix(above.as_str()).is_some_and(|sub| sub.ends_with('.'))
            }
        })
    }

    /// Checks `http` and `hosts` together. An error has the way out on its second line.
    pub(crate) fn check_host(&self) -> Result<(), String> {
        let host = self.http.host();
        if self.names_host() {
            return Ok(());
        }
        if !self.hosts.is_empty() {
            return Err(format!(
                "`hosts` does not name {host}, the host of `http`\nadd \"{host}\""
            ));
        }
        if self.http.is_private() {
            return Err(format!(
                "{host} is not a public address, and `hosts` does not name it\n\
                 write hosts = [\"{host}\"] if events may be sent there"
            ));
        }
        Ok(())
    }
}

impl Default for Pending {
    fn default() -> Self {
        Self { events: 1024, bytes: Size::new(16 << 20) }
    }
}

impl Default for Retry {
    fn default() -> Self {
        Self { attempts: 5, wait: Backoff::default() }
    }
}

impl Default for WrittenRetry {
    fn default() -> Self {
        Retry::default().into()
    }
}

impl From<Retry> for WrittenRetry {
    fn from(Retry { attempts, wait: Backoff { first, longest } }: Retry) -> Self {
        Self { attempts, first, longest }
    }
}

impl TryFrom<WrittenRetry> for Retry {
    type Error = String;

    fn try_from(WrittenRetry { attempts, first, longest }: WrittenRetry) -> Result<Self, String> {
        Ok(Self { attempts, wait: Backoff::new(first, longest)? })
    }
}

fn timeout() -> Time {
    Time::from_secs(30)
}

fn line() -> Size {
    Size::new(1 << 20)
}

fn actions() -> usize {
    256
}

fn state() -> Size {
    Size::new(4 << 10)
}

fn concurrency() -> usize {
    32
}

fn keep_alive() -> Time {
    Time::from_secs(4)
}

/// Functions that read a value between two bounds, both included.
macro_rules! within {
    ($($name:ident: $type:ty = $least:expr, $most:expr, $what:literal;)*) => {$(
        fn $name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<$type, D::Error> {
            between(deserializer, ($least, $most), $what)
        }
    )*};
}

within! {
    timeout_within: Time = Time::from_millis(1), Time::from_secs(600), "an exchange";
    keep_alive_within: Time = Time::default(), Time::from_secs(600), "a connection";
    line_within: Size = Size::new(1 << 10), Size::new(64 << 20), "the largest answer";
    state_within: Size = Size::default(), Size::new(1 << 20), "a state";
    bytes_within: Size = Size::new(64 << 10), Size::new(4 << 30), "what waits";
    actions_within: usize = 1, 65536, "the number of actions";
    concurrency_within: usize = 1, 1024, "the number of exchanges";
    events_within: usize = 1, 1 << 20, "the number of events";
    attempts_within: u32 = 1, 20, "the number of attempts";
}

fn between<'de, D, T>(deserializer: D, (least, most): (T, T), what: &str) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + PartialOrd + fmt::Display,
{
    let value = T::deserialize(deserializer)?;
    if value < least || value > most {
        return Err(de::Error::custom(format!(
            "{value} is out of bounds for {what}\nwrite {least} to {most}"
        )));
    }
    Ok(value)
}

fn texts<'de, D: Deserializer<'de>, T: FromStr<Err: fmt::Display>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    let texts = OneOrMore::<String>::deserialize(deserializer)?;
    texts.iter().map(|text| text.parse().map_err(de::Error::custom)).collect()
}

fn keys<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<SigningKey>, D::Error> {
    texts(deserializer)
}

fn hosts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<AllowedHost>, D::Error> {
    texts(deserializer)
}

fn headers<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<HeaderName>, D::Error> {
    let headers: Vec<HeaderName> = texts(deserializer)?;
    let most = HEADERS_MAX;
    if headers.len() > most {
        let count = headers.len();
        return Err(de::Error::custom(format!("{count} headers are too many\nat most {most}")));
    }
    Ok(headers)
}
