//! `[auth.NAME]`: how a client proves who it is.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::de::Error;
use serde::{Deserialize, Deserializer};

use super::text::{one_or_more, text_types};
use crate::auth::{Algorithm, Source};
use crate::setting::{Diagnostic, Spanned, Time, schema};

/// A JSON Web Token, which routes demand with `auth = "NAME"`. `exp` and `nbf` are checked if a token
/// has them. A token with a `crit` header is refused.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AuthConfig {
    /// `"HS256"`, `"HS384"`, `"HS512"` with a secret; `"RS…"`, `"PS…"`, `"ES256"`, `"ES384"`,
    /// `"EdDSA"` with a public key.
    #[serde(default = "algorithms", deserialize_with = "one_family")]
    #[schemars(
        with = "Vec<AlgorithmName>",
        transform = schema::one_or_more,
        extend("x-bound" = "all of one family")
    )]
    pub algorithms: Vec<Algorithm>,
    /// The secret, or the public key as PEM. Keep it outside of the file: `"${WATERWAY_SECRET}"`. A
    /// PEM key for `HS…` is a mistake, and `check` warns of a secret under 32 bytes.
    #[schemars(extend("x-bound" = "not empty"))]
    pub secret: Spanned<Secret>,
    /// Places where a token may be: `"query"` (the whole query), `"query:NAME"`, `"header:NAME"`
    /// (with or without `Bearer `), `"subprotocol"`. The first place that holds a token counts; a
    /// value that is not three base64url parts is not a token.
    #[serde(default = "sources", deserialize_with = "one_or_more")]
    #[schemars(transform = schema::one_or_more)]
    pub from: Vec<Source>,
    /// The claim `ip` must be the client's address.
    #[serde(default)]
    pub bind_ip: bool,
    /// The claim `iss` must be this text, or one of this list (RFC 7519, section 4.1.1).
    #[serde(default, deserialize_with = "names")]
    #[schemars(
        inner(length(min = 1)),
        transform = schema::one_or_more,
        extend("x-default" = "any issuer, and tokens without the claim")
    )]
    pub issuer: Vec<String>,
    /// The claim `aud` must be or contain this text, or one of this list (RFC 7519, section 4.1.3).
    #[serde(default, deserialize_with = "names")]
    #[schemars(
        inner(length(min = 1)),
        transform = schema::one_or_more,
        extend("x-default" = "not checked")
    )]
    pub audience: Vec<String>,
    /// How far the issuer's clock may differ: a token is valid this long before its `nbf` and after
    /// its `exp`.
    #[serde(default = "leeway", deserialize_with = "bounded_leeway")]
    #[schemars(extend("x-bound" = format!("{}, whole seconds", schema::at_most(LEEWAY_MAX))))]
    pub leeway: Time,
    /// A WebSocket is closed (3000, `token expired`) when one of its client's tokens expires,
    /// `leeway` included.
    #[serde(default = "close_at_exp")]
    pub close_at_exp: bool,
}

/// The name of an algorithm, as in a token's header (RFC 7518, section 3.1; RFC 8037, section 3.1).
struct AlgorithmName;

schema::text_schemas! {
    AlgorithmName: { "enum": [
        "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256",
        "ES384", "EdDSA"
    ] };
}

/// The shortest secret without a warning, in bytes: a shorter one can be guessed from one token
/// (RFC 7518, section 3.2).
const SECRET_MIN: usize = 32;

impl AuthConfig {
    /// Checks the secret against the algorithms.
    pub(super) fn check(&self, diagnostics: &mut Vec<Diagnostic>, warnings: &mut Vec<Diagnostic>) {
        let by_secret = |algorithm: &Algorithm| {
            matches!(algorithm, Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512)
        };
        if !self.algorithms.iter().all(by_secret) {
            return;
        }
        let (secret, span) = (self.secret.expose(), self.secret.span);
        if secret.contains("-----BEGIN ") {
            let message = "a PEM key is not a secret: anybody who knows it could sign a token";
            let help = "name its algorithms, such as algorithms = \"RS256\"".to_owned();
            diagnostics.push(Diagnostic::new(span, message).help(help));
        } else if secret.len() < SECRET_MIN {
            let message = format!("the secret has {} bytes, and may be guessed", secret.len());
            let help = format!("give it {SECRET_MIN} or more, such as: openssl rand -hex 32");
            warnings.push(Diagnostic::new(span, message).help(help));
        }
    }
}

/// A secret text, which `Debug` does not show.
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
            "" => Err("the secret is empty\nanybody could sign a token with it"),
            _ => Ok(Self(text.to_owned())),
        }
    }
}

text_types! {
    Secret: "text", ".";
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

/// The RFC says "usually no more than a few minutes" (RFC 7519, section 4.1.4).
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
            "an empty name matches no token\nleave the key out to accept any",
        ));
    }
    Ok(names)
}

/// Secrets and public keys must not be mixed: anybody could sign a token with the public key as its
/// secret.
fn one_family<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Algorithm>, D::Error> {
    let algorithms: Vec<Algorithm> = one_or_more(deserializer)?;
    let family = algorithms.first().map(|first| first.family());
    if algorithms.iter().any(|other| Some(other.family()) != family) {
        return Err(D::Error::custom(
            "these algorithms need different kinds of keys\n\
             declare an [auth.NAME] for each kind",
        ));
    }
    Ok(algorithms)
}
