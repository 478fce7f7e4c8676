//! The routes that match one path, found once for a connection.

use std::ops::Deref;
use std::sync::Arc;

use http::Method;

use super::route::{Named, Route};
use crate::config::{Limits, Origin};
use crate::error::Error;
use crate::message::{Channel, Message, Params, Scope};
use crate::reply::Envelope;

/// The routes that match one path, in the table's order. `R` is a route, alone or with the
/// arguments of its consumer.
#[derive(Debug, Clone)]
pub(crate) struct MatchedRoutes<R> {
    candidates: Arc<[Candidate<R>]>,
    socket: Limits,
    request: Limits,
}

#[derive(Debug)]
struct Candidate<R> {
    route: R,
    params: Params,
}

/// Why a request does not reach a consumer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// No route matches this path.
    NotFound,
    /// Routes match this path, but only for these methods.
    Method(Vec<Method>),
}

const SOCKET: [Channel; 3] = [Channel::Connect, Channel::Receive, Channel::Disconnect];

impl<R: Deref<Target = Route>> Candidate<R> {
    /// Whether its route takes one of these events.
    fn takes(&self, channels: &[Channel]) -> bool {
        channels.iter().any(|channel| self.route.takes(*channel))
    }
}

impl<R: Clone + Deref<Target = Route>> MatchedRoutes<R> {
    pub(crate) fn new(routes: &[R], path: &str, limits: &Limits) -> Self {
        let candidates: Arc<[Candidate<R>]> = routes
            .iter()
            .filter_map(|route| {
                let params: Params = match &route.path {
                    None => Arc::from([]),
                    Some(template) => {
                        let owned = |(name, value): (&str, String)| (name.to_owned(), value);
                        template.matches(path)?.into_iter().map(owned).collect()
                    }
                };
                Some(Candidate { route: route.clone(), params })
            })
            .collect();
        // Limits for the whole connection come from the first route that sets them.
        let folded = |channels: &[Channel]| {
            let concerned = candidates.iter().rev().filter(|candidate| candidate.takes(channels));
            concerned.fold(*limits, |under, candidate| candidate.route.own_limits.over(under))
        };
        let (socket, request) = (folded(&SOCKET), folded(&[Channel::Request]));
        Self { candidates, socket, request }
    }

    /// Whether the path serves a WebSocket: a route takes connects or messages, or one for
    /// disconnects at least names the path.
    pub(crate) fn has_socket(&self) -> bool {
        self.routes().any(|route| {
            route.takes(Channel::Connect)
                || route.takes(Channel::Receive)
                || (route.takes(Channel::Disconnect) && route.path.is_some())
        })
    }

    /// Whether a request with this method is served.
    pub(crate) fn takes(&self, method: &Method) -> Result<(), Refusal> {
        let routes = || self.routes().filter(|route| route.takes(Channel::Request));
        if routes().any(|route| route.takes_method(method)) {
            return Ok(());
        }
        let methods: Vec<Method> =
            routes().flat_map(|route| route.methods.iter().cloned()).collect();
        Err(if methods.is_empty() { Refusal::NotFound } else { Refusal::Method(methods) })
    }

    /// The first route that takes the message; it sets the message's parameters.
    pub(crate) fn select(&self, message: &mut Message) -> Option<&R> {
        let candidate =
            self.candidates.iter().find(|candidate| candidate.route.matches(message))?;
        message.params = Arc::clone(&candidate.params);
        Some(&candidate.route)
    }

    /// The route that [`select`](Self::select) finds for `websocket.connect`. It also decides which
    /// token is needed, and how replies are wrapped.
    pub(crate) fn connect(&self) -> Option<&Route> {
        let mut candidates = self.candidates.iter();
        candidates.find(|c| c.route.takes_connect()).map(|candidate| &*candidate.route)
    }

    /// Whether the client may send a request with this method, whatever its body is: it has the
    /// token of a route that may take the request, or such a route needs none.
    ///
    /// # Errors
    /// The reason why the token of the first route was refused.
    pub(crate) fn admits(&self, method: &Method, scope: &Scope) -> Result<(), Error> {
        let mut refusal = None;
        for route in self.taking(method) {
            match route.token().map(|token| token.verify(scope)) {
                None | Some(Ok(_)) => return Ok(()),
                Some(Err(error)) => refusal = refusal.or(Some(error)),
            }
        }
        refusal.map_or(Ok(()), Err)
    }

    /// The tokens that messages of a WebSocket may need, each once.
    pub(crate) fn demands(&self) -> Vec<&Named> {
        let mut demanded: Vec<&Named> = Vec::new();
        for named in self.routes().flat_map(|route| &route.demands) {
            if !demanded.iter().any(|known| Arc::ptr_eq(&known.token, &named.token)) {
                demanded.push(named);
            }
        }
        demanded
    }

    /// The origins of each route that may take a request with this method, whatever its body is.
    pub(crate) fn origins_of_request(&self, method: &Method) -> impl Iterator<Item = &[Origin]> {
        self.taking(method).map(Route::origins)
    }

    /// The routes that may take a request with this method, whatever its body is.
    fn taking(&self, method: &Method) -> impl Iterator<Item = &Route> {
        let concerned =
            |route: &&Route| route.takes(Channel::Request) && route.takes_method(method);
        let mut taken = false;
        // A route without `when` takes every request that reaches it.
        let reached = move |route: &&Route| {
            let reached = !taken;
            taken |= route.when.is_empty();
            reached
        };
        self.routes().filter(concerned).take_while(reached)
    }

    /// How replies are wrapped.
    pub(crate) fn envelope(&self) -> Envelope {
        self.connect().map(|route| route.envelope).unwrap_or_default()
    }

    /// The limits of a WebSocket.
    pub(crate) fn socket_limits(&self) -> &Limits {
        &self.socket
    }

    /// The routes whose limits count for a WebSocket, or for a request, in the order of precedence.
    pub(crate) fn concerned(&self, is_socket: bool) -> impl Iterator<Item = &Route> {
        let channels: &[Channel] = if is_socket { &SOCKET } else { &[Channel::Request] };
        let concerned = self.candidates.iter().filter(|candidate| candidate.takes(channels));
        concerned.map(|candidate| &*candidate.route)
    }

    /// The limits of a request before its route is chosen.
    pub(crate) fn request_limits(&self) -> &Limits {
        &self.request
    }

    /// The largest message that any of the routes accepts, in bytes.
    pub(crate) fn message_limit(&self) -> usize {
        self.largest(|route| route.takes(Channel::Receive))
            .unwrap_or(self.socket.message.as_usize())
    }

    /// The largest body that any of the routes accepts with this method, in bytes.
    pub(crate) fn body_limit(&self, method: &Method) -> usize {
        self.largest(|route| route.takes(Channel::Request) && route.takes_method(method))
            .unwrap_or(0)
    }

    fn largest(&self, concerned: impl Fn(&Route) -> bool) -> Option<usize> {
        let routes = self.routes().filter(|route| concerned(route));
        routes.map(|route| route.limits.message.as_usize()).max()
    }

    /// The routes as they were given, in the table's order.
    pub(crate) fn live(&self) -> impl Iterator<Item = &R> {
        self.candidates.iter().map(|candidate| &candidate.route)
    }

    fn routes(&self) -> impl Iterator<Item = &Route> {
        self.live().map(|route| &**route)
    }
}
