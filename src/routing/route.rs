//! One route: which events, paths and heads go to which consumer.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::Method;

use crate::auth::Token;
use crate::config::{AnyOf, Limits, LimitsConfig, Origin, PathTemplate};
use crate::consumer::Checked;
use crate::message::{Channel, Content, Message};
use crate::reply::Envelope;

/// A token with the name of its `[auth.NAME]`.
#[derive(Debug, Clone)]
pub(crate) struct Named {
    pub(crate) name: Arc<str>,
    pub(crate) token: Arc<Token>,
}

/// One route of the table, as used.
#[derive(Debug)]
pub(crate) struct Route {
    pub(super) index: usize,
    /// Where it is written: `routing.toml:31:1`.
    pub(super) span: String,
    pub(super) channels: Vec<Channel>,
    pub(super) path: Option<PathTemplate>,
    pub(super) methods: Vec<Method>,
    pub(super) when: BTreeMap<String, AnyOf>,
    /// The token that the route itself names.
    pub(super) auth: Option<Named>,
    /// The tokens that its messages need: its own, or those of connect routes.
    pub(super) demands: Vec<Named>,
    /// Whether it is open to clients without a token, by `auth = false`.
    pub(super) open: bool,
    /// The pages that may use it: its own origins, or those of `[server]`.
    pub(super) origins: Arc<[Origin]>,
    pub(super) has_own_origins: bool,
    pub(super) queue: Option<String>,
    pub(super) consumer: Checked,
    /// The program's consumer behind the name in the table.
    pub(super) uses: String,
    /// The limits that the route itself sets.
    pub(super) own_limits: LimitsConfig,
    pub(super) limits: Limits,
    pub(super) envelope: Envelope,
}

impl Route {
    /// Its index among the routes.
    pub(crate) fn index(&self) -> usize {
        self.index
    }

    /// The consumer of its messages.
    pub(crate) fn consumer(&self) -> &Checked {
        &self.consumer
    }

    /// The queue that its consumer pushes to.
    pub(crate) fn queue(&self) -> Option<&str> {
        self.queue.as_deref()
    }

    /// The limits of its messages.
    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The token that the route itself names.
    pub(crate) fn auth(&self) -> Option<&Named> {
        self.auth.as_ref()
    }

    /// The token that a client needs to connect, or to be answered over HTTP.
    pub(crate) fn token(&self) -> Option<&Arc<Token>> {
        self.auth.as_ref().map(|named| &named.token)
    }

    /// The tokens that a client needs before a message of its WebSocket is handled.
    pub(crate) fn demands(&self) -> impl Iterator<Item = &Arc<Token>> {
        self.demands.iter().map(|named| &named.token)
    }

    /// The pages that may connect, or send requests that change something.
    pub(crate) fn origins(&self) -> &[Origin] {
        &self.origins
    }

    /// Whether it takes the same messages of a WebSocket as a route of another table.
    pub(crate) fn takes_same(&self, other: &Self) -> bool {
        let both_receive = [self, other].iter().all(|route| route.takes(Channel::Receive));
        both_receive && self.path == other.path && self.when == other.when
    }

    pub(super) fn takes(&self, channel: Channel) -> bool {
        self.channels.contains(&channel)
    }

    /// A route that looks at heads does not take a connect, which does not have a head.
    pub(super) fn takes_connect(&self) -> bool {
        self.takes(Channel::Connect) && self.when.is_empty()
    }

    /// A route for GET also takes HEAD, which is the same without the body (RFC 9110, section
    /// 9.3.2).
    pub(super) fn takes_method(&self, method: &Method) -> bool {
        let asked = if *method == Method::HEAD { &Method::GET } else { method };
        self.methods.is_empty() || self.methods.contains(method) || self.methods.contains(asked)
    }

    /// Whether the route takes the message; its path is known to match.
    pub(super) fn matches(&self, message: &Message) -> bool {
        let method = match &message.content {
            Content::Request { method, .. } => self.takes_method(method),
            _ => true,
        };
        method && self.takes(message.channel()) && self.matches_head(message)
    }

    fn matches_head(&self, message: &Message) -> bool {
        self.when.iter().all(|(field, values)| {
            message
                .head()
                .and_then(|head| head.get(field))
                .is_some_and(|value| values.contains(value))
        })
    }
}
