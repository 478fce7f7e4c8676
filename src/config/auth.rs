//! `[auth.NAME]`: how a client shows who it is.

use std::fmt;
use std::str::FromStr;

use serde::de::Error;
use serde::{Deserialize, Deserializer};

use super::text::{one_or_more, text_types};
use crate::auth::{Algorithm, Source};
use crate::setting::{At, Mistake, Time};

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
    pub secret: At<Secret>,
    /// Where the token is looked for, in this order, one or a list: `"query"` (the whole query),
    /// `"query:NAME"`, `"header:NAME"` (with or without `Bearer `), `"subprotocol"`. A value that
    /// does not have a token's three parts is ignored. Default `["query", "query:token",
    /// "header:authorization", "subprotocol"]`.
    #[serde(default = "sources", deserialize_with = "one_or_more")]
    pub from: Vec<Source>,
    /// Whether the token's claim `ip` must be the client's address. Default false.
    #[serde(default)]
    pub bind_ip: bool,
    /// The issuers whose tokens are accepted, by the claim `iss`: one, or a list (RFC 7519, section
    /// 4.1.1). Default: every issuer, and tokens without the claim.
    #[serde(default, deserialize_with = "names")]
    pub issuer: Vec<String>,
    /// The audiences of which a token must name one in its claim `aud`: one, or a list (RFC 7519,
    /// section 4.1.3). Default: the claim is not checked.
    #[serde(default, deserialize_with = "names")]
    pub audience: Vec<String>,
    /// How far the issuer's clock may differ from this one's, in whole seconds: a token is valid
    /// this long before its `nbf` and after its `exp`. At most `"10m"`. Default `"5s"`.
    #[serde(default = "leeway", deserialize_with = "bounded_leeway")]
    pub leeway: Time,
    /// Whether a WebSocket is closed with 3000, "token expired", when one of its client's tokens
    /// expires. Default true.
    #[serde(default = "close_at_exp")]
    pub close_at_exp: bool,
}

/// Shorter ones can be guessed from one token (RFC 7518, section 3.2), in bytes.
const SECRET_MIN: usize = 32;

impl AuthConfig {
    /// Checks the secret against the algorithms.
    pub(super) fn check(&self, mistakes: &mut Vec<Mistake>, warnings: &mut Vec<Mistake>) {
        let by_secret = |algorithm: &Algorithm| {
            matches!(algorithm, Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512)
        };
        if !self.algorithms.iter().all(by_secret) {
            return;
        }
        let (secret, place) = (self.secret.expose(), self.secret.place);
        if secret.contains("-----BEGIN ") {
            let message = "a PEM key is not a secret: everybody who knows it could sign a token";
            let help = "name its algorithms, such as algorithms = \"RS256\"".to_owned();
            mistakes.push(Mistake::new(place, message).help(help));
        } else if secret.len() < SECRET_MIN {
            let message = format!("the secret has {} bytes, and may be guessed", secret.len());
            let help = format!("give it {SECRET_MIN} or more, as by: openssl rand -hex 32");
            warnings.push(Mistake::new(place, message).help(help));
        }
    }
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

fn leeway() -> Time {
    Time::from_secs(5)
}

fn close_at_exp() -> bool {
    true
}

/// "Usually no more than a few minutes" (RFC 7519, section 4.1.4).
const LEEWAY_MAX: Time = Time::from_secs(600);

fn bounded_leeway<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Time, D::Error> {
    let leeway = Time::deserialize(deserializer)?;
    if leeway > LEEWAY_MAX {
        let message = format!("a leeway of {leeway} is too long\nat most {LEEWAY_MAX}");
        return Err(D::Error::custom(message));
    }
    if leeway.duration().subsec_nanos() > 0 {
        return Err(D::Error::custom(
            "tokens count whole seconds\nwrite \"1s\" or more, or \"0s\"",
        ));
    }
    Ok(leeway)
}

fn names<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let names: Vec<String> = one_or_more(deserializer)?;
    if names.iter().any(String::is_empty) {
        return Err(D::Error::custom(
            "an empty text names nobody\nleave the key out to take anybody's",
        ));
    }
    Ok(names)
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
