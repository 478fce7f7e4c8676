//! Finds keys that do not apply to their route.

use crate::config::route::RouteConfig;
use crate::message::Channel;
use crate::setting::Diagnostic;

/// Reports keys that the route's channels do not use.
pub(super) fn check(route: &RouteConfig, diagnostics: &mut Vec<Diagnostic>) {
    let has = |channel| route.channel.contains(channel);
    let mut refuse = |span, message: &str, help: &str| {
        diagnostics.push(Diagnostic::new(span, message).help(help.to_owned()));
    };
    if let Some(method) = &route.method
        && !has(Channel::Request)
    {
        refuse(method.span, "a WebSocket event has no method", "leave it out");
    }
    if let Some(auth) = &route.auth
        && route.channel.iter().all(|channel| channel == Channel::Disconnect)
    {
        let message = "a client that leaves cannot be asked for a token";
        refuse(auth.span, message, "put it into the route of \"websocket.connect\"");
    }
    if let Some(envelope) = &route.envelope
        && !has(Channel::Connect)
    {
        let help = "put it into the route of \"websocket.connect\"";
        refuse(envelope.span, "an envelope is chosen when a client connects", help);
    }
    if let Some(origins) = &route.origins
        && !has(Channel::Connect)
        && !has(Channel::Request)
    {
        let help = "put it into the route of \"websocket.connect\"";
        refuse(origins.span, "a page's origin is checked when its client connects", help);
    }
    let limits = &route.limits;
    if (limits.rate.is_some() || limits.rate_action.is_some()) && !has(Channel::Receive) {
        let help = "put it into a route of \"websocket.receive\"";
        refuse(route.channel.span, "a rate limits messages over a WebSocket", help);
    }
    if let Some(value) = route.when.values().next()
        && !has(Channel::Receive)
        && !has(Channel::Request)
    {
        let message = "these events do not have a head to compare";
        refuse(value.span, message, "leave out \"when\"");
    }
}
