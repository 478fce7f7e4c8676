//! Warns of bounds and shares that do not take effect as written.

use std::time::Duration;

use super::written;
use crate::config::RoutingConfig;
use crate::config::limits::LimitsConfig;
use crate::config::route::RouteConfig;
use crate::message::Channel;
use crate::queue::{FairBy, TASK_OVERHEAD};
use crate::setting::{Diagnostic, Spanned, SpannedValue, Time};

/// Adds a warning for each of them.
pub(super) fn check(config: &RoutingConfig, tree: &SpannedValue, warnings: &mut Vec<Diagnostic>) {
    let routes = written(tree, &["route"]).and_then(SpannedValue::as_list).unwrap_or_default();
    let at = |span| routes.iter().find(|route| route.span == span);
    let own = config.route.iter().map(|route| (&route.limits, at(route.span)));
    for (limits, table) in own.chain([(&config.limits, Some(tree))]) {
        let written = table.and_then(|table| written(table, &["limits", "ping"]));
        warnings.extend(written.and_then(|written| late_ping(config, limits, written)));
    }
    warnings.extend(config.route.iter().filter_map(|route| larger_than_its_queue(route, config)));
    for (name, queue) in &config.queue {
        let written = written(tree, &["queue", name, "fair_by"]);
        if let (Some(written), FairBy::Claim(claim)) = (written, &queue.fair_by)
            && !has_claims(config, name)
        {
            let message = format!("no client of this queue shows a token with the claim {claim:?}");
            let help = "give its routes auth = \"NAME\", or share by \"address\"".to_owned();
            warnings.push(Diagnostic::new(written.span, message).help(help));
        }
    }
}

/// A warning for a route that accepts messages that are too large for its queue.
fn larger_than_its_queue(route: &RouteConfig, config: &RoutingConfig) -> Option<Diagnostic> {
    let name = route.queue.as_ref()?;
    let client = config.queue.get(&name.value)?.max_bytes.client;
    let message = route.limits.over(config.limits()).message;
    let fits = message.as_usize().saturating_add(TASK_OVERHEAD) <= client.as_usize();
    (!fits).then(|| {
        let text = format!("messages of {message} are accepted, but one client may queue {client}");
        let help = format!(
            "a message that never fits is answered too_big: lower this route's limits.message, or \
             raise max_bytes.client of [queue.{name}]; a task counts {TASK_OVERHEAD} bytes in \
             addition to its message"
        );
        Diagnostic::new(name.span, text).help(help)
    })
}

fn late_ping(
    config: &RoutingConfig,
    own: &LimitsConfig,
    ping: &SpannedValue,
) -> Option<Diagnostic> {
    let limits = own.over(config.limits());
    let half = limits.idle.duration() / 2;
    (own.ping.is_some() && limits.ping.duration() > half).then(|| {
        let message = format!("only half of idle takes effect, which is {}", short(half));
        Diagnostic::new(ping.span, message).help("lower ping, or raise idle".to_owned())
    })
}

fn short(time: Duration) -> Time {
    Time::from_millis(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}

/// Whether a client that pushes to this queue may have shown a token.
fn has_claims(config: &RoutingConfig, queue: &str) -> bool {
    let pushes =
        |route: &&Spanned<RouteConfig>| route.queue.as_ref().is_some_and(|q| q.value == queue);
    config.route.iter().filter(pushes).any(|route| {
        let connects = |other: &Spanned<RouteConfig>| {
            other.takes_connect() && other.token().is_some() && other.shares_path(route)
        };
        route.token().is_some()
            || route.channel.contains(Channel::Receive) && config.route.iter().any(connects)
    })
}
