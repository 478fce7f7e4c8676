//! Where a client can put its token: into the query, a header or a subprotocol.

use std::str::FromStr;

use http::HeaderName;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::message::Scope;
use crate::setting::text_schemas;

/// Where a client's token may be. The first source that contains a token counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The whole query: `/ws/page?<token>`, as pages of the Tornado program send it.
    Query,
    /// A parameter of the query: `/ws/page?token=<token>`.
    QueryParameter(String),
    /// A header; a leading `Bearer ` is skipped.
    Header(String),
    /// An offered subprotocol that looks like a token. Besides the address, it is the only place
    /// where a browser can put a token.
    Subprotocol,
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
                "{text:?} is not a place for a token\nwrite \"query\", \"query:NAME\", \
                 \"header:NAME\" or \"subprotocol\""
            )),
        }
    }
}

text_schemas! {
    Source: { "type": "string", "pattern": "^(query|subprotocol|query:.+|header:.+)$" };
}

impl Serialize for Source {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Query => serializer.serialize_str("query"),
            Self::QueryParameter(name) => serializer.collect_str(&format_args!("query:{name}")),
            Self::Header(name) => serializer.collect_str(&format_args!("header:{name}")),
            Self::Subprotocol => serializer.serialize_str("subprotocol"),
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
    /// The token from this source. A value that is not a token is ignored, so that it does not hide
    /// a token in a later source.
    pub(super) fn find(&self, scope: &Scope) -> Option<(String, &Self)> {
        let token = match self {
            Self::Query => {
                Some(&scope.query).filter(|query| is_compact(query)).map(ToString::to_string)
            }
            Self::QueryParameter(name) => form_urlencoded::parse(scope.query.as_bytes())
                .filter(|(parameter, _)| parameter == name)
                .find(|(_, value)| is_compact(value))
                .map(|(_, token)| token.into_owned()),
            Self::Header(name) => {
                let values = scope.headers.get_all(name).iter();
                let tokens = values.filter_map(|value| value.to_str().ok()).map(without_scheme);
                tokens.filter(|token| is_compact(token)).map(str::to_owned).next()
            }
            Self::Subprotocol => {
                scope.subprotocols.iter().find(|offered| looks_like_token(offered)).cloned()
            }
        };
        token.map(|token| (token, self))
    }
}

fn without_scheme(value: &str) -> &str {
    let bearer = value.get(..7).filter(|scheme| scheme.eq_ignore_ascii_case("bearer "));
    value[bearer.map_or(0, str::len)..].trim()
}

/// Whether a text has the compact form: three parts in base64url without padding (RFC 7515, section
/// 7.1).
fn is_compact(text: &str) -> bool {
    let base64url = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let part = |part: &str| !part.is_empty() && part.bytes().all(base64url);
    text.split('.').count() == 3 && text.split('.').all(part)
}

/// Whether an offered subprotocol is a token. The compact form alone is not enough, because other
/// names may have it; a token also begins like every JSON object in base64url.
pub(crate) fn looks_like_token(text: &str) -> bool {
    text.starts_with("eyJ") && is_compact(text)
}
