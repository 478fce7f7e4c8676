//! The terms on which a route takes a message: its limits, tokens, pages and queue, and where each is
//! written.

use std::sync::Arc;

use serde::Serialize;

use super::route::{Named, Route};
use super::{MatchedRoutes, QueueOfRouter, Router};
use crate::auth::Token;
use crate::config::{LimitsConfig, Workers};
use crate::message::{Channel, Content, Message};

/// The terms on which a route takes a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Terms {
    /// The parameters of the path, with their values.
    pub params: Vec<(String, String)>,
    /// The limits that apply.
    pub limits: Vec<Limit>,
    /// The tokens that the client needs.
    pub tokens: Vec<NeededToken>,
    /// Whether `auth = false` opens the route.
    pub open: bool,
    /// The pages whose browser may send the message; empty if any may.
    pub origins: Vec<String>,
    /// The queue that the consumer pushes to.
    pub queue: Option<QueueTerms>,
}

/// A limit, its value, and where that is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Limit {
    /// The key.
    pub name: &'static str,
    /// The value.
    pub value: String,
    /// `route 3`, `[limits]` or `default`.
    pub from: String,
}

/// A token that the client needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NeededToken {
    /// The NAME of `[auth.NAME]`.
    pub name: String,
    /// Whether the route does not name it itself, but a connect route that shares a path with it.
    pub of_connect: bool,
    /// Whether the message in question has this token; otherwise why not.
    pub shown: Result<(), String>,
}

/// A queue and its rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct QueueTerms {
    /// The NAME of `[queue.NAME]`.
    pub name: String,
    /// The consumer that does the tasks.
    pub consumer: String,
    /// The order of one client's tasks.
    pub order: &'static str,
    /// Among whom the workers' time is shared.
    pub fair_by: String,
    /// The number of workers; 0 means one per core, and `None` that other processes have them.
    pub workers: Option<usize>,
    /// How long a task may take from its arrival.
    pub deadline: String,
    /// How many tasks may wait, for one client and for all together.
    pub max_tasks: (usize, usize),
}

impl Terms {
    pub(super) fn of(
        router: &Router,
        matched: &MatchedRoutes<Arc<Route>>,
        route: &Route,
        message: &Message,
        token: Option<&str>,
    ) -> Self {
        let channel = message.channel();
        let named: &[Named] = match channel {
            Channel::Receive => &route.demands,
            Channel::Connect | Channel::Request => route.auth.as_slice(),
            Channel::Disconnect | Channel::Task => &[],
        };
        let needed = |named: &Named| NeededToken {
            name: named.name.to_string(),
            of_connect: route.auth.is_none(),
            shown: shown(&named.token, message, token),
        };
        let queue = route.queue.as_ref().and_then(|name| {
            Some(QueueTerms::of(name, router.queue_configs().get(name.as_str())?))
        });
        let looks_at_origin = match &message.content {
            Content::Request { method, .. } => !method.is_safe(),
            _ => channel == Channel::Connect,
        };
        let origins = route.origins.iter().filter(|_| looks_at_origin);
        Self {
            params: message.params.to_vec(),
            limits: limits(router, matched, route, channel),
            tokens: named.iter().map(needed).collect(),
            open: route.open,
            origins: origins.map(ToString::to_string).collect(),
            queue,
        }
    }
}

impl QueueTerms {
    fn of(name: &str, queue: &QueueOfRouter) -> Self {
        let QueueOfRouter { config, .. } = queue;
        Self {
            name: name.to_owned(),
            consumer: config.consumer.to_string(),
            order: config.order.name(),
            fair_by: config.fair_by.to_string(),
            workers: match config.workers {
                Workers::Threads(threads) => Some(threads),
                Workers::None => None,
            },
            deadline: config.deadline.to_string(),
            max_tasks: (config.max_tasks.client, config.max_tasks.total),
        }
    }
}

/// Whether the message has the token.
fn shown(rules: &Token, message: &Message, token: Option<&str>) -> Result<(), String> {
    let verified = match (token, message.scope()) {
        (Some(token), Some(scope)) => rules.accept(token, scope).map(|_| ()),
        (None, Some(scope)) => rules.verify(scope).map(|_| ()),
        (_, None) => return Err("the message has no client".to_owned()),
    };
    verified.map_err(|error| match error.source() {
        Some(cause) => cause.to_string(),
        None => error.message().to_owned(),
    })
}

/// The limits that apply to an event, each with the place where it is written.
fn limits(
    router: &Router,
    matched: &MatchedRoutes<Arc<Route>>,
    route: &Route,
    channel: Channel,
) -> Vec<Limit> {
    let (of_messages, of_connection): (&[&str], &[&str]) = match channel {
        Channel::Connect => (&[], &["idle", "ping", "inbox", "outbox", "slow", "closing"]),
        Channel::Receive => (
            &["message", "rate", "rate_action"],
            &["inbox", "pace", "outbox", "slow", "idle", "ping", "closing"],
        ),
        Channel::Request => (&["message"], &["pace"]),
        Channel::Disconnect | Channel::Task => (&[], &["closing"]),
    };
    let own = |route: &Route| (format!("route {}", route.index + 1), route.own_limits.clone());
    let of_file = || [("[limits]".to_owned(), router.limits_as_written().clone())];
    let default = || [("default".to_owned(), LimitsConfig::from(crate::config::Limits::default()))];
    let over_message: Vec<_> = [own(route)].into_iter().chain(of_file()).chain(default()).collect();
    let socket = channel != Channel::Request;
    let on_path = matched.concerned(socket).map(own);
    let over_connection: Vec<_> = on_path.chain(of_file()).chain(default()).collect();
    let find = |name: &&'static str, places: &[(String, LimitsConfig)]| {
        let value = |limits: &LimitsConfig| limits.value(name);
        let (from, value) = places.iter().find_map(|(from, own)| Some((from, value(own)?)))?;
        Some(Limit { name, value, from: from.clone() })
    };
    let of_messages = of_messages.iter().filter_map(|name| find(name, &over_message));
    of_messages
        .chain(of_connection.iter().filter_map(|name| find(name, &over_connection)))
        .collect()
}
