//! `[[route]]`: which events on which path go to which consumer.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use http::Method;
use schemars::JsonSchema;
use serde::de::{Deserialize, Deserializer, Error, Visitor};

use super::consumer_names::ConsumerNames;
use super::limits::LimitsConfig;
use super::origin::Origins;
use super::template::PathTemplate;
use super::text::{TextVisitor, one_or_more, text_types};
use crate::message::Channel;
use crate::reply::Envelope;
use crate::setting::{Spanned, nearest, schema};

/// A route sends an event on a path to a consumer. The first route that matches, in the order of the
/// file, takes the message.
///
/// If no route matches an event: a connection is accepted, a message and a disconnect are dropped. A
/// path without any `websocket.*` route gets 404 before the upgrade.
#[derive(Clone, Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RouteConfig {
    /// `"websocket.connect"`, `"websocket.receive"`, `"websocket.disconnect"`, `"http.request"`, a
    /// list of these, or `"websocket.*"` for the first three.
    pub channel: Spanned<Channels>,
    /// A template such as `/ws/{page}`. `{name}` is one segment that is not empty; `{*rest}`, at the
    /// end, is everything that follows, at least one character; `{*rest?}` may be empty too. Segments
    /// are percent-decoded, and a slash at the end counts.
    #[serde(default)]
    #[schemars(extend("x-default" = "every path"))]
    pub path: Option<Spanned<PathTemplate>>,
    /// For `http.request`: `"GET"`, or a list.
    #[serde(default)]
    #[schemars(extend("x-default" = "every method"))]
    pub method: Option<Spanned<Methods>>,
    /// For messages and bodies: fields of the JSON object that they begin with, such as
    /// `{ type = "viewport" }`; a list means any of these values. Only the first 4 KiB are looked at.
    #[serde(default)]
    #[schemars(extend("x-default" = "every message"))]
    pub when: BTreeMap<String, Spanned<AnyOf>>,
    /// The `[auth.NAME]` whose token a client must show: to connect, before its messages are handled,
    /// or to be answered over HTTP. `false` asks for none. A route of `websocket.disconnect` alone
    /// cannot have it.
    #[serde(default)]
    #[schemars(extend("x-default" = "for messages, the tokens of every connect route that shares a \
        path with this one; otherwise none"))]
    pub auth: Option<Spanned<RouteAuth>>,
    /// The route's own list in place of that of `[server]`; only in a route of `websocket.connect` or
    /// `http.request`. If several routes may take a request, depending on `when`, each of them must
    /// allow the page.
    #[serde(default)]
    #[schemars(extend("x-default" = "those of `[server]`"))]
    pub origins: Option<Spanned<Origins>>,
    /// The `[queue.NAME]` that the consumer pushes to.
    #[serde(default)]
    #[schemars(extend("x-default" = "none"))]
    pub queue: Option<Spanned<String>>,
    /// One of the program's consumers, or a `[consumer.NAME]`; or a list of them. The consumers of a
    /// list are called one after the other, until one fails, refuses, closes, or responds to a
    /// request: see [compose.md](compose.md#several-consumers-in-a-row).
    pub consumer: Spanned<ConsumerNames>,
    /// The route's own limits.
    #[serde(default)]
    #[schemars(extend("x-default" = "those of `[limits]`"))]
    pub limits: LimitsConfig,
    /// How texts to the client are wrapped; only in a route of `websocket.connect`.
    #[serde(default)]
    #[schemars(extend("default" = Envelope::default()))]
    pub envelope: Option<Spanned<Envelope>>,
    /// Keys that had a mistake. Later checks do not report them as missing.
    #[serde(skip)]
    pub(crate) lost: Vec<String>,
}

/// A route's `auth`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RouteAuth {
    /// `false`: the route asks for no token.
    Open,
    /// The name of an `[auth.NAME]`.
    Token(String),
}

/// One or more kinds of events, without repetition.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema)]
#[schemars(transform = schema::one_or_more)]
pub struct Channels(#[schemars(with = "Vec<Named>")] Vec<Channel>);

/// One or more HTTP methods.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema)]
#[schemars(transform = schema::one_or_more)]
pub struct Methods(#[schemars(with = "Vec<Verb>")] Vec<Method>);

/// Values for a field of a message's head; the field must equal one of them.
#[derive(Clone, Debug, PartialEq, JsonSchema)]
#[schemars(transform = schema::one_or_more)]
pub struct AnyOf(Vec<Literal>);

/// A value that a field can be compared with.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// Another number.
    Float(f64),
    /// A text.
    Text(String),
}

impl RouteConfig {
    /// How the route's replies are wrapped.
    #[must_use]
    pub fn envelope(&self) -> Envelope {
        self.envelope.map(|envelope| envelope.value).unwrap_or_default()
    }

    /// The `[auth.NAME]` that the route itself names.
    #[must_use]
    pub fn token(&self) -> Option<&str> {
        match &self.auth.as_ref()?.value {
            RouteAuth::Open => None,
            RouteAuth::Token(name) => Some(name),
        }
    }

    /// Whether it can take a `websocket.connect`. A route with `when` cannot, because a connect
    /// does not have the head that `when` looks at.
    pub(crate) fn takes_connect(&self) -> bool {
        self.channel.contains(Channel::Connect) && self.when.is_empty()
    }

    /// Whether its path template matches every path that `other` matches.
    pub(super) fn covers_paths(&self, other: &Self) -> bool {
        match (&self.path, &other.path) {
            (None, _) => true,
            (Some(path), Some(other)) => path.covers(other),
            (Some(_), None) => false,
        }
    }

    /// Whether some path matches both routes.
    pub(super) fn shares_path(&self, other: &Self) -> bool {
        match (&self.path, &other.path) {
            (Some(path), Some(other)) => path.overlaps(other),
            _ => true,
        }
    }
}

impl Channels {
    /// Whether it contains this channel.
    #[must_use]
    pub fn contains(&self, channel: Channel) -> bool {
        self.0.contains(&channel)
    }

    /// All channels.
    pub fn iter(&self) -> impl Iterator<Item = Channel> {
        self.0.iter().copied()
    }
}

impl Methods {
    /// Whether it contains this method.
    #[must_use]
    pub fn contains(&self, method: &Method) -> bool {
        self.0.contains(method)
    }

    /// All methods.
    pub fn iter(&self) -> impl Iterator<Item = &Method> {
        self.0.iter()
    }
}

impl AnyOf {
    /// Whether a field equals one of these values.
    #[must_use]
    pub fn contains(&self, field: &serde_json::Value) -> bool {
        self.0.iter().any(|literal| literal.matches(field))
    }

    /// Whether a field with this value equals one of these values.
    pub(super) fn has(&self, value: &Literal) -> bool {
        self.contains(&value.to_json())
    }

    /// All values.
    pub fn iter(&self) -> impl Iterator<Item = &Literal> {
        self.0.iter()
    }
}

impl Literal {
    fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Bool(value) => (*value).into(),
            Self::Integer(number) => (*number).into(),
            Self::Float(number) => (*number).into(),
            Self::Text(text) => text.as_str().into(),
        }
    }

    /// Whether a field has this value: the same kind and exactly equal, except that `1` equals
    /// `1.0`.
    #[must_use]
    pub fn matches(&self, field: &serde_json::Value) -> bool {
        match self {
            Self::Bool(value) => field.as_bool() == Some(*value),
            Self::Integer(number) => match field.as_i64() {
                Some(field) => field == *number,
                // The field is an `f64`, which cannot tell apart integers that round to the same
                // `f64`.
                #[expect(clippy::cast_precision_loss)]
                None => field.as_f64() == Some(*number as f64),
            },
            Self::Float(number) => field.as_f64() == Some(*number),
            Self::Text(text) => field.as_str() == Some(text),
        }
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => value.fmt(f),
            Self::Integer(number) => number.fmt(f),
            Self::Float(number) => number.fmt(f),
            Self::Text(text) => write!(f, "{text:?}"),
        }
    }
}

/// One name means one kind of event, or the three of a WebSocket.
struct Named(Vec<Channel>);

impl FromStr for Named {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "websocket.*" {
            return Ok(Self(vec![Channel::Connect, Channel::Receive, Channel::Disconnect]));
        }
        let found = Channel::ALL.into_iter().find(|channel| channel.name() == text);
        found.map(|channel| Self(vec![channel])).ok_or_else(|| {
            let names = Channel::ALL.iter().map(|channel| channel.name()).chain(["websocket.*"]);
            let help = nearest(text, "channels", names).unwrap_or_default();
            format!("unknown channel {text:?}\n{help}")
        })
    }
}

struct Verb(Method);

impl FromStr for Verb {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let upper = text.to_ascii_uppercase();
        match text.parse() {
            Ok(method) if text == upper => Ok(Self(method)),
            Ok(_) => Err(format!("methods are written in capitals\nwrite \"{upper}\"")),
            Err(_) => Err(format!("{text:?} is not a method\nwrite \"GET\", \"POST\" or the like")),
        }
    }
}

text_types! {
    Verb: "a method such as \"GET\"", "^[^a-z]+$";
}

impl<'de> Deserialize<'de> for Named {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor::new("a channel such as \"websocket.receive\""))
    }
}

schema::text_schemas! {
    Named: { "enum": [
        Channel::Connect.name(), Channel::Receive.name(), Channel::Disconnect.name(),
        Channel::Request.name(), "websocket.*"
    ] };
    RouteAuth: { "anyOf": [{ "type": "string" }, { "const": false }] };
    Literal: { "type": ["string", "integer", "number", "boolean"] };
}

impl<'de> Deserialize<'de> for Channels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let named: Vec<Named> = one_or_more(deserializer)?;
        let mut channels: Vec<Channel> = named.into_iter().flat_map(|named| named.0).collect();
        channels.sort_unstable();
        channels.dedup();
        Ok(Self(channels))
    }
}

impl<'de> Deserialize<'de> for Methods {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let verbs: Vec<Verb> = one_or_more(deserializer)?;
        Ok(Self(verbs.into_iter().map(|verb| verb.0).collect()))
    }
}

impl<'de> Deserialize<'de> for RouteAuth {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // As it asks for a truth value, `${NAME:-false}` can be one too.
        deserializer.deserialize_bool(RouteAuthVisitor)
    }
}

struct RouteAuthVisitor;

impl Visitor<'_> for RouteAuthVisitor {
    type Value = RouteAuth;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of an [auth.NAME], or false")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<RouteAuth, E> {
        if value {
            return Err(E::custom("true names no token\nwrite the NAME of an [auth.NAME]"));
        }
        Ok(RouteAuth::Open)
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<RouteAuth, E> {
        Ok(RouteAuth::Token(name.to_owned()))
    }
}

impl<'de> Deserialize<'de> for AnyOf {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        one_or_more(deserializer).map(Self)
    }
}

impl<'de> Deserialize<'de> for Literal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LiteralVisitor)
    }
}

struct LiteralVisitor;

impl Visitor<'_> for LiteralVisitor {
    type Value = Literal;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text, a number, true or false")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Literal, E> {
        Ok(Literal::Bool(value))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Literal, E> {
        Ok(Literal::Integer(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Literal, E> {
        i64::try_from(number).map(Literal::Integer).map_err(E::custom)
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Literal, E> {
        Ok(Literal::Float(number))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Literal, E> {
        Ok(Literal::Text(text.to_owned()))
    }
}
