//! Who may connect: JSON Web Tokens (RFC 7519), as the seed program's `verify_auth_token` takes them.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use http::HeaderName;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::error::{Error, code};
use crate::message::Scope;

pub use jsonwebtoken::Algorithm;

/// The rules by which a token is taken, `[auth.NAME]` in `routing.toml`.
#[derive(Clone)]
pub struct Token {
    key: DecodingKey,
    validation: Validation,
    from: Vec<Source>,
    bind_ip: bool,
}

/// Where a client's token stands. The first place that holds one counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The whole query: `/ws/page?<token>`, as the seed program's pages have it.
    Query,
    /// A parameter of the query: `/ws/page?token=<token>`.
    QueryParameter(String),
    /// A header; a leading `Bearer ` is passed over.
    Header(String),
    /// An offered subprotocol that looks like a token, the only place where a browser can put
    /// one beside the address.
    Subprotocol,
}

/// What a token that was taken says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The claims.
    pub claims: Map<String, Value>,
    /// Where it was found.
    pub from: Source,
}

impl Token {
    /// Rules for tokens of these algorithms (`HS256` and the like, all of one family), signed with
    /// this secret, or for RS, PS, ES and `EdDSA` with the key to this public key in PEM.
    ///
    /// # Errors
    /// A text that says which algorithm or key is wrong.
    pub fn new(
        algorithms: &[Algorithm],
        secret: &str,
        from: Vec<Source>,
        bind_ip: bool,
    ) -> Result<Self, String> {
        let first = *algorithms.first().ok_or("at least one algorithm is needed")?;
        if let Some(other) = algorithms.iter().find(|other| other.family() != first.family()) {
            return Err(format!("{first:?} and {other:?} cannot share a key"));
        }
        if secret.is_empty() {
            return Err("the secret is empty: anybody could make tokens".into());
        }
        let mut validation = Validation::new(first);
        validation.algorithms = algorithms.to_vec();
        // As PyJWT checks what is there: `exp` and `nbf` count where a token has them.
        validation.required_spec_claims.clear();
        validation.validate_nbf = true;
        validation.leeway = 0;
        // "On or after" its `exp` a token is not taken (RFC 7519, section 4.1.4); without this, on
        // that second it would be.
        validation.reject_tokens_expiring_in_less_than = 1;
        let key = decoding_key(first, secret)
            .map_err(|error| format!("not a key for {first:?}: {error}"))?;
        Ok(Self { key, validation, from, bind_ip })
    }

    /// Takes the client's token.
    ///
    /// # Errors
    /// What the client is told, in the seed program's words: `token expired`, `ip mismatch` or
    /// `enter correct token`.
    pub fn verify(&self, scope: &Scope) -> Result<Verified, Error> {
        let Some((token, from)) = self.from.iter().find_map(|from| from.find(scope)) else {
            return Err(refusal("enter correct token").because("there is no token"));
        };
        let decoded = decode::<Map<String, Value>>(&token, &self.key, &self.validation);
        let claims = decoded.map_err(|error| match error.kind() {
            ErrorKind::ExpiredSignature => refusal("token expired"),
            _ => refusal("enter correct token").because(error),
        })?;
        let claims = claims.claims;
        if self.bind_ip && !names_address(claims.get("ip"), scope.ip) {
            let claimed = claims.get("ip").cloned().unwrap_or_default();
            return Err(refusal("ip mismatch")
                .because(format!("the token is for {claimed}, the client is at {:?}", scope.ip)));
        }
        Ok(Verified { claims, from: from.clone() })
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("from", &self.from).finish_non_exhaustive()
    }
}

/// Makes a token that [`Token`] with the same secret takes; HS256, HS384 and HS512 alone.
///
/// # Errors
/// A text that says what is wrong with the algorithm.
pub fn sign(
    algorithm: Algorithm,
    secret: &str,
    claims: &Map<String, Value>,
) -> Result<String, String> {
    if !matches!(algorithm, Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512) {
        return Err(format!(
            "tokens for {algorithm:?} are made with the private key, which is not here"
        ));
    }
    encode(&Header::new(algorithm), claims, &EncodingKey::from_secret(secret.as_bytes()))
        .map_err(|error| error.to_string())
}

impl FromStr for Source {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "query" => Ok(Self::Query),
            None if text == "subprotocol" => Ok(Self::Subprotocol),
            Some(("query", name)) if !name.is_empty() => Ok(Self::QueryParameter(name.to_owned())),
            Some(("header", name)) => match name.parse::<HeaderName>() {
                Ok(name) => Ok(Self::Header(name.as_str().to_owned())),
                Err(_) => Err(format!("{name:?} is not the name of a header")),
            },
            _ => Err(format!(
                "{text:?} is no place for a token\nwrite \"query\", \"query:NAME\", \
                 \"header:NAME\" or \"subprotocol\""
            )),
        }
    }
}

impl<'de> Deserialize<'de> for Source {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl Source {
    fn find(&self, scope: &Scope) -> Option<(String, &Self)> {
        let token = match self {
            // Parameters are no token; a token is base64url without padding, so it has no `=`.
            Self::Query => Some(scope.query.as_str())
                .filter(|query| !query.contains(['=', '&']))
                .map(str::to_owned),
            Self::QueryParameter(name) => form_urlencoded::parse(scope.query.as_bytes())
                .find(|(parameter, _)| parameter == name)
                .map(|(_, token)| token.into_owned()),
            Self::Header(name) => scope.header(name).map(|value| {
                let bearer = value.get(..7).filter(|scheme| scheme.eq_ignore_ascii_case("bearer "));
                value[bearer.map_or(0, str::len)..].trim().to_owned()
            }),
            Self::Subprotocol => {
                scope.subprotocols.iter().find(|offered| looks_like_token(offered)).cloned()
            }
        };
        token.filter(|token| !token.is_empty()).map(|token| (token, self))
    }
}

/// Three parts, of which the first begins as every JSON object in base64url does.
pub(crate) fn looks_like_token(text: &str) -> bool {
    text.starts_with("eyJ") && text.split('.').count() == 3
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
mod tests {
    use http::{HeaderMap, HeaderValue};
    use serde_json::{Value, json};

    use super::{Algorithm, Scope, Source, Token, sign};

    fn token(claims: Value) -> String {
        let Value::Object(claims) = claims else { unreachable!("claims are an object") };
        sign(Algorithm::HS256, "secret", &claims).unwrap()
    }

    fn rules(bind_ip: bool) -> Token {
        let from = vec![
            Source::Query,
            Source::QueryParameter("token".into()),
            Source::Header("authorization".into()),
            Source::Subprotocol,
        ];
        Token::new(&[Algorithm::HS256], "secret", from, bind_ip).unwrap()
    }

    fn scope(query: &str) -> Scope {
        Scope { query: query.into(), ip: "10.0.0.7".parse().ok(), ..Scope::default() }
    }

    #[test]
    fn a_token_is_found_wherever_a_client_can_put_it() {
        let token = token(json!({"sub": "anna"}));
        let authorization = HeaderValue::from_str(&format!("bearer {token}")).unwrap();
        let headers: HeaderMap =
            [(http::header::AUTHORIZATION, authorization)].into_iter().collect();
        for scope in [
            scope(&token),
            scope(&format!("page=1&token={token}")),
            Scope { headers, ..scope("page=1") },
            Scope { subprotocols: vec!["pictures".into(), token.clone()], ..scope("") },
        ] {
            assert_eq!(rules(false).verify(&scope).unwrap().claims["sub"], "anna");
        }
    }

    #[test]
    fn a_refusal_is_in_the_seed_programs_words() {
        let other = Token::new(&[Algorithm::HS256], "other", vec![Source::Query], false).unwrap();
        let valid = token(json!({"ip": "10.0.0.7"}));
        for (rules, query, words) in [
            (rules(false), token(json!({"exp": 1})), "token expired"),
            (rules(false), token(json!({"nbf": 99_999_999_999_u64})), "enter correct token"),
            (rules(true), token(json!({"ip": "10.0.0.8"})), "ip mismatch"),
            (rules(true), token(json!({})), "ip mismatch"),
            (rules(false), "a.b.c".into(), "enter correct token"),
            (rules(false), String::new(), "enter correct token"),
            (other, valid.clone(), "enter correct token"),
        ] {
            assert_eq!(rules.verify(&scope(&query)).unwrap_err().message(), words, "{query}");
        }
        assert!(rules(true).verify(&scope(&valid)).is_ok());
    }

    #[test]
    fn an_unsigned_token_is_refused() {
        // {"alg":"none"}.{"sub":"anna"}.
        let unsigned = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbm5hIn0.";
        assert!(rules(false).verify(&scope(unsigned)).is_err());
    }

    #[test]
    fn rules_that_cannot_work_are_refused_with_the_reason() {
        for (algorithms, secret, words) in [
            (&[][..], "s", "at least one"),
            (&[Algorithm::HS256, Algorithm::RS256], "s", "cannot share a key"),
            (&[Algorithm::HS256], "", "the secret is empty"),
            (&[Algorithm::RS256], "not PEM", "not a key for RS256"),
        ] {
            let error = Token::new(algorithms, secret, Vec::new(), false).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
    }
}
