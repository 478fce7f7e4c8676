//! Makes the router from the table as written: finds every name, and checks every consumer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::consumers::Consumers;
use super::route::{Named, Route};
use super::{Inner, QueueOfRouter, Router, store};
use crate::auth::{Algorithm, Token};
use crate::config::{
    Loaded, Origin, QueueConfig, RouteAuth, RouteConfig, RoutingConfig, demands, has_token,
    is_stand_in,
};
use crate::consumer::{Checked, Registry};
use crate::extract::{ConsumerUse, QueueUse};
use crate::message::Channel;
use crate::setting::{Diagnostic, Spanned};

/// The router, unless there are mistakes, whether from reading the table or from building it.
pub(super) fn build(loaded: &mut Loaded, registry: &Registry) -> Option<Router> {
    let config = std::mem::take(&mut loaded.config);
    let built = Builder::new(&config, registry).build(loaded);
    loaded.config = config;
    loaded.forget_unknown();
    if let (None, true, [missing, ..]) = (&built, loaded.diagnostics.is_empty(), &*loaded.missing) {
        let message = format!("{missing} is not set, and without it the rest cannot be checked");
        loaded.diagnostics.push(Diagnostic::new(missing.span, message));
    }
    // The options of a consumer are read for each route to it, each time with the same mistakes.
    let mut seen = BTreeSet::new();
    loaded
        .diagnostics
        .retain(|diagnostic| seen.insert((diagnostic.span, diagnostic.message.clone())));
    loaded.diagnostics.sort_by_key(|diagnostic| diagnostic.span);
    loaded.warnings.sort_by_key(|warning| warning.span);
    built.filter(|_| loaded.diagnostics.is_empty())
}

struct Builder<'a> {
    config: &'a RoutingConfig,
    registry: &'a Registry,
    consumers: Consumers<'a>,
    /// The pages that may use a route without origins of its own.
    origins: Arc<[Origin]>,
}

impl<'a> Builder<'a> {
    fn new(config: &'a RoutingConfig, registry: &'a Registry) -> Self {
        let consumers = Consumers::new(config, registry);
        let origins = config.server.origins.as_slice().into();
        Self { config, registry, consumers, origins }
    }

    fn build(mut self, loaded: &mut Loaded) -> Option<Router> {
        let diagnostics = &mut loaded.diagnostics;
        let tokens = self.tokens(diagnostics);
        let mut queues = BTreeMap::new();
        for (name, queue) in &self.config.queue {
            if let Some(consumer) = self.worker(queue, diagnostics) {
                let config = queue.value.clone();
                queues.insert(Arc::from(name.as_str()), QueueOfRouter { config, consumer });
            }
        }
        let mut routes = Vec::new();
        for (index, route) in self.config.route.iter().enumerate() {
            let span = loaded.sources.describe(route.span);
            routes.extend(self.route(index, route, span, &tokens, diagnostics).map(Arc::new));
        }
        for consumer in &self.config.consumers_of_lost_routes {
            self.consumers.find(consumer, consumer.span, diagnostics);
        }
        let consumers = self.consumers.in_use(diagnostics);
        self.consumers.check_unused(diagnostics);
        self.consumers.warn_of_unused(&mut loaded.warnings);
        self.warn_of_unused(&mut loaded.warnings);
        let before = diagnostics.len();
        let store = store::store(&self.config.layer, self.registry, diagnostics);
        let complete = diagnostics.len() == before
            && routes.len() == self.config.route.len()
            && queues.len() == self.config.queue.len();
        let inner = Inner {
            server: self.config.server.clone(),
            admin: self.config.admin.clone(),
            layer: self.config.layer.clone(),
            store,
            limits: self.config.limits(),
            limits_as_written: self.config.limits.clone(),
            summary: self.config.log.summary.duration(),
            routes,
            queues,
            consumers,
            written: self.config.written.0.clone(),
        };
        complete.then(|| Router { inner: Arc::new(inner) })
    }

    fn tokens(&self, diagnostics: &mut Vec<Diagnostic>) -> BTreeMap<&'a str, Arc<Token>> {
        let mut tokens = BTreeMap::new();
        for (name, auth) in &self.config.auth {
            let secret = auth.secret.expose();
            // A stand-in for a key cannot be checked against the algorithms.
            let unknown = [Algorithm::HS256];
            let algorithms =
                if is_stand_in(secret) { &unknown } else { auth.algorithms.as_slice() };
            match Token::new(algorithms, secret, auth.from.clone()) {
                Ok(token) => {
                    let token = token
                        .issuer(&auth.issuer)
                        .audience(&auth.audience)
                        .leeway(auth.leeway.duration())
                        .bind_ip(auth.bind_ip)
                        .close_at_exp(auth.close_at_exp);
                    tokens.insert(name.as_str(), Arc::new(token));
                }
                Err(message) => diagnostics.push(Diagnostic::new(auth.secret.span, message)),
            }
        }
        tokens
    }

    fn route(
        &mut self,
        index: usize,
        route: &'a Spanned<RouteConfig>,
        span: String,
        tokens: &BTreeMap<&str, Arc<Token>>,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Option<Route> {
        let lost = |key: &str| route.lost.iter().any(|lost| lost == key);
        let parameters = match &route.path {
            Some(path) => Some(path.names().map(str::to_owned).collect()),
            None if lost("path") => None,
            None => Some(Vec::new()),
        };
        let queue = match &route.queue {
            Some(name) if self.config.queue.contains_key(&name.value) => QueueUse::Named,
            None if !lost("queue") => QueueUse::None,
            _ => QueueUse::Mistaken,
        };
        let has_token = has_token(route, &self.config.route);
        let place = |mut place: ConsumerUse| {
            place.parameters.clone_from(&parameters);
            place.channels = route.channel.iter().collect();
            place.has_token = has_token;
            place.queue = queue;
            place
        };
        let consumer = self.consumers_of(route, place, diagnostics)?;
        let named = |name: &str| {
            let token = Arc::clone(tokens.get(name)?);
            Some(Named { name: name.into(), token })
        };
        let auth = match route.token() {
            None => None,
            Some(name) => Some(named(name)?),
        };
        let demands = demands(route, &self.config.route).into_iter().map(named);
        Some(Route {
            index,
            span,
            channels: route.channel.iter().collect(),
            path: route.path.as_ref().map(|path| path.value.clone()),
            methods: route.method.iter().flat_map(|methods| methods.iter().cloned()).collect(),
            when: route
                .when
                .iter()
                .map(|(field, values)| (field.clone(), values.value.clone()))
                .collect(),
            auth,
            demands: demands.collect::<Option<_>>()?,
            open: route.auth.as_ref().is_some_and(|auth| auth.value == RouteAuth::Open),
            origins: match &route.origins {
                Some(origins) => origins.as_slice().into(),
                None => Arc::clone(&self.origins),
            },
            has_own_origins: route.origins.is_some(),
            queue: route.queue.as_ref().map(|name| name.value.clone()),
            uses: self.uses_of(route),
            consumer,
            own_limits: route.limits.clone(),
            limits: route.limits.over(self.config.limits()),
            envelope: route.envelope(),
        })
    }

    /// The consumers of a route, checked as the last of them. `None` if the program lacks one.
    fn consumers_of(
        &mut self,
        route: &'a Spanned<RouteConfig>,
        place: impl Fn(ConsumerUse) -> ConsumerUse,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Option<Checked> {
        let count = route.consumer.iter().len();
        let mut checked = Vec::new();
        for (name, span) in route.consumer.spanned(route.consumer.span) {
            let Some(found) = self.consumers.find(name, span, diagnostics) else { continue };
            let is_socket = found.factory.is_socket();
            if is_socket && count > 1 {
                let message = format!("{name} is a socket consumer and cannot be one of a list");
                let help = "give it a route of its own".to_owned();
                diagnostics.push(Diagnostic::new(span, message).help(help));
            } else if is_socket && route.channel.contains(Channel::Request) {
                let message = format!("{name} is a socket consumer and cannot serve http.request");
                let help = "route it by channel = \"websocket.*\"".to_owned();
                diagnostics.push(Diagnostic::new(span, message).help(help));
            }
            let served = self.registry.channels(found.uses);
            let place = place(found.place(name, span));
            checked.push(Checked::new(found.factory, None, &place, served, diagnostics));
        }
        let last = checked.pop().filter(|_| checked.len() + 1 == count)?;
        Some(last.after(checked))
    }

    /// The program's consumers behind the names in a route.
    fn uses_of(&self, route: &RouteConfig) -> String {
        let uses = |name: &str| self.consumers.uses(name).unwrap_or_default().to_owned();
        route.consumer.iter().map(uses).collect::<Vec<_>>().join(", ")
    }

    fn worker(
        &mut self,
        queue: &'a Spanned<QueueConfig>,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Option<Checked> {
        let found = self.consumers.find(&queue.consumer, queue.consumer.span, diagnostics)?;
        if found.factory.is_socket() {
            let message = format!("{} is a socket consumer and cannot do tasks", queue.consumer);
            diagnostics.push(Diagnostic::new(queue.consumer.span, message));
        }
        let mut place = found.place(&queue.consumer, queue.consumer.span);
        place.channels = vec![Channel::Task];
        place.queue = QueueUse::Named;
        let estimate = self.registry.estimate_of(found.uses);
        Some(Checked::new(found.factory, estimate, &place, None, diagnostics))
    }

    fn warn_of_unused(&self, warnings: &mut Vec<Diagnostic>) {
        for (name, auth) in &self.config.auth {
            let demands = |route: &Spanned<RouteConfig>| route.token() == Some(name);
            if !self.config.route.iter().any(demands) {
                let message = format!("no route demands the token {name:?}");
                let help = format!("write auth = {name:?} into the routes that it should protect");
                warnings.push(Diagnostic::new(auth.span, message).help(help));
            }
        }
        for (name, queue) in &self.config.queue {
            let used = |route: &Spanned<RouteConfig>| {
                route.queue.as_ref().is_some_and(|q| q.value == *name)
            };
            if !self.config.route.iter().any(used) {
                let message = format!("no route pushes to the queue {name:?}");
                warnings.push(Diagnostic::new(queue.span, message));
            }
        }
    }
}
