//! What no section can see alone: names that nothing declares, and routes that make no sense.

use super::load::Loaded;
use super::route::RouteConfig;
use super::{RoutingConfig, demand};
use crate::message::Channel;
use crate::queue::TASK_OVERHEAD;
use crate::setting::{At, Mistake, Table, Value, Written, nearest};

/// Checks what was read. Consumers are left to `Router`, which knows the program's own.
pub(super) fn check(tree: &Written, loaded: &mut Loaded) {
    // Behind a mistake in syntax a declaration may be lost.
    if let Some(root) = tree.as_table().filter(|root| !root.partial) {
        names(root, &mut loaded.mistakes);
    }
    for route in &loaded.config.route {
        sense(route, &mut loaded.mistakes);
    }
    // Behind a mistake a connect route or its path may be lost.
    if loaded.mistakes.is_empty() {
        demand::check(&loaded.config.route, &mut loaded.mistakes);
    }
    let routes = &loaded.config.route;
    demand::warn(routes, &mut loaded.warnings);
    for (index, route) in routes.iter().enumerate() {
        if let Some(earlier) = hiding(route, &routes[..index]) {
            let first = loaded.sources.describe(earlier.place);
            let help = format!("the one at {first} takes all of it before");
            let warning = Mistake::new(route.place, "this route is never reached");
            loaded.warnings.push(warning.help(help));
        }
    }
    let warnings = routes.iter().filter_map(|route| larger_than_its_queue(route, &loaded.config));
    loaded.warnings.extend(warnings);
}

/// A route that lets in messages which its queue never takes.
fn larger_than_its_queue(route: &At<RouteConfig>, config: &RoutingConfig) -> Option<Mistake> {
    let name = route.queue.as_ref()?;
    let client = config.queue.get(&name.value)?.max_bytes.client;
    let message = route.limits.over(config.limits()).message;
    let fits = message.as_usize().saturating_add(TASK_OVERHEAD) <= client.as_usize();
    (!fits).then(|| {
        let told = format!("messages of {message} are let in, but one client may queue {client}");
        let help = format!(
            "a message that never fits is answered too_big: lower this route's limits.message, or \
             raise max_bytes.client of [queue.{name}]; a task counts {TASK_OVERHEAD} bytes beside \
             its message"
        );
        Mistake::new(name.place, told).help(help)
    })
}

/// From the tree, so that one mistake in a route does not hide the next.
fn names(root: &Table, mistakes: &mut Vec<Mistake>) {
    let routes = root.get("route").and_then(Written::as_list).unwrap_or_default();
    for route in routes.iter().filter_map(Written::as_table) {
        for (section, what) in [("auth", "[auth] tables"), ("queue", "queues")] {
            let Some(reference) = route.get(section) else { continue };
            let Some(name) = reference.as_text() else { continue };
            if section == "auth" && is_false(reference) {
                continue;
            }
            let declared = root.get(section).and_then(Written::as_table);
            let declared: Vec<&str> =
                declared.map(|table| table.keys().collect()).unwrap_or_default();
            if !declared.contains(&name) {
                let help = nearest(name, what, declared)
                    .unwrap_or_else(|| format!("declare it under [{section}.{name}]"));
                let message = format!("unknown {section} {name:?}");
                mistakes.push(Mistake::new(reference.place, message).help(help));
            }
        }
    }
}

/// Whether it is `false` out of the environment, which holds nothing but text.
fn is_false(reference: &Written) -> bool {
    matches!(&reference.value, Value::Substituted(text) if text.trim() == "false")
}

/// Keys that the route's channels never look at.
fn sense(route: &RouteConfig, mistakes: &mut Vec<Mistake>) {
    let has = |channel| route.channel.contains(channel);
    let mut refuse = |place, message: &str, help: &str| {
        mistakes.push(Mistake::new(place, message).help(help.to_owned()));
    };
    if let Some(method) = &route.method
        && !has(Channel::Request)
    {
        refuse(method.place, "a websocket event has no method", "leave it out");
    }
    if let Some(auth) = &route.auth
        && route.channel.iter().all(|channel| channel == Channel::Disconnect)
    {
        let message = "a client that leaves is asked for no token";
        refuse(auth.place, message, "put it into the route of \"websocket.connect\"");
    }
    if let Some(envelope) = &route.envelope
        && !has(Channel::Connect)
    {
        let help = "put it into the route of \"websocket.connect\"";
        refuse(envelope.place, "an envelope is chosen when a client connects", help);
    }
    let limits = &route.limits;
    if (limits.rate.is_some() || limits.rate_action.is_some()) && !has(Channel::Receive) {
        let help = "put it into a route of \"websocket.receive\"";
        refuse(route.channel.place, "a rate counts what comes over a WebSocket", help);
    }
    if let Some(value) = route.when.values().next()
        && !has(Channel::Receive)
        && !has(Channel::Request)
    {
        refuse(value.place, "these events bring no message to look at", "leave out \"when\"");
    }
}

/// The last of the earlier routes that together leave this one nothing.
fn hiding<'a>(route: &RouteConfig, earlier: &'a [At<RouteConfig>]) -> Option<&'a At<RouteConfig>> {
    let mut last = None;
    for channel in route.channel.iter() {
        let hiding = earlier.iter().find(|earlier| {
            earlier.channel.contains(channel)
                && earlier.when.is_empty()
                && earlier.covers_paths(route)
                && takes_methods(earlier, route, channel)
        });
        last = last.max(Some(hiding?.place));
    }
    earlier.iter().find(|route| Some(route.place) == last)
}

fn takes_methods(earlier: &RouteConfig, route: &RouteConfig, channel: Channel) -> bool {
    match (&earlier.method, &route.method) {
        _ if channel != Channel::Request => true,
        (None, _) => true,
        (Some(earlier), Some(methods)) => methods.iter().all(|method| earlier.contains(method)),
        (Some(_), None) => false,
    }
}
