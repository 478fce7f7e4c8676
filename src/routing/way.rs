//! The routes that lead from one path, found once for a connection.

use std::sync::Arc;

use http::Method;

use super::route::Route;
use crate::auth::Token;
use crate::config::{Limits, Origin};
use crate::error::Error;
use crate::message::{Channel, Message, Params, Scope};
use crate::reply::Envelope;

/// The routes that lead from one path, in the table's order.
#[derive(Debug, Clone)]
pub(crate) struct Way {
    candidates: Arc<[Candidate]>,
    socket: Limits,
    request: Limits,
}

#[derive(Debug)]
struct Candidate {
    route: Arc<Route>,
    params: Params,
}

/// Why a request reaches no consumer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// No route leads from this path.
    NotFound,
    /// Routes lead from this path, for these methods.
    Method(Vec<Method>),
}

const SOCKET: [Channel; 3] = [Channel::Connect, Channel::Receive, Channel::Disconnect];

impl Way {
    pub(super) fn new(routes: &[Arc<Route>], path: &str, limits: &Limits) -> Self {
        let candidates: Arc<[Candidate]> = routes
            .iter()
            .filter_map(|route| {
                let params: Params = match &route.path {
                    None => Arc::from([]),
                    Some(template) => {
                        let owned = |(name, value): (&str, String)| (name.to_owned(), value);
                        template.matches(path)?.into_iter().map(owned).collect()
                    }
                };
                Some(Candidate { route: Arc::clone(route), params })
            })
            .collect();
        // What holds for the whole connection is what the first of its routes says of it.
        let folded = |channels: &[Channel]| {
            let concerned =
                |candidate: &&Candidate| channels.iter().any(|c| candidate.route.takes(*c));
            let concerned = candidates.iter().rev().filter(concerned);
            concerned.fold(*limits, |under, candidate| candidate.route.own_limits.over(under))
        };
        let (socket, request) = (folded(&SOCKET), folded(&[Channel::Request]));
        Self { candidates, socket, request }
    }

    /// Whether a WebSocket is served here: a route takes what comes over one, or at least names
    /// the path.
    pub(crate) fn has_socket(&self) -> bool {
        self.routes().any(|route| {
            route.takes(Channel::Connect)
                || route.takes(Channel::Receive)
                || (route.takes(Channel::Disconnect) && route.path.is_some())
        })
    }

    /// Whether a request with this method is served here.
    pub(crate) fn takes(&self, method: &Method) -> Result<(), Refusal> {
        let routes = || self.routes().filter(|route| route.takes(Channel::Request));
        if routes().any(|route| route.takes_method(method)) {
            return Ok(());
        }
        let methods: Vec<Method> =
            routes().flat_map(|route| route.methods.iter().cloned()).collect();
        Err(if methods.is_empty() { Refusal::NotFound } else { Refusal::Method(methods) })
    }

    /// The first route that takes the message; sets the message's parameters.
    pub(crate) fn select(&self, message: &mut Message) -> Option<&Arc<Route>> {
        let candidate =
            self.candidates.iter().find(|candidate| candidate.route.matches(message))?;
        message.params = Arc::clone(&candidate.params);
        Some(&candidate.route)
    }

    /// The route that [`select`](Self::select) finds for `websocket.connect`, which also says what
    /// token is asked for and what replies are wrapped in.
    pub(crate) fn connect(&self) -> Option<&Arc<Route>> {
        let mut candidates = self.candidates.iter();
        candidates.find(|c| c.route.takes_connect()).map(|candidate| &candidate.route)
    }

    /// Whether the client has the token of some route that may take a request with this method,
    /// whatever its body is; or some such route needs none.
    ///
    /// # Errors
    /// Why the token of the first route was refused.
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
    pub(crate) fn demands(&self) -> Vec<&Arc<Token>> {
        let mut tokens: Vec<&Arc<Token>> = Vec::new();
        for token in self.routes().flat_map(Route::demands) {
            if !tokens.iter().any(|known| Arc::ptr_eq(known, token)) {
                tokens.push(token);
            }
        }
        tokens
    }

    /// Which pages may send a request with this method: the origins of each route that may take it,
    /// whatever its body is.
    pub(crate) fn origins_of_request(&self, method: &Method) -> impl Iterator<Item = &[Origin]> {
        self.taking(method).map(Route::origins)
    }

    /// The routes that may take a request with this method, whatever its body is.
    fn taking(&self, method: &Method) -> impl Iterator<Item = &Route> {
        let concerned =
            |route: &&Route| route.takes(Channel::Request) && route.takes_method(method);
        let mut taken = false;
        // A route without `when` takes everything that reaches it.
        let reached = move |route: &&Route| {
            let reached = !taken;
            taken |= route.when.is_empty();
            reached
        };
        self.routes().filter(concerned).take_while(reached)
    }

    /// What replies are wrapped in.
    pub(crate) fn envelope(&self) -> Envelope {
        self.connect().map(|route| route.envelope).unwrap_or_default()
    }

    /// What holds for a WebSocket as a whole.
    pub(crate) fn socket_limits(&self) -> &Limits {
        &self.socket
    }

    /// What holds for a request before its route is chosen.
    pub(crate) fn request_limits(&self) -> &Limits {
        &self.request
    }

    /// The largest message that any of the routes takes, bytes.
    pub(crate) fn message_limit(&self) -> usize {
        self.largest(|route| route.takes(Channel::Receive))
            .unwrap_or(self.socket.message.as_usize())
    }

    /// The largest body that any of the routes takes with this method, bytes.
    pub(crate) fn body_limit(&self, method: &Method) -> usize {
        self.largest(|route| route.takes(Channel::Request) && route.takes_method(method))
            .unwrap_or(0)
    }

    fn largest(&self, concerned: impl Fn(&Route) -> bool) -> Option<usize> {
        let routes = self.routes().filter(|route| concerned(route));
        routes.map(|route| route.limits.message.as_usize()).max()
    }

    fn routes(&self) -> impl Iterator<Item = &Route> {
        self.candidates.iter().map(|candidate| candidate.route.as_ref())
    }
}
