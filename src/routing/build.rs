//! From the table as written to the table as used: every name is found, every consumer bound.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::thread::available_parallelism;

use tokio_util::task::TaskTracker;

use super::route::{Named, Route};
use super::{Inner, QueueOfRouter, Router};
use crate::auth::{Algorithm, Token};
use crate::config::{
    Loaded, Origin, QueueConfig, RouteAuth, RouteConfig, RoutingConfig, demands, is_stand_in,
};
use crate::consumer::{Blueprint, Bound, BoundJob, Registry};
use crate::extract::Binding;
use crate::layer::ChannelLayer;
use crate::memory::Memory;
use crate::message::Channel;
use crate::queue::{Rules, TaskQueue};
use crate::schedule::Bounds;
use crate::setting::{At, Mistake, Place, Size, Written, nearest};

/// The router, unless there are mistakes: those of the reading, and those that are found now.
pub(super) fn build(loaded: &mut Loaded, registry: &Registry) -> Option<Router> {
    let config = std::mem::take(&mut loaded.config);
    let built = Builder::new(&config, registry).build(loaded);
    loaded.config = config;
    loaded.forget_unknown();
    if let (None, true, [missing, ..]) = (&built, loaded.mistakes.is_empty(), &*loaded.missing) {
        let message = format!("{missing} is not set, and without it the rest cannot be checked");
        loaded.mistakes.push(Mistake::new(missing.place, message));
    }
    // A consumer's options are read for each route that leads to it, with the same mistakes.
    let mut seen = BTreeSet::new();
    loaded.mistakes.retain(|mistake| seen.insert((mistake.place, mistake.message.clone())));
    loaded.mistakes.sort_by_key(|mistake| mistake.place);
    loaded.warnings.sort_by_key(|warning| warning.place);
    built.filter(|_| loaded.mistakes.is_empty())
}

struct Builder<'a> {
    config: &'a RoutingConfig,
    registry: &'a Registry,
    layer: ChannelLayer,
    memory: Memory,
    queues: BTreeMap<&'a str, TaskQueue>,
    /// The consumers that routes and queues name, declared in the table or not.
    used: BTreeSet<&'a str>,
    /// Which pages may use a route that has no origins of its own.
    origins: Arc<[Origin]>,
}

impl<'a> Builder<'a> {
    fn new(config: &'a RoutingConfig, registry: &'a Registry) -> Self {
        let memory = memory(config);
        let queues = config.queue.iter().map(|(name, queue)| {
            let rules = rules(queue, memory.queued() / config.queue.len());
            (name.as_str(), TaskQueue::new(name.as_str(), rules, memory.clone()))
        });
        let queues = queues.collect();
        let layer = ChannelLayer::new(config.server.groups);
        let origins = config.server.origins.as_slice().into();
        Self { config, registry, layer, memory, queues, used: BTreeSet::new(), origins }
    }

    fn build(mut self, loaded: &mut Loaded) -> Option<Router> {
        let mistakes = &mut loaded.mistakes;
        let tokens = self.tokens(mistakes);
        let mut queues = Vec::new();
        for (name, queue) in &self.config.queue {
            let task_queue = self.queues.get(name.as_str()).cloned();
            if let (Some(consumer), Some(task_queue)) =
                (self.worker(queue, task_queue.clone(), mistakes), task_queue)
            {
                let (workers, nice) = (workers(queue), queue.nice);
                queues.push(QueueOfRouter { queue: task_queue, consumer, workers, nice });
            }
        }
        let mut routes = Vec::new();
        for (index, route) in self.config.route.iter().enumerate() {
            let place = loaded.sources.describe(route.place);
            routes.extend(self.route(index, route, place, &tokens, mistakes).map(Arc::new));
        }
        for consumer in &self.config.consumers_of_lost_routes {
            self.find(consumer, mistakes);
        }
        let jobs = self.jobs(mistakes);
        self.check_unused(mistakes);
        self.warn_of_unused(&mut loaded.warnings);
        let complete =
            routes.len() == self.config.route.len() && queues.len() == self.config.queue.len();
        let limits = self.config.limits();
        let inner = Inner {
            server: self.config.server.clone(),
            limits,
            routes,
            queues,
            jobs,
            layer: self.layer,
            memory: self.memory,
            node: uuid::Uuid::new_v4().simple().to_string()[..8].to_owned(),
            clients: AtomicU64::new(0),
            summary: self.config.log.summary.duration(),
            tracker: TaskTracker::new(),
        };
        complete.then(|| Router { inner: Arc::new(inner) })
    }

    fn tokens(&self, mistakes: &mut Vec<Mistake>) -> BTreeMap<&'a str, Arc<Token>> {
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
                Err(message) => mistakes.push(Mistake::new(auth.secret.place, message)),
            }
        }
        tokens
    }

    fn route(
        &mut self,
        index: usize,
        route: &'a At<RouteConfig>,
        place: String,
        tokens: &BTreeMap<&str, Arc<Token>>,
        mistakes: &mut Vec<Mistake>,
    ) -> Option<Route> {
        let lost = |key: &str| route.lost.iter().any(|lost| lost == key);
        let parameters = match &route.path {
            Some(path) => Some(path.names().map(str::to_owned).collect()),
            None if lost("path") => None,
            None => Some(Vec::new()),
        };
        let queue = route.queue.as_ref().and_then(|name| self.queues.get(name.as_str())).cloned();
        let found = self.find(&route.consumer, mistakes)?;
        if found.blueprint.is_socket() && route.channel.contains(Channel::Request) {
            let message =
                format!("{} keeps a WebSocket, and http.request has none", route.consumer);
            let help = "route it by channel = \"websocket.*\"".to_owned();
            mistakes.push(Mistake::new(route.consumer.place, message).help(help));
        }
        let uses = found.uses.to_owned();
        let mut binding = self.binding_of(&found, &route.consumer, parameters);
        binding.bring(route.channel.iter());
        if let Some(channels) = self.registry.channels(found.uses) {
            binding.only_on(channels, mistakes);
        }
        match queue {
            Some(queue) => binding.insert(queue),
            None if route.queue.is_some() || lost("queue") => binding.excuse::<TaskQueue>(),
            None => {}
        }
        let consumer = Bound::new(found.blueprint, binding, mistakes);
        let named = |name: &str| {
            let token = Arc::clone(tokens.get(name)?);
            Some(Named { name: name.to_owned(), token })
        };
        let auth = match route.token() {
            None => None,
            Some(name) => Some(named(name)?),
        };
        let demands = demands(route, &self.config.route).into_iter().map(named);
        Some(Route {
            index,
            place,
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
            consumer,
            uses,
            own_limits: route.limits.clone(),
            limits: route.limits.over(self.config.limits()),
            envelope: route.envelope(),
        })
    }

    fn worker(
        &mut self,
        queue: &'a At<QueueConfig>,
        task_queue: Option<TaskQueue>,
        mistakes: &mut Vec<Mistake>,
    ) -> Option<Bound> {
        let found = self.find(&queue.consumer, mistakes)?;
        if found.blueprint.is_socket() {
            let message = format!("{} keeps a WebSocket, and a task has none", queue.consumer);
            mistakes.push(Mistake::new(queue.consumer.place, message));
        }
        let estimate = self.registry.estimate_of(found.uses);
        let mut binding = self.binding_of(&found, &queue.consumer, None);
        if let Some(queue) = task_queue {
            binding.insert(queue);
        }
        Some(Bound::new(found.blueprint, binding, mistakes).with_estimate(estimate))
    }

    fn find(&mut self, name: &'a At<String>, mistakes: &mut Vec<Mistake>) -> Option<Found<'a>> {
        let declared = self.config.consumer.get(&name.value);
        self.used.insert(name.as_str());
        let (uses, place, options) = match declared {
            Some(consumer) => (&consumer.uses, consumer.place, consumer.options.clone()),
            None => (name, name.place, Written::default()),
        };
        let Some(blueprint) = self.registry.get(uses) else {
            let own = self.config.consumer.keys().filter(|_| declared.is_none());
            let mut candidates: Vec<String> = own.cloned().collect();
            candidates.extend(self.registry.names().map(str::to_owned));
            let help = nearest(uses, "consumers", candidates.iter().map(String::as_str));
            mistakes.push(
                Mistake::new(uses.place, format!("unknown consumer {:?}", uses.value)).help(help),
            );
            return None;
        };
        Some(Found { blueprint, uses, place, options })
    }

    fn binding_of(
        &self,
        found: &Found<'_>,
        name: &At<String>,
        parameters: Option<Vec<String>>,
    ) -> Binding {
        self.binding(name, name.place, found.place, found.options.clone(), parameters)
    }

    /// What every consumer of this name is given, and the jobs beside it.
    fn binding(
        &self,
        name: &str,
        place: Place,
        declared: Place,
        mut options: Written,
        parameters: Option<Vec<String>>,
    ) -> Binding {
        if options.place == Place::default() {
            options.place = declared;
        }
        let mut binding = Binding::new(name, place, options, parameters);
        binding.insert(self.layer.clone());
        binding
    }

    /// The jobs beside the consumers in use: once for each name, however many routes it has.
    fn jobs(&self, mistakes: &mut Vec<Mistake>) -> Vec<BoundJob> {
        let mut bound = Vec::new();
        for name in &self.used {
            let declared = self.config.consumer.get(*name);
            let uses = declared.map_or(*name, |consumer| consumer.uses.as_str());
            for job in self.registry.jobs(uses) {
                let options = declared.map(|consumer| consumer.options.clone());
                let place = declared.map_or_else(Place::default, |consumer| consumer.place);
                let binding = self.binding(name, place, place, options.unwrap_or_default(), None);
                bound.push(BoundJob::new(Arc::clone(job), binding, mistakes));
            }
        }
        bound
    }

    /// Reads the options of consumers that nothing leads to: a misspelt name elsewhere may be why,
    /// and must not hide their mistakes.
    fn check_unused(&self, mistakes: &mut Vec<Mistake>) {
        for (name, consumer) in &self.config.consumer {
            if self.used.contains(name.as_str()) {
                continue;
            }
            let Some(blueprint) = self.registry.get(&consumer.uses) else {
                let help = nearest(&consumer.uses, "consumers", self.registry.names());
                let message = format!("unknown consumer {:?}", consumer.uses.value);
                mistakes.push(Mistake::new(consumer.uses.place, message).help(help));
                continue;
            };
            let (uses, place, options) =
                (consumer.uses.as_str(), consumer.place, consumer.options.clone());
            let name = At::new(name.clone(), place);
            let mut found = Vec::new();
            let binding = self.binding_of(
                &Found { blueprint: Arc::clone(&blueprint), uses, place, options },
                &name,
                None,
            );
            Bound::new(blueprint, binding, &mut found);
            // What it lacks of a route, it may lack: there is none.
            mistakes.extend(found.into_iter().filter(|mistake| mistake.place != place));
        }
    }

    fn warn_of_unused(&self, warnings: &mut Vec<Mistake>) {
        for (name, consumer) in &self.config.consumer {
            if !self.used.contains(name.as_str()) {
                let message = format!("no route and no queue uses the consumer {name:?}");
                warnings.push(Mistake::new(consumer.place, message));
            }
        }
        for (name, auth) in &self.config.auth {
            let demands = |route: &At<RouteConfig>| route.token() == Some(name);
            if !self.config.route.iter().any(demands) {
                let message = format!("no route demands the token {name:?}");
                let help = format!("write auth = {name:?} into the routes that it shall protect");
                warnings.push(Mistake::new(auth.place, message).help(help));
            }
        }
        for (name, queue) in &self.config.queue {
            let used =
                |route: &At<RouteConfig>| route.queue.as_ref().is_some_and(|q| q.value == *name);
            if !self.config.route.iter().any(used) {
                let message = format!("no route puts anything on the queue {name:?}");
                warnings.push(Mistake::new(queue.place, message));
            }
        }
    }
}

struct Found<'a> {
    blueprint: Arc<dyn Blueprint>,
    uses: &'a str,
    place: Place,
    options: Written,
}

/// One message of the largest size that a route takes can always be received.
fn memory(config: &RoutingConfig) -> Memory {
    let routes = config.route.iter().map(|route| route.limits.over(config.limits()).message);
    let largest = routes.map(Size::as_usize).max().unwrap_or(0);
    let per_address = config.server.half_received.as_usize().max(largest.saturating_mul(2));
    Memory::new(config.server.memory_size().as_usize(), per_address)
}

/// The queue's rules, within its share of the service's memory.
fn rules(queue: &QueueConfig, share: usize) -> Rules {
    let bounds = Bounds {
        client_tasks: queue.max_tasks.client,
        total_tasks: queue.max_tasks.total,
        client_bytes: queue.max_bytes.client.as_usize().min(share),
        total_bytes: queue.max_bytes.total.as_usize().min(share),
        deadline: queue.deadline.duration(),
        order: queue.order,
    };
    Rules {
        bounds,
        fair_by: queue.fair_by.clone(),
        on_disconnect: queue.on_disconnect,
        workers: workers(queue),
        waiting: queue.waiting,
    }
}

fn workers(queue: &QueueConfig) -> usize {
    match queue.workers {
        0 => available_parallelism().map_or(1, usize::from),
        workers => workers,
    }
}
