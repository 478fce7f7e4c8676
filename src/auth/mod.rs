//! JSON Web Tokens (RFC 7519), which decide which clients are admitted. They are verified by the
//! same rules as in the Tornado program's `verify_auth_token`.

mod source;

use std::fmt;
use std::net::IpAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde_json::{Map, Value};

use crate::error::{Error, code};
use crate::message::Scope;

pub use jsonwebtoken::Algorithm;
pub use source::Source;
pub(crate) use source::looks_like_token;

/// The rules by which a token is accepted, `[auth.NAME]` in `routing.toml`.
#[derive(Clone)]
pub struct Token {
    key: DecodingKey,
    validation: Validation,
    from: Vec<Source>,
    bind_ip: bool,
    close_at_exp: bool,
}

/// The contents of an accepted token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The claims.
    pub claims: Map<String, Value>,
    /// Where it was found.
    pub from: Source,
    /// How long the client may stay connected: until the token expires, plus
    /// [`leeway`](Token::leeway). `None` if the token does not expire, or if connections may
    /// outlive it.
    pub expires_in: Option<Duration>,
}

impl Token {
    /// Rules for tokens of these algorithms, all of one family. `secret` is the shared secret for
    /// HS256, HS384 and HS512, and the public key in PEM for RS, PS, ES and `EdDSA`.
    ///
    /// By default, issuer and audience are not checked, both clocks are assumed to agree, a token
    /// may be used from any address, and connections outlive it; the methods below change that.
    ///
    /// # Errors
    /// A text that names the wrong algorithm or key.
    pub fn new(algorithms: &[Algorithm], secret: &str, from: Vec<Source>) -> Result<Self, String> {
        let first = *algorithms.first().ok_or("at least one algorithm is needed")?;
        if let Some(other) = algorithms.iter().find(|other| other.family() != first.family()) {
            return Err(format!("{first:?} and {other:?} cannot share a key"));
        }
        if secret.is_empty() {
            return Err("the secret is empty: anybody could make tokens".into());
        }
        let mut validation = Validation::new(first);
        validation.algorithms = algorithms.to_vec();
        // As in PyJWT, `exp` and `nbf` are checked if the token has them.
        validation.required_spec_claims.clear();
        validation.validate_nbf = true;
        validation.validate_aud = false;
        validation.leeway = 0;
        // A token is rejected "on or after" its `exp` (RFC 7519, section 4.1.4). Without this, it
        // would still be accepted during that second.
        validation.reject_tokens_expiring_in_less_than = 1;
        let key = decoding_key(first, secret).map_err(|error| {
            format!("the secret is not a public key in PEM for {first:?}: {error}")
        })?;
        Ok(Self { key, validation, from, bind_ip: false, close_at_exp: false })
    }

    /// Accepts only tokens whose claim `iss` is in this list (RFC 7519, section 4.1.1). An empty
    /// list accepts every issuer, and tokens without the claim.
    #[must_use]
    pub fn issuer(mut self, names: &[String]) -> Self {
        if !names.is_empty() {
            self.validation.set_issuer(names);
            self.validation.required_spec_claims.insert("iss".to_owned());
        }
        self
    }

    /// Accepts only tokens whose claim `aud` names one of these audiences (RFC 7519, section
    /// 4.1.3). An empty list accepts every audience, and tokens without the claim.
    #[must_use]
    pub fn audience(mut self, names: &[String]) -> Self {
        if !names.is_empty() {
            self.validation.validate_aud = true;
            self.validation.set_audience(names);
            self.validation.required_spec_claims.insert("aud".to_owned());
        }
        self
    }

    /// How far the clock of a token's issuer may differ from this one's, in whole seconds: a token
    /// is accepted this long before its `nbf` and after its `exp`.
    #[must_use]
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.validation.leeway = leeway.as_secs();
        self
    }

    /// Whether the claim `ip` must be the client's address.
    #[must_use]
    pub fn bind_ip(mut self, bind: bool) -> Self {
        self.bind_ip = bind;
        self
    }

    /// Whether a connection is closed when its token expires.
    #[must_use]
    pub fn close_at_exp(mut self, close: bool) -> Self {
        self.close_at_exp = close;
        self
    }

    /// The token that a client shows, right or wrong.
    pub(crate) fn shown(&self, scope: &Scope) -> Option<String> {
        self.from.iter().find_map(|from| from.find(scope)).map(|(token, _)| token)
    }

    /// Finds and verifies the client's token.
    ///
    /// # Errors
    /// An error for the client, in the Tornado program's words: `token expired`, `ip mismatch` or
    /// `enter correct token`.
    pub fn verify(&self, scope: &Scope) -> Result<Verified, Error> {
        let Some((token, from)) = self.from.iter().find_map(|from| from.find(scope)) else {
            return Err(refusal("enter correct token").because("there is no token"));
        };
        let (claims, expires_in) = self.accept(&token, scope)?;
        Ok(Verified { claims, from: from.clone(), expires_in })
    }

    /// Verifies a token of this client, wherever it was found; returns its claims, and how long the
    /// client may stay connected.
    ///
    /// # Errors
    /// As [`verify`](Self::verify).
    pub(crate) fn accept(
        &self,
        token: &str,
        scope: &Scope,
    ) -> Result<(Map<String, Value>, Option<Duration>), Error> {
        let decoded = decode::<Map<String, Value>>(token, &self.key, &self.validation);
        let token = decoded.map_err(|error| match error.kind() {
            ErrorKind::ExpiredSignature => refusal("token expired"),
            ErrorKind::InvalidSignature => refusal("enter correct token")
                .because("the token's signature does not fit the secret"),
            ErrorKind::InvalidToken => refusal("enter correct token")
                .because("it is not a JSON Web Token, which has two dots"),
            _ => refusal("enter correct token").because(error),
        })?;
        // `crit` names extensions that the receiver must understand (RFC 7515, section 4.1.11);
        // this service understands none.
        if let Some(critical) = token.header.crit {
            let unknown = format!("the token's header \"crit\" demands {critical:?}");
            return Err(refusal("enter correct token").because(unknown));
        }
        let claims = token.claims;
        if self.bind_ip && !names_address(claims.get("ip"), scope.ip) {
            let claimed = claims.get("ip").cloned().unwrap_or_default();
            return Err(refusal("ip mismatch")
                .because(format!("the token is for {claimed}, the client is at {:?}", scope.ip)));
        }
        let expires_in = self.expires_in(&claims);
        Ok((claims, expires_in))
    }

    fn expires_in(&self, claims: &Map<String, Value>) -> Option<Duration> {
        let exp = claims.get("exp").filter(|_| self.close_at_exp)?.as_f64()?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let leeway = Duration::from_secs(self.validation.leeway);
        // Rounds a fraction like the verification does.
        let left = exp.round() + leeway.as_secs_f64() - now.as_secs_f64();
        // A token whose end is too far away for a `Duration` is treated as one that never expires.
        Duration::try_from_secs_f64(left.max(0.0)).ok()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("from", &self.from).finish_non_exhaustive()
    }
}

/// Makes a token that [`Token`] with the same secret accepts; only for HS256, HS384 and HS512.
///
/// # Errors
/// A text that explains the wrong algorithm.
pub fn sign(
    algorithm: Algorithm,
    secret: &str,
    claims: &Map<String, Value>,
) -> Result<String, String> {
    if !matches!(algorithm, Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512) {
        return Err(format!(
            "tokens for {algorithm:?} are made with the private key, which the service does not have"
        ));
    }
    encode(&Header::new(algorithm), claims, &EncodingKey::from_secret(secret.as_bytes()))
        .map_err(|error| error.to_string())
}

fn names_address(claim: Option<&Value>, address: Option<IpAddr>) -> bool {
    let claimed = claim.and_then(Value::as_str).and_then(|ip| ip.parse::<IpAddr>().ok());
    matches!((claimed, address), (Some(a), Some(b)) if a.to_canonical() == b.to_canonical())
}

fn refusal(message: &'static str) -> Error {
    Error::new(code::AUTH, message)
}

fn decoding_key(
    algorithm: Algorithm,
    secret: &str,
) -> Result<DecodingKey, jsonwebtoken::errors::Error> {
    let bytes = secret.as_bytes();
    match algorithm {
        Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512 => {
            Ok(DecodingKey::from_secret(bytes))
        }
        Algorithm::ES256 | Algorithm::ES384 => DecodingKey::from_ec_pem(bytes),
        Algorithm::EdDSA => DecodingKey::from_ed_pem(bytes),
        _ => DecodingKey::from_rsa_pem(bytes),
    }
}

#[cfg(test)]
mod tests;
