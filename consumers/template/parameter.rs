//! One parameter of a template: where its value comes from, and which routes can give it.

use std::borrow::Cow;
use std::fmt;

use serde_json::Value;
use waterway::extract::RouteCheck;
use waterway::message::{Channel, Content};
use waterway::setting::nearest;
use waterway::{Error, Message, code};

use super::facts::Facts;

/// `{room}`, `{claims.sub}`, `{query.name:-guest}`, `{head.type}`, `{message.text}`,
/// `{message.json}` or `{group.size}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Parameter {
    source: Source,
    /// The value to use if its own is missing or empty.
    otherwise: Option<String>,
}

/// Where the value of a parameter comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// A parameter of the route's path.
    Path(String),
    /// A claim of the client's token.
    Claims(String),
    /// A parameter of the query.
    Query(String),
    /// A field of the JSON object at the beginning of the message.
    Head(String),
    /// The message as text.
    Text,
    /// The message as JSON.
    Json,
    /// How many members the group has.
    Members,
}

/// Every form of a parameter.
const FORMS: &str = "{part_of_the_path}, {claims.NAME}, {query.NAME}, {head.NAME}, {message.text}, \
                     {message.json}, {group.size}";

impl Parameter {
    /// Whether it is the number of a group's members.
    pub(crate) fn is_group_size(&self) -> bool {
        self.source == Source::Members
    }

    /// Reads the text between the braces.
    ///
    /// # Errors
    /// The mistake, and help in a second line.
    pub(super) fn parse(inner: &str) -> Result<Self, String> {
        let (name, otherwise) = match inner.split_once(":-") {
            Some((name, otherwise)) => (name, Some(otherwise.to_owned())),
            None => (inner, None),
        };
        let unknown = || {
            let sources = ["claims", "query", "head", "message", "group"];
            let source = name.split_once('.').map(|(source, _)| source);
            let near = source.and_then(|source| nearest(source, "sources", sources));
            let near = near.map(|near| format!("{near}; ")).unwrap_or_default();
            format!("{{{name}}} is not a parameter\n{near}the forms are: {FORMS}")
        };
        let source = match name.split_once('.') {
            None if is_name(name) => Source::Path(name.to_owned()),
            Some(("message", "text")) => Source::Text,
            Some(("message", "json")) => Source::Json,
            Some(("group", "size")) => Source::Members,
            Some((_, "")) | None => return Err(unknown()),
            Some(("claims", name)) => Source::Claims(name.to_owned()),
            Some(("query", name)) => Source::Query(name.to_owned()),
            Some(("head", name)) => Source::Head(name.to_owned()),
            Some(_) => return Err(unknown()),
        };
        Ok(Self { source, otherwise })
    }

    /// Where its value comes from.
    pub(crate) fn source(&self) -> &Source {
        &self.source
    }

    /// The value as text: a text as it is, any other value as JSON.
    ///
    /// # Errors
    /// The error for the client, whose message does not have the value.
    pub(super) fn text(&self, facts: Facts<'_>) -> Result<String, Error> {
        Ok(match self.value(facts)? {
            Value::String(text) => text,
            other => other.to_string(),
        })
    }

    /// The value.
    ///
    /// # Errors
    /// As for [`text`](Self::text).
    pub(super) fn value(&self, facts: Facts<'_>) -> Result<Value, Error> {
        match (self.source.value(facts), &self.otherwise) {
            (Ok(Value::String(text)), Some(otherwise)) if text.is_empty() => {
                Ok(otherwise.as_str().into())
            }
            (Ok(Value::Null) | Err(_), Some(otherwise)) => Ok(otherwise.as_str().into()),
            (found, _) => found,
        }
    }

    /// Reports a route that cannot give the value.
    pub(super) fn check(&self, route: &mut RouteCheck<'_>) {
        self.source.check(route, self.otherwise.is_some());
    }
}

/// Reports `{group.size}` in the options of a consumer that knows no group.
pub(crate) fn without_group<'a>(
    parameters: impl IntoIterator<Item = &'a Parameter>,
    route: &mut RouteCheck<'_>,
) {
    if parameters.into_iter().any(|parameter| parameter.source == Source::Members) {
        let message = format!("{} takes {{group.size}}, but it knows no group", route.consumer());
        route.report(message, "only group.join, group.leave and group.send know one");
    }
}

impl Source {
    /// The value of a message.
    ///
    /// # Errors
    /// The error for the client, whose message does not have it.
    pub(crate) fn value(&self, facts: Facts<'_>) -> Result<Value, Error> {
        let Facts { message, members } = facts;
        let found = match self {
            Self::Path(name) => {
                let value = message.params.iter().find(|(known, _)| known == name);
                value.map(|(_, value)| Value::from(value.as_str()))
            }
            Self::Claims(name) => message.claims().and_then(|claims| claims.get(name)).cloned(),
            Self::Query(name) => query(message, name).map(Value::from),
            Self::Head(name) => message.head().and_then(|head| head.get(name)).cloned(),
            Self::Text => return text(message).map(Value::from),
            Self::Json => return json(message),
            Self::Members => members.map(Value::from),
        };
        found.ok_or_else(|| self.missing())
    }

    fn missing(&self) -> Error {
        match self {
            Self::Claims(name) => {
                Error::new(code::AUTH, format!("the token has no claim {name:?}"))
            }
            Self::Query(name) => {
                Error::new(code::BAD_MESSAGE, format!("the query has no {name:?}"))
            }
            Self::Head(name) => Error::new(
                code::BAD_HEADER,
                format!("the message does not begin with a JSON object that has {name:?}"),
            ),
            // The routes have been checked.
            _ => Error::failed(format!("{self} has no value here")),
        }
    }

    /// Reports a route that cannot give the value. `is_optional` says that the value may be missing.
    pub(crate) fn check(&self, route: &mut RouteCheck<'_>, is_optional: bool) {
        let consumer = route.consumer().clone();
        match self {
            Self::Path(name) => {
                let Some(known) = route.parameters() else { return };
                if !known.contains(name) {
                    let message =
                        format!("{consumer} takes {self}, which the path of this route lacks");
                    let known = known.iter().map(String::as_str);
                    let help = nearest(name, "parts of the path", known);
                    let write = format!("write a path with it, such as path = \"/…/{self}\"");
                    route.report(message, help.unwrap_or(write));
                }
            }
            Self::Claims(_) if !is_optional && route.has_token() == Some(false) => {
                let message = format!("{consumer} takes {self}, but this route asks for no token");
                let help = if route.channels() == [Channel::Disconnect] {
                    "write auth = \"NAME\" into the connect route of this path"
                } else {
                    "write auth = \"NAME\" into the route, and [auth.NAME] into the table"
                };
                route.report(message, help);
            }
            Self::Head(_) | Self::Text | Self::Json if !is_optional => {
                let without = [Channel::Connect, Channel::Disconnect];
                let without = without.iter().find(|channel| route.channels().contains(channel));
                if let Some(channel) = without {
                    let message = format!("{consumer} takes {self}, and {channel} has no content");
                    route.report(message, "take it from the path, the claims or the query");
                }
            }
            _ => {}
        }
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|char| char.is_alphanumeric() || char == '_')
}

fn query(message: &Message, name: &str) -> Option<String> {
    let mut pairs = form_urlencoded::parse(message.query().as_bytes());
    pairs.find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
}

/// The content of a message as text.
fn text(message: &Message) -> Result<Cow<'_, str>, Error> {
    let bytes = bytes(message)?;
    let text = std::str::from_utf8(bytes)
        .map_err(|_| Error::new(code::BAD_MESSAGE, "the consumer expects text, not bytes"))?;
    let is_text =
        !matches!(&message.content, Content::Receive(payload) if payload.as_text().is_none());
    if is_text {
        Ok(text.into())
    } else {
        Err(Error::new(code::BAD_MESSAGE, "the consumer expects text, not bytes"))
    }
}

fn json(message: &Message) -> Result<Value, Error> {
    serde_json::from_slice(bytes(message)?)
        .map_err(|error| Error::new(code::BAD_MESSAGE, format!("the message is not JSON: {error}")))
}

fn bytes(message: &Message) -> Result<&[u8], Error> {
    match &message.content {
        Content::Receive(payload) => Ok(payload.as_bytes()),
        Content::Request { body, .. } => Ok(body),
        Content::Connect | Content::Disconnect(_) => {
            Err(Error::new(code::BAD_MESSAGE, "the event has no content"))
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(name) => write!(f, "{{{name}}}"),
            Self::Claims(name) => write!(f, "{{claims.{name}}}"),
            Self::Query(name) => write!(f, "{{query.{name}}}"),
            Self::Head(name) => write!(f, "{{head.{name}}}"),
            Self::Text => f.write_str("{message.text}"),
            Self::Json => f.write_str("{message.json}"),
            Self::Members => f.write_str("{group.size}"),
        }
    }
}

/// The parameter as it is written.
impl fmt::Display for Parameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(otherwise) = &self.otherwise else { return self.source.fmt(f) };
        let source = self.source.to_string();
        write!(f, "{}:-{otherwise}}}", source.trim_end_matches('}'))
    }
}
