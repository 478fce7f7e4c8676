//! Among whom the workers' time is shared.

use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer};

use crate::message::Scope;

/// Among whom the workers' time is shared equally, and by whom shares are counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum FairBy {
    /// Among connections.
    #[default]
    Connection,
    /// Among client addresses.
    Ip,
    /// Among the values of a claim of the token, such as `sub`; who has none counts by connection.
    Claim(String),
}

impl FairBy {
    /// The flow that a client's tasks belong to.
    pub(super) fn flow(&self, scope: &Scope) -> Arc<str> {
        let named = match self {
            Self::Connection => None,
            Self::Ip => scope.ip.map(|ip| format!("ip {ip}")),
            Self::Claim(name) => {
                let claims = scope.claims.as_ref();
                claims.and_then(|claims| claims.get(name)).map(|claim| format!("claim {claim}"))
            }
        };
        named.map_or_else(|| Arc::clone(&scope.connection), Into::into)
    }
}

impl FromStr for FairBy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "connection" => Ok(Self::Connection),
            None if text == "ip" => Ok(Self::Ip),
            Some(("claim", name)) if !name.is_empty() => Ok(Self::Claim(name.to_owned())),
            _ => Err(format!(
                "nothing can be shared by {text:?}\nwrite \"connection\", \"ip\" or \"claim:NAME\""
            )),
        }
    }
}

impl<'de> Deserialize<'de> for FairBy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
