//! Among whom the workers' time is shared.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::message::{Message, network};
use crate::schedule::{Group, Owner};
use crate::setting::text_schemas;

/// Among whom the workers' time is shared equally, and who counts as one client for
/// `max_tasks.client` and `max_bytes.client`.
///
/// The time is shared in two levels: first among addresses or claims, then among the connections
/// of each. An IPv6 address counts as its /64.
///
/// An address may be that of many people behind one router. So it is a client only where the table
/// says so, with [`Ip`](Self::Ip); otherwise a connection is. A claim names one client, however
/// many connections it opens.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum FairBy {
    /// Among addresses, then among the connections of each. A connection is a client. A client
    /// without an address, over a unix socket without a trusted proxy, shares by its connection.
    #[default]
    Address,
    /// As [`Address`](Self::Address), but an address is one client.
    Ip,
    /// Among the values of a claim of the token, such as `sub`, then among the connections of each.
    /// Such a value is one client. A client whose token lacks the claim shares by its address.
    Claim(String),
    /// Among connections, in one level. A connection is a client.
    Connection,
}

impl FairBy {
    /// The group that a client's tasks belong to.
    pub(super) fn group(&self, message: &Message) -> Group {
        let claimed = match self {
            Self::Claim(name) => message.claims().and_then(|claims| claims.get(name)),
            _ => None,
        };
        let owner = match (self, claimed, message.address()) {
            (Self::Connection, ..) => Owner::Everybody,
            (_, Some(claim), _) => Owner::Claim(claim.to_string().into()),
            (_, None, Some(address)) => Owner::Address(network(address)),
            (_, None, None) => Owner::Connection(Arc::clone(message.connection())),
        };
        Group { owner, is_one_client: claimed.is_some() || *self == Self::Ip }
    }
}

impl fmt::Display for FairBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address => f.write_str("address"),
            Self::Ip => f.write_str("ip"),
            Self::Claim(name) => write!(f, "claim:{name}"),
            Self::Connection => f.write_str("connection"),
        }
    }
}

impl FromStr for FairBy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "address" => Ok(Self::Address),
            None if text == "ip" => Ok(Self::Ip),
            None if text == "connection" => Ok(Self::Connection),
            Some(("claim", name)) if !name.is_empty() => Ok(Self::Claim(name.to_owned())),
            _ => Err(format!(
                "the workers' time cannot be shared by {text:?}\n\
                 write \"address\", \"ip\", \"claim:NAME\" or \"connection\""
            )),
        }
    }
}

text_schemas! {
    FairBy: { "type": "string", "pattern": "^(address|ip|connection|claim:.+)$" };
}

impl Serialize for FairBy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for FairBy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::message::{Cancellation, Content, Scope};
    use crate::reply::{Envelope, OutboxLimits, ReplyChannel};

    /// Two connections, and what they share under a table's `fair_by`.
    #[test]
    fn connections_share_like_one_where_they_have_what_the_table_names_in_common() {
        let message = |connection: &str, ip: &str, sub: &str| {
            let claims = json!({"sub": sub, "other": 1});
            let claims = claims.as_object().filter(|_| !sub.is_empty()).cloned().map(Arc::new);
            let (ip, connection) = (ip.parse().ok(), connection.into());
            let scope = Arc::new(Scope { ip, connection, claims, ..Scope::default() });
            let (reply_channel, _) =
                ReplyChannel::new("test", Envelope::None, OutboxLimits::default());
            Message::new(reply_channel, scope, Content::Connect, Cancellation::default())
        };
        // (fair_by, address and claim of the one, of the other, whether their group is the same,
        // whether it is one client)
        for (fair_by, one, other, same, is_one_client) in [
            ("address", ("10.0.0.1", ""), ("10.0.0.1", "anna"), true, false),
            ("address", ("10.0.0.1", ""), ("10.0.0.2", ""), false, false),
            ("address", ("10.0.0.1", ""), ("::ffff:10.0.0.1", ""), true, false),
            ("address", ("2001:db8::1", ""), ("2001:db8::ffff:0:0:2", ""), true, false),
            ("address", ("2001:db8::1", ""), ("2001:db8:0:1::1", ""), false, false),
            ("address", ("", ""), ("", ""), false, false),
            ("ip", ("10.0.0.1", ""), ("10.0.0.1", ""), true, true),
            ("claim:sub", ("10.0.0.1", "anna"), ("10.0.0.2", "anna"), true, true),
            ("claim:sub", ("10.0.0.1", "anna"), ("10.0.0.1", "bert"), false, true),
            ("claim:sub", ("10.0.0.1", ""), ("10.0.0.1", ""), true, false),
            ("claim:name", ("10.0.0.1", "anna"), ("10.0.0.1", "bert"), true, false),
            ("claim:sub", ("", ""), ("", ""), false, false),
            ("connection", ("10.0.0.1", ""), ("10.0.0.2", ""), true, false),
        ] {
            let fair_by: FairBy = fair_by.parse().unwrap();
            let one_group = fair_by.group(&message("a", one.0, one.1));
            let other_group = fair_by.group(&message("b", other.0, other.1));
            let found = (one_group == other_group, one_group.is_one_client);
            assert_eq!(found, (same, is_one_client), "{fair_by:?} {one:?} {other:?}");
        }
    }
}
