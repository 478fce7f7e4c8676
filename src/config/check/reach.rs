//! Routes that no message reaches, because earlier routes take all of their messages.

use http::Method;

use crate::config::route::RouteConfig;
use crate::message::Channel;
use crate::setting::{At, Mistake, Place, Sources};

/// Warns of each such route.
pub(super) fn check(routes: &[At<RouteConfig>], sources: &Sources, warnings: &mut Vec<Mistake>) {
    for (index, route) in routes.iter().enumerate() {
        if let Some(hiding) = hiding(route, &routes[..index]) {
            let first = sources.describe(hiding);
            let help = format!("the one at {first} takes all of it before");
            let warning = Mistake::new(route.place, "this route is never reached");
            warnings.push(warning.help(help));
        }
    }
}

/// The last of the earlier routes that together take everything from this one.
fn hiding(route: &RouteConfig, earlier: &[At<RouteConfig>]) -> Option<Place> {
    let mut last = None;
    for channel in route.channel.iter() {
        let mut candidates = earlier.iter().filter(|earlier| {
            earlier.channel.contains(channel)
                && takes_heads(earlier, route)
                && earlier.covers_paths(route)
        });
        let methods = route.method.as_ref().filter(|_| channel == Channel::Request);
        let found = match methods {
            Some(methods) => {
                let candidates: Vec<_> = candidates.collect();
                let takes = |method| candidates.iter().find(|route| takes_method(route, method));
                let found: Option<Vec<Place>> =
                    methods.iter().map(|method| takes(method).map(|route| route.place)).collect();
                found?.into_iter().max()
            }
            None => candidates
                .find(|earlier| channel != Channel::Request || earlier.method.is_none())
                .map(|earlier| earlier.place),
        };
        last = last.max(Some(found?));
    }
    last
}

/// Whether every head that the route takes is one that the earlier one takes.
fn takes_heads(earlier: &RouteConfig, route: &RouteConfig) -> bool {
    earlier.when.iter().all(|(field, values)| {
        route.when.get(field).is_some_and(|narrower| narrower.is_within(values))
    })
}

/// A route for GET takes HEAD too (RFC 9110, section 9.3.2).
fn takes_method(earlier: &RouteConfig, method: &Method) -> bool {
    earlier.method.as_ref().is_none_or(|methods| {
        methods.contains(method) || *method == Method::HEAD && methods.contains(&Method::GET)
    })
}
