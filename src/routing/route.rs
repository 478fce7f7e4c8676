//! One route: when this event comes on this path, with this head, that consumer.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::Method;

use crate::auth::Token;
use crate::config::{AnyOf, Limits, LimitsConfig, Origin, PathTemplate};
use crate::consumer::Bound;
use crate::message::{Channel, Content, Message};
use crate::reply::Envelope;

/// A token by the name of its `[auth.NAME]`.
#[derive(Debug, Clone)]
pub(crate) struct Named {
    pub(super) name: String,
    pub(super) token: Arc<Token>,
}

/// One route of the table, as it is used.
#[derive(Debug)]
pub(crate) struct Route {
    pub(super) index: usize,
    /// Where it is written: `routing.toml:31:1`.
    pub(super) place: String,
    pub(super) channels: Vec<Channel>,
    pub(super) path: Option<PathTemplate>,
    pub(super) methods: Vec<Method>,
    pub(super) when: BTreeMap<String, AnyOf>,
    /// The token that the route itself names.
    pub(super) auth: Option<Named>,
    /// The tokens that its messages need: its own, or those of connect routes.
    pub(super) demands: Vec<Named>,
    /// Whether it asks for no token on purpose.
    pub(super) open: bool,
    /// Which pages may use it, its own or those of `[server]`.
    pub(super) origins: Arc<[Origin]>,
    pub(super) has_own_origins: bool,
    pub(super) queue: Option<String>,
    pub(super) consumer: Bound,
    /// The program's consumer behind the name that the table gives it.
    pub(super) uses: String,
    /// What is written of limits here.
    pub(super) own_limits: LimitsConfig,
    pub(super) limits: Limits,
    pub(super) envelope: Envelope,
}

impl Route {
    /// Its place among the routes, from 0.
    pub(crate) fn index(&self) -> usize {
        self.index
    }

    /// Who takes what it leads to.
    pub(crate) fn consumer(&self) -> &Bound {
        &self.consumer
    }

    /// The queue that its consumer pushes to.
    pub(crate) fn queue(&self) -> Option<&str> {
        self.queue.as_deref()
    }

    /// What holds for the messages that it leads to.
    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The token that a client needs to connect, or to be answered over HTTP.
    pub(crate) fn token(&self) -> Option<&Arc<Token>> {
        self.auth.as_ref().map(|named| &named.token)
    }

    /// The tokens that a client needs before a message of its WebSocket is handled.
    pub(crate) fn demands(&self) -> impl Iterator<Item = &Arc<Token>> {
        self.demands.iter().map(|named| &named.token)
    }

    /// Which pages may connect, or send requests that change something.
    pub(crate) fn origins(&self) -> &[Origin] {
        &self.origins
    }

    pub(super) fn takes(&self, channel: Channel) -> bool {
        self.channels.contains(&channel)
    }

    /// A route that looks at heads takes no connect, which has none.
    pub(super) fn takes_connect(&self) -> bool {
        self.takes(Channel::Connect) && self.when.is_empty()
    }

    /// GET stands for HEAD, which is the same without the body (RFC 9110, section 9.3.2).
    pub(super) fn takes_method(&self, method: &Method) -> bool {
        let asked = if *method == Method::HEAD { &Method::GET } else { method };
        self.methods.is_empty() || self.methods.contains(method) || self.methods.contains(asked)
    }

    /// Whether the message is one of those that it leads to; the path is known to match.
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
