//! Which tokens the messages of a route need.

use super::route::RouteConfig;
use crate::message::Channel;
use crate::setting::{At, Mistake};

/// The names of the tokens that a client must have shown before a message of its WebSocket is
/// handled by this route: the route's own, or those of every connect route that shares a path with
/// it. Each name is listed once, in the order of the routes.
pub(crate) fn demands<'a>(route: &'a RouteConfig, routes: &'a [At<RouteConfig>]) -> Vec<&'a str> {
    if !route.channel.contains(Channel::Receive) {
        return Vec::new();
    }
    if route.auth.is_some() {
        return route.token().into_iter().collect();
    }
    let mut names = Vec::new();
    for connect in routes.iter().filter(|other| other.takes_connect()) {
        let name = connect.token().filter(|name| !names.contains(name));
        if let Some(name) = name.filter(|_| connect.shares_path(route)) {
            names.push(name);
        }
    }
    names
}

/// Reports routes of messages that clients can reach without the token of a connect route: on a
/// path that no connect route takes, everybody may connect.
pub(super) fn check(routes: &[At<RouteConfig>], mistakes: &mut Vec<Mistake>) {
    let mut with_connect = routes.iter().filter(|route| route.channel.contains(Channel::Connect));
    let Some(name) = with_connect.find_map(|route| route.token()) else { return };
    for route in routes {
        let covers = |other: &At<RouteConfig>| other.takes_connect() && other.covers_paths(route);
        let messages = route.channel.contains(Channel::Receive) && route.auth.is_none();
        if messages && !routes.iter().any(covers) {
            let place = route.path.as_ref().map_or(route.place, |path| path.place);
            let message = "no one route of \"websocket.connect\" takes all paths of this route, \
                           so clients can connect to it without a token";
            let help = format!(
                "give it the path of a connect route, or auth = {name:?}, \
                 or open it with auth = false"
            );
            mistakes.push(Mistake::new(place, message).help(help));
        }
    }
}

/// Warns of routes that need the tokens of connect routes for only some of their events, or that
/// need several tokens.
pub(super) fn warn(routes: &[At<RouteConfig>], warnings: &mut Vec<Mistake>) {
    for route in routes.iter().filter(|route| route.auth.is_none()) {
        let names = demands(route, routes);
        let Some(name) = names.first() else { continue };
        let message = if route.channel.contains(Channel::Request) {
            format!("messages over a WebSocket need the token {name:?} here, requests need none")
        } else if route.takes_connect() {
            format!("everybody may connect here, but messages need the token {name:?}")
        } else if names.len() > 1 {
            format!("messages need several tokens here, all at once: {}", names.join(", "))
        } else {
            continue;
        };
        let help = format!("write auth = {name:?}, or auth = false to open it");
        warnings.push(Mistake::new(route.place, message).help(help));
    }
}
