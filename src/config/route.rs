//! `[[route]]`: when this event comes on this path, that consumer.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use http::Method;
use serde::de::{Deserialize, Deserializer, Error, Visitor};

use super::limits::LimitsConfig;
use super::origin::Origins;
use super::template::PathTemplate;
use super::text::{one_or_more, text_types};
use crate::message::Channel;
use crate::reply::Envelope;
use crate::setting::{At, nearest};

/// `[[route]]`: the first that matches a message, in the order of the file, takes it.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouteConfig {
    /// Which events: `"websocket.connect"`, `"websocket.receive"`, `"websocket.disconnect"`,
    /// `"http.request"`, a list of them, or `"websocket.*"`. Required.
    pub channel: At<Channels>,
    /// Which paths, such as `"/ws/{page}"` or `"/upload/{*file}"`. Default: all.
    #[serde(default)]
    pub path: Option<At<PathTemplate>>,
    /// Which methods of `http.request`, such as `"GET"`, or a list. Default: all.
    #[serde(default)]
    pub method: Option<At<Methods>>,
    /// Which messages, by fields of their head: `{ type = "viewport" }`; a list means any of
    /// these. Default: all.
    #[serde(default)]
    pub when: BTreeMap<String, At<AnyOf>>,
    /// The `[auth.NAME]` whose token a client must show to connect, to have its messages handled,
    /// or to be answered over HTTP; `false` asks for none. Default: none, but messages over a
    /// WebSocket need the tokens of every connect route that shares a path with this one.
    #[serde(default)]
    pub auth: Option<At<RouteAuth>>,
    /// Which pages may use the route, in place of `[server] origins`. Belongs to a route of
    /// `websocket.connect` or `http.request`. Default: those of `[server]`.
    #[serde(default)]
    pub origins: Option<At<Origins>>,
    /// The `[queue.NAME]` that the consumer pushes to. Default: none.
    #[serde(default)]
    pub queue: Option<At<String>>,
    /// The consumer: one of the program's own, or a `[consumer.NAME]`. Required.
    pub consumer: At<String>,
    /// Limits of its own, over those of `[limits]`.
    #[serde(default)]
    pub limits: LimitsConfig,
    /// What replies are wrapped in: `"none"`, or `"text"` for `{"text": "<reply>"}`. Belongs to
    /// the route of `websocket.connect`. Default `"none"`.
    #[serde(default)]
    pub envelope: Option<At<Envelope>>,
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

/// One or more kinds of events, each once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channels(Vec<Channel>);

/// One or more methods of HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Methods(Vec<Method>);

/// The values of which a field of a message's head must have one.
#[derive(Clone, Debug, PartialEq)]
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
    /// What its replies are wrapped in.
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

    /// Whether it can take a `websocket.connect`. A route with `when` cannot: `when` looks at
    /// heads, and a connect has no head.
    pub(crate) fn takes_connect(&self) -> bool {
        self.channel.contains(Channel::Connect) && self.when.is_empty()
    }

    /// Whether it takes every path of `other`.
    pub(super) fn covers_paths(&self, other: &Self) -> bool {
        match (&self.path, &other.path) {
            (None, _) => true,
            (Some(path), Some(other)) => path.covers(other),
            (Some(_), None) => false,
        }
    }

    /// Whether both take some path.
    pub(super) fn shares_path(&self, other: &Self) -> bool {
        match (&self.path, &other.path) {
            (Some(path), Some(other)) => path.overlaps(other),
            _ => true,
        }
    }
}

impl Channels {
    /// Whether this is one of them.
    #[must_use]
    pub fn contains(&self, channel: Channel) -> bool {
        self.0.contains(&channel)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = Channel> {
        self.0.iter().copied()
    }
}

impl Methods {
    /// Whether this is one of them.
    #[must_use]
    pub fn contains(&self, method: &Method) -> bool {
        self.0.contains(method)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Method> {
        self.0.iter()
    }
}

impl AnyOf {
    /// Whether a field has one of these values.
    #[must_use]
    pub fn contains(&self, field: &serde_json::Value) -> bool {
        self.0.iter().any(|literal| literal.matches(field))
    }

    /// Whether `wider` contains each of these values.
    pub(super) fn is_within(&self, wider: &Self) -> bool {
        self.0.iter().all(|literal| wider.contains(&literal.to_json()))
    }

    /// All of them.
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

    /// Whether a field has this value: of the same kind and exactly equal, though `1` is `1.0`.
    #[must_use]
    pub fn matches(&self, field: &serde_json::Value) -> bool {
        match self {
            Self::Bool(value) => field.as_bool() == Some(*value),
            Self::Integer(number) => match field.as_i64() {
                Some(field) => field == *number,
                // No number of a fraction's precision is lost that could be equal.
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

/// One name stands for one kind of event, or for the three of a socket.
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
    Named: "a channel such as \"websocket.receive\"";
    Verb: "a method such as \"GET\"";
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
        // Asking for a truth value lets `${NAME:-false}` be one too.
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
