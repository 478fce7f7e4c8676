//! Keys of a route that mean nothing there.

use crate::config::route::RouteConfig;
use crate::message::Channel;
use crate::setting::Mistake;

/// Reports keys that none of the route's channels uses.
pub(super) fn check(route: &RouteConfig, mistakes: &mut Vec<Mistake>) {
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
    if let Some(origins) = &route.origins
        && !has(Channel::Connect)
        && !has(Channel::Request)
    {
        let help = "put it into the route of \"websocket.connect\"";
        refuse(origins.place, "a page's origin is looked at when its client connects", help);
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
