//! `require`: lets a client pass only if its token, its path, its query or its message fits.

use std::collections::BTreeMap;

use http::StatusCode;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use serde_json::Value;
use waterway::extract::RouteCheck;
use waterway::message::Content;
use waterway::{Error, Message, Reply, code};

use crate::deny::status;
use crate::head::OneOrMore;
use crate::template::{Facts, Source, Template, Templated, Templates, without_group};

/// Conditions for clients: tables of names and values. A value is required as it is; of a list, one must
/// fit; `"*"` fits any. Texts may have parameters. All conditions must hold, and there must be at least
/// one.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Require {
    /// Claims of the client's token: `{ role = ["editor", "admin"] }`. A claim that is a list must
    /// have one of the values.
    #[schemars(extend("x-default" = "none"))]
    pub claims: BTreeMap<String, Wanted>,
    /// Parts of the path: `{ user = "{claims.sub}" }`.
    #[schemars(extend("x-default" = "none"))]
    pub path: BTreeMap<String, Wanted>,
    /// Parameters of the query.
    #[schemars(extend("x-default" = "none"))]
    pub query: BTreeMap<String, Wanted>,
    /// Fields of the JSON object at the beginning of the message.
    #[schemars(extend("x-default" = "none"))]
    pub head: BTreeMap<String, Wanted>,
    /// HTTP status for a client that may not connect or request.
    #[serde(deserialize_with = "status")]
    #[schemars(with = "u16", range(min = 400, max = 599), extend("default" = 403))]
    pub status: StatusCode,
}

impl Default for Require {
    fn default() -> Self {
        let [claims, path, query, head] = [const { BTreeMap::new() }; 4];
        Self { claims, path, query, head, status: StatusCode::FORBIDDEN }
    }
}

/// The values of which one is required: a value, a list of them, or `"*"` for any. Texts may have
/// parameters.
#[derive(Debug, Clone, JsonSchema)]
pub struct Wanted(#[schemars(with = "OneOrMore<Literal>")] Vec<OneOf>);

/// A value as it is written.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[allow(dead_code, reason = "only for the schema")]
enum Literal {
    Bool(bool),
    Number(f64),
    Text(String),
}

#[derive(Debug, Clone)]
enum OneOf {
    Any,
    Fixed(Value),
    Text(Template),
}

/// Does nothing for a client that fits, so that the next consumer of the route is called. It refuses
/// any other client's handshake or request with the status, and answers its message with the error
/// `forbidden`; the connection stays open.
///
/// # Errors
/// `forbidden`.
pub async fn require(
    Templated(options): Templated<Require>,
    message: Message,
) -> Result<Reply, Error> {
    let Some(lacked) = options.lacked(&message) else { return Ok(Reply::default()) };
    tracing::info!(path = message.path(), channel = %message.channel(), %lacked, "client refused");
    let error = Error::new(code::FORBIDDEN, "this client may not do this");
    match message.content {
        Content::Connect => Ok(Reply::deny(options.status)),
        Content::Request { .. } => Ok(Reply::error(&error).with_status(options.status)),
        Content::Receive(_) | Content::Disconnect(_) => Err(error),
    }
}

impl Require {
    fn conditions(&self) -> impl Iterator<Item = (Source, &Wanted)> {
        let of = |source: fn(String) -> Source| {
            move |(name, wanted): (&String, _)| (source(name.clone()), wanted)
        };
        let claims = self.claims.iter().map(of(Source::Claims));
        let path = self.path.iter().map(of(Source::Path));
        let query = self.query.iter().map(of(Source::Query));
        let head = self.head.iter().map(of(Source::Head));
        claims.chain(path).chain(query).chain(head)
    }

    /// The first condition that the message does not fulfil.
    fn lacked(&self, message: &Message) -> Option<Source> {
        let facts = Facts::from(message);
        let holds = |(source, wanted): &(Source, &Wanted)| {
            source.value(facts).is_ok_and(|value| wanted.contains(&value, facts))
        };
        self.conditions().find(|condition| !holds(condition)).map(|(source, _)| source)
    }
}

impl Wanted {
    /// Whether the value, or one of a list of values, is wanted.
    fn contains(&self, found: &Value, facts: Facts<'_>) -> bool {
        match found {
            Value::Null => false,
            Value::Array(list) => list.iter().any(|item| self.contains_one(item, facts)),
            found => self.contains_one(found, facts),
        }
    }

    fn contains_one(&self, found: &Value, facts: Facts<'_>) -> bool {
        self.0.iter().any(|wanted| match wanted {
            OneOf::Any => true,
            OneOf::Fixed(value) => is_equal(found, value),
            OneOf::Text(template) => {
                template.fill_value(facts).is_ok_and(|value| is_equal(found, &value))
            }
        })
    }

    fn templates(&self) -> impl Iterator<Item = &Template> {
        self.0.iter().filter_map(|wanted| match wanted {
            OneOf::Text(template) => Some(template),
            OneOf::Any | OneOf::Fixed(_) => None,
        })
    }
}

/// Parts of a path and of a query are texts, so a number equals its text.
fn is_equal(found: &Value, wanted: &Value) -> bool {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    !wanted.is_null() && (found == wanted || text(found) == text(wanted))
}

impl Templates for Require {
    fn check(&self, route: &mut RouteCheck<'_>) {
        let mut is_empty = true;
        for (source, wanted) in self.conditions() {
            is_empty = false;
            source.check(route, false);
            for template in wanted.templates() {
                template.check(route);
                without_group(template.parameters(), route);
            }
        }
        if is_empty {
            let message = format!("{} requires nothing", route.consumer());
            route.report(
                message,
                "write claims, path, query or head: claims = { role = \"admin\" }",
            );
        }
    }
}

impl<'de> Deserialize<'de> for Wanted {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let one = |value: Value| match value {
            Value::String(text) if text == "*" => Ok(OneOf::Any),
            Value::String(text) => text.parse().map(OneOf::Text).map_err(D::Error::custom),
            value @ (Value::Bool(_) | Value::Number(_)) => Ok(OneOf::Fixed(value)),
            _ => Err(D::Error::custom(
                "a condition is a text, a number, true, false, or a list of them\nwrite \"*\" for any value",
            )),
        };
        let values = match Value::deserialize(deserializer)? {
            Value::Array(values) => values,
            value => vec![value],
        };
        if values.is_empty() {
            return Err(D::Error::custom("an empty list fits no client\nwrite at least one value"));
        }
        values.into_iter().map(one).collect::<Result<_, _>>().map(Self)
    }
}
