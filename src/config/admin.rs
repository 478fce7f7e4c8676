//! `[admin]`: a listener for operators and for other programs of the deployment.

use schemars::JsonSchema;
use serde::Deserialize;

use super::address::Listen;
use super::auth::Secret;
use super::host::AllowedHost;
use super::text::{above_zero, one_or_more, some_or_more};
use crate::setting::{Size, Spanned, Time, schema};

/// The listener for operators and for other programs of the deployment: see [admin.md](admin.md). Changes
/// take effect when the service starts.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AdminConfig {
    /// Addresses, as in `[server]`: `"127.0.0.1:8001"`, `"unix:run/admin.sock"`.
    #[serde(deserialize_with = "one_or_more")]
    #[schemars(transform = schema::one_or_more)]
    pub listen: Vec<Listen>,
    /// Text that requests to `/v1/…` must have: `Authorization: Bearer …`. Keep it outside of the
    /// file: `"${ADMIN}"`. `check` warns of a token under 16 bytes, and of an address without a token
    /// that other machines may reach.
    #[serde(default)]
    #[schemars(extend("x-default" = "none", "x-bound" = "visible characters of ASCII"))]
    pub token: Option<Spanned<Secret>>,
    /// `Host` headers that are answered besides `localhost` and IP addresses; with a `token`, any host
    /// is.
    #[serde(default, deserialize_with = "some_or_more")]
    #[schemars(transform = schema::one_or_more, extend("x-default" = "none"))]
    pub hosts: Option<Vec<AllowedHost>>,
    /// Largest body of a request.
    #[serde(default = "body", deserialize_with = "above_zero")]
    #[schemars(transform = schema::above_zero)]
    pub body: Size,
    /// Connections that may be open at once; further ones wait to be accepted.
    #[serde(default = "connections", deserialize_with = "above_zero")]
    #[schemars(transform = schema::above_zero)]
    pub connections: usize,
    /// Time in which the head of a request must arrive, and then its body. It is also the time that a
    /// client may leave its answer unread.
    #[serde(default = "patience", deserialize_with = "above_zero")]
    #[schemars(transform = schema::above_zero)]
    pub patience: Time,
}

fn body() -> Size {
    Size::new(1 << 20)
}

fn connections() -> usize {
    64
}

fn patience() -> Time {
    Time::from_secs(10)
}
