//! `[auth.NAME]`: how a client shows who it is.

use std::fmt;
use std::str::FromStr;

use serde::de::Error;
use serde::{Deserialize, Deserializer};

use super::text::{one_or_more, text_types};
use crate::auth::{Algorithm, Source};

/// `[auth.NAME]`: a JSON Web Token, which routes demand by `auth = "NAME"`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthConfig {
    /// The algorithms that are taken, one or a list of one family: `"HS256"` and its like share a
    /// secret, `"RS256"`, `"PS256"`, `"ES256"` and `"EdDSA"` have a public key.
    /// Default `["HS256"]`.
    #[serde(default = "algorithms", deserialize_with = "one_family")]
    pub algorithms: Vec<Algorithm>,
    /// The secret, or the public key as PEM; best kept outside: `"${WATERWAY_SECRET}"`.
    /// Required, and not empty.
    pub secret: Secret,
    /// Where the token is looked for, in this order, one or a list: `"query"` (the whole query),
    /// `"query:NAME"`, `"header:NAME"` (with or without `Bearer `), `"subprotocol"`.
    /// Default `["query", "query:token", "header:authorization", "subprotocol"]`.
    #[serde(default = "sources", deserialize_with = "one_or_more")]
    pub from: Vec<Source>,
    /// Whether the token's claim `ip` must be the client's address. Default false.
    #[serde(default)]
    pub bind_ip: bool,
}

/// A text that no log shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The text itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl FromStr for Secret {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        match text {
            "" => Err("the secret is empty\nwith it, everybody could sign a token"),
            _ => Ok(Self(text.to_owned())),
        }
    }
}

text_types! {
    Secret: "text";
}

fn algorithms() -> Vec<Algorithm> {
    vec![Algorithm::HS256]
}

fn sources() -> Vec<Source> {
    vec![
        Source::Query,
        Source::QueryParameter("token".into()),
        Source::Header("authorization".into()),
        Source::Subprotocol,
    ]
}

/// Who could choose between a shared secret and a public key would sign with the public key.
fn one_family<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Algorithm>, D::Error> {
    let algorithms: Vec<Algorithm> = one_or_more(deserializer)?;
    let family = algorithms.first().map(|first| first.family());
    if algorithms.iter().any(|other| Some(other.family()) != family) {
        return Err(D::Error::custom(
            "these algorithms do not take the same kind of key\n\
             declare an [auth.NAME] for each kind",
        ));
    }
    Ok(algorithms)
}
