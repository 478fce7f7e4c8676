//! Which tokens a client must have shown before a route handles its messages.

use super::route::RouteConfig;
use crate::message::Channel;
use crate::setting::{Diagnostic, Spanned};

/// The names of the tokens that a client must have shown before a message of its WebSocket is
/// handled by this route: the route's own, or those of every connect route that shares a path with
/// it. Each name is listed once, in the order of the routes.
pub(crate) fn demands<'a>(
    route: &'a RouteConfig,
    routes: &'a [Spanned<RouteConfig>],
) -> Vec<&'a str> {
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

/// Whether every message that this route takes has the claims of a token: the route's own, or those
/// of the connect route that admitted the client.
pub(crate) fn has_token(route: &RouteConfig, routes: &[Spanned<RouteConfig>]) -> bool {
    if route.auth.is_some() {
        return route.token().is_some();
    }
    let admits = |other: &&Spanned<RouteConfig>| other.takes_connect() && other.shares_path(route);
    let mut admitting = routes.iter().filter(admits).peekable();
    let over_sockets = !route.channel.contains(Channel::Request) && !route.takes_connect();
    over_sockets && admitting.peek().is_some() && admitting.all(|connect| connect.token().is_some())
}

/// Reports receive routes that clients can reach without the token of a connect route: clients may
/// connect without a token on any path that no connect route matches.
pub(super) fn check(routes: &[Spanned<RouteConfig>], diagnostics: &mut Vec<Diagnostic>) {
    let mut with_connect = routes.iter().filter(|route| route.channel.contains(Channel::Connect));
    let Some(name) = with_connect.find_map(|route| route.token()) else { return };
    for route in routes {
        let covers =
            |other: &Spanned<RouteConfig>| other.takes_connect() && other.covers_paths(route);
        let messages = route.channel.contains(Channel::Receive) && route.auth.is_none();
        if messages && !routes.iter().any(covers) {
            let span = route.path.as_ref().map_or(route.span, |path| path.span);
            let message = "no single route of \"websocket.connect\" takes all paths of this route, \
                           so clients can connect to it without a token";
            let help = format!(
                "give it the path of a connect route, or auth = {name:?}, \
                 or open it with auth = false"
            );
            diagnostics.push(Diagnostic::new(span, message).help(help));
        }
    }
}

/// Warns of routes that need the tokens of connect routes for only some of their events, or that
/// need several tokens.
pub(super) fn warn(routes: &[Spanned<RouteConfig>], warnings: &mut Vec<Diagnostic>) {
    for route in routes.iter().filter(|route| route.auth.is_none()) {
        let names = demands(route, routes);
        let Some(name) = names.first() else { continue };
        let message = if route.channel.contains(Channel::Request) {
            format!("messages over a WebSocket need the token {name:?} here, but requests do not")
        } else if route.takes_connect() {
            format!("any client may connect here, but messages need the token {name:?}")
        } else if names.len() > 1 {
            format!("messages need several tokens here, all at once: {}", names.join(", "))
        } else {
            continue;
        };
        let help = format!("write auth = {name:?}, or auth = false to open it");
        warnings.push(Diagnostic::new(route.span, message).help(help));
    }
}
