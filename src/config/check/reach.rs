//! Finds routes that no message reaches, because earlier routes take all of their messages.

use std::collections::BTreeSet;

use http::Method;

use crate::config::route::{Literal, RouteConfig};
use crate::message::Channel;
use crate::setting::{Diagnostic, Sources, Spanned};

/// Warns of each such route, and names the routes that take its messages.
pub(super) fn check(
    routes: &[Spanned<RouteConfig>],
    sources: &Sources,
    warnings: &mut Vec<Diagnostic>,
) {
    for (index, route) in routes.iter().enumerate() {
        let Some(hiding) = hiding(route, &routes[..index]) else { continue };
        let named = |index: &usize| {
            let Spanned { value: RouteConfig { path, consumer, .. }, span } = &routes[*index];
            let path = path.as_ref().map_or_else(|| "any path".to_owned(), ToString::to_string);
            let place = sources.describe(*span);
            format!("route {} ({path} to {consumer}, {place})", index + 1)
        };
        let verb = if hiding.len() == 1 { "takes" } else { "take" };
        let hiding: Vec<String> = hiding.iter().map(named).collect();
        let help = format!("{} {verb} all of its messages", hiding.join(" and "));
        let message = format!("route {} is never reached", index + 1);
        warnings.push(Diagnostic::new(route.span, message).help(help));
    }
}

/// A head that a route takes: for each field, the values that it may have.
type Head<'a> = Vec<(&'a str, Vec<&'a Literal>)>;

/// The most heads of one route that are looked at alone.
const HEADS_MAX: usize = 256;

/// The indices of the earlier routes that together take all messages of this one; `None` if some
/// messages reach it.
fn hiding(route: &RouteConfig, earlier: &[Spanned<RouteConfig>]) -> Option<BTreeSet<usize>> {
    let mut hiding = BTreeSet::new();
    let whole = heads(route);
    for channel in route.channel.iter() {
        let is_message = matches!(channel, Channel::Receive | Channel::Request);
        // A route that looks at heads takes only events that have a head.
        if !is_message && !route.when.is_empty() {
            continue;
        }
        let methods = route.method.as_ref().filter(|_| channel == Channel::Request);
        let methods: Vec<Option<&Method>> = match methods {
            Some(methods) => methods.iter().map(Some).collect(),
            None => vec![None],
        };
        for (method, head) in
            methods.iter().flat_map(|method| whole.iter().map(move |head| (*method, head)))
        {
            let taking = earlier.iter().position(|earlier| {
                earlier.channel.contains(channel)
                    && (channel != Channel::Request || takes_method(earlier, method))
                    && takes_head(earlier, head)
                    && earlier.covers_paths(route)
            });
            hiding.insert(taking?);
        }
    }
    Some(hiding)
}

/// The heads that the route takes, each with one value for each field. If there are too many, they
/// are one, with all values of each field.
fn heads<'a>(route: &'a RouteConfig) -> Vec<Head<'a>> {
    let fields = || route.when.iter().map(|(field, values)| (field.as_str(), values.iter()));
    let count = fields().map(|(_, values)| values.count());
    if count.fold(1_usize, usize::saturating_mul) > HEADS_MAX {
        return vec![fields().map(|(field, values)| (field, values.collect())).collect()];
    }
    let mut heads = vec![Head::new()];
    for (field, values) in fields() {
        let with = |value: &'a Literal| {
            let heads = heads.iter().cloned();
            heads.map(move |mut head| {
                head.push((field, vec![value]));
                head
            })
        };
        heads = values.flat_map(with).collect();
    }
    heads
}

/// Whether the earlier route takes this head, whatever else is in it.
fn takes_head(earlier: &RouteConfig, head: &Head<'_>) -> bool {
    earlier.when.iter().all(|(field, wider)| {
        let values = head.iter().find(|(known, _)| known == field).map(|(_, values)| values);
        values.is_some_and(|values| values.iter().all(|value| wider.has(value)))
    })
}

/// A route for GET also takes HEAD (RFC 9110, section 9.3.2). Without a method, the earlier route must
/// take all of them.
fn takes_method(earlier: &RouteConfig, method: Option<&Method>) -> bool {
    earlier.method.as_ref().is_none_or(|methods| {
        method.is_some_and(|method| {
            methods.contains(method) || *method == Method::HEAD && methods.contains(&Method::GET)
        })
    })
}
