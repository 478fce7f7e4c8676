//! The consumers that a routing table may name.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::background::{Background, FunctionJob, Job};
use super::function::Consumer;
use super::instance::{FunctionInstance, Instance, SocketInstance};
use super::precedence::{Precedence, Preceding};
use super::socket::{Constructor, SocketConsumer};
use crate::extract::{Binding, FromBinding, Options};
use crate::memory::Need;
use crate::message::{Channel, Message};
use crate::setting::Mistake;

/// The consumers that a routing table may name. It is written out in one place, never gathered at
/// link time: what is not listed does not exist.
#[derive(Clone, Default)]
pub struct Registry {
    consumers: BTreeMap<&'static str, Arc<dyn Blueprint>>,
    channels: BTreeMap<&'static str, Vec<Channel>>,
    jobs: BTreeMap<&'static str, Vec<Arc<dyn Job>>>,
    precedences: BTreeMap<&'static str, fn(&Message) -> Precedence>,
    estimates: BTreeMap<&'static str, Estimate>,
}

/// How much memory a queue's consumer needs for a message.
type Estimate = Arc<dyn Fn(&Message, &Binding) -> Need + Send + Sync>;

impl Registry {
    /// Without consumers.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Lists a function under a name; a later one takes the place of an earlier one.
    #[must_use]
    pub fn function<A: 'static>(mut self, name: &'static str, consumer: impl Consumer<A>) -> Self {
        let function = Function { consumer: Arc::new(consumer), arguments: PhantomData };
        self.consumers.insert(name, Arc::new(function));
        self
    }

    /// Lists a socket consumer under a name, by the function that makes its instances.
    #[must_use]
    pub fn socket<A: 'static, S: SocketConsumer>(
        mut self,
        name: &'static str,
        constructor: impl Constructor<A, S>,
    ) -> Self {
        let constructor = Arc::new(constructor);
        let socket = Socket::<_, A, S> { constructor, types: PhantomData };
        self.consumers.insert(name, Arc::new(socket));
        self
    }

    /// Has a job run beside the consumer of this name, for as long as it is served.
    #[must_use]
    pub fn background<A: 'static>(mut self, name: &'static str, job: impl Background<A>) -> Self {
        let job = FunctionJob { job, arguments: PhantomData };
        self.jobs.entry(name).or_default().push(Arc::new(job));
        self
    }

    /// Lets the consumer of this name say which of its WebSocket messages are handled before those
    /// that wait because they are over their route's `rate`. Without it, all are handled in turn.
    ///
    /// ```
    /// use waterway::{Message, Precedence, Registry, Text};
    ///
    /// async fn order(Text(text): Text) {}
    ///
    /// /// A cancel finds the order that it cancels, even if that still waits.
    /// fn precedence(message: &Message) -> Precedence {
    ///     let field = |name| Some(message.head()?.get(name)?.as_str()?.to_owned());
    ///     match field("type").as_deref() {
    ///         Some("cancel") => Precedence::AtOnce { withdraws: field("id") },
    ///         _ => Precedence::InTurn { name: field("id") },
    ///     }
    /// }
    ///
    /// let registry = Registry::new().function("order", order).precedence("order", precedence);
    /// ```
    #[must_use]
    pub fn precedence(
        mut self,
        name: &'static str,
        precedence: fn(&Message) -> Precedence,
    ) -> Self {
        self.precedences.insert(name, precedence);
        self
    }

    /// Says how much memory the consumer of this name needs for a message, given its options. A
    /// queue begins one of its tasks only when that much is free. It is asked on a worker's thread
    /// before each task and should look at the message's beginning alone. Without an estimate, a
    /// task is taken to need none.
    ///
    /// An estimate that panics counts as zero: the consumer then reports the fault of the message.
    #[must_use]
    pub fn estimate<O: DeserializeOwned + Any + Send + Sync>(
        mut self,
        name: &'static str,
        estimate: impl Fn(&Message, &O) -> Need + Send + Sync + 'static,
    ) -> Self {
        let with_options = move |message: &Message, binding: &Binding| {
            let options = Options::<O>::from_binding(binding);
            options.map_or(Need::new(0), |options| estimate(message, &options))
        };
        self.estimates.insert(name, Arc::new(with_options));
        self
    }

    /// Says which events the consumer of this name can serve; a route that brings it others is a
    /// mistake. Arguments that only some events bring, such as [`Text`](crate::extract::Text) or
    /// [`CloseCode`](crate::extract::CloseCode), say so by themselves.
    ///
    /// ```
    /// use waterway::{Channel, ChannelLayer, Error, Registry, ReplyChannel};
    ///
    /// async fn join(client: ReplyChannel, layer: ChannelLayer) -> Result<(), Error> {
    ///     layer.group("all").add(&client)
    /// }
    ///
    /// let registry = Registry::new().function("join", join).serves("join", [Channel::Connect]);
    /// ```
    #[must_use]
    pub fn serves(mut self, name: &'static str, channels: impl Into<Vec<Channel>>) -> Self {
        self.channels.insert(name, channels.into());
        self
    }

    /// The names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.consumers.keys().copied()
    }

    /// The jobs beside the consumer of this name.
    pub(crate) fn jobs(&self, name: &str) -> &[Arc<dyn Job>] {
        self.jobs.get(name).map(Vec::as_slice).unwrap_or_default()
    }

    pub(crate) fn estimate_of(&self, name: &str) -> Option<Estimate> {
        self.estimates.get(name).map(Arc::clone)
    }

    /// The events that the consumer of this name says it can serve.
    pub(crate) fn channels(&self, name: &str) -> Option<&[Channel]> {
        self.channels.get(name).map(Vec::as_slice)
    }

    pub(crate) fn get(&self, name: &str) -> Option<Arc<dyn Blueprint>> {
        let blueprint = Arc::clone(self.consumers.get(name)?);
        Some(match self.precedences.get(name) {
            Some(&precedence) => Arc::new(Preceding { blueprint, precedence }),
            None => blueprint,
        })
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

/// A consumer that is not yet bound to a route.
pub(crate) trait Blueprint: Send + Sync {
    fn bind(&self, binding: &mut Binding, mistakes: &mut Vec<Mistake>);
    fn instance(&self, binding: Arc<Binding>) -> Box<dyn Instance>;
    /// Whether it is a socket consumer.
    fn is_socket(&self) -> bool;
    /// Whether a message overtakes messages that wait.
    fn precedence(&self, _: &Message) -> Precedence {
        Precedence::default()
    }
}

/// A consumer bound to a route: it makes instances.
#[derive(Clone)]
pub(crate) struct Bound {
    blueprint: Arc<dyn Blueprint>,
    binding: Arc<Binding>,
    estimate: Option<Estimate>,
}

impl Bound {
    /// Lets the consumer's arguments look at the route; reports what does not fit.
    pub(crate) fn new(
        blueprint: Arc<dyn Blueprint>,
        mut binding: Binding,
        mistakes: &mut Vec<Mistake>,
    ) -> Self {
        blueprint.bind(&mut binding, mistakes);
        if let Some(options) = binding.unread_options() {
            let message = format!("{} takes no options", binding.consumer());
            let help = Some("leave only `use`".to_owned());
            mistakes.push(Mistake::new(options.place, message).help(help));
        }
        Self { blueprint, binding: Arc::new(binding), estimate: None }
    }

    /// With an estimate of what each message needs.
    pub(crate) fn with_estimate(mut self, estimate: Option<Estimate>) -> Self {
        self.estimate = estimate;
        self
    }

    /// How much memory it needs for this message.
    pub(crate) fn need(&self, message: &Message) -> Need {
        let estimate = self.estimate.as_ref();
        let need = estimate.map(|estimate| {
            catch_unwind(AssertUnwindSafe(|| estimate(message, &self.binding))).ok()
        });
        need.flatten().unwrap_or(Need::new(0))
    }

    pub(crate) fn name(&self) -> &Arc<str> {
        self.binding.consumer()
    }

    /// Whether it is a socket consumer.
    pub(crate) fn is_socket(&self) -> bool {
        self.blueprint.is_socket()
    }

    pub(crate) fn precedence(&self, message: &Message) -> Precedence {
        self.blueprint.precedence(message)
    }

    pub(crate) fn instance(&self) -> Box<dyn Instance> {
        self.blueprint.instance(Arc::clone(&self.binding))
    }
}

impl fmt::Debug for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Bound").field(self.name()).finish()
    }
}

struct Function<C, A> {
    consumer: Arc<C>,
    arguments: PhantomData<fn(A)>,
}

impl<C: Consumer<A>, A: 'static> Blueprint for Function<C, A> {
    fn bind(&self, binding: &mut Binding, mistakes: &mut Vec<Mistake>) {
        self.consumer.bind(binding, mistakes);
    }

    fn instance(&self, binding: Arc<Binding>) -> Box<dyn Instance> {
        let consumer = Arc::clone(&self.consumer);
        Box::new(FunctionInstance { consumer, binding, arguments: PhantomData })
    }

    fn is_socket(&self) -> bool {
        false
    }
}

struct Socket<C, A, S> {
    constructor: Arc<C>,
    types: PhantomData<fn(A) -> S>,
}

impl<C: Constructor<A, S>, A: 'static, S: SocketConsumer> Blueprint for Socket<C, A, S> {
    fn bind(&self, binding: &mut Binding, mistakes: &mut Vec<Mistake>) {
        self.constructor.bind(binding, mistakes);
    }

    fn instance(&self, binding: Arc<Binding>) -> Box<dyn Instance> {
        let constructor = Arc::clone(&self.constructor);
        let (socket, begun) = (None, false);
        Box::new(SocketInstance { constructor, binding, socket, begun, arguments: PhantomData })
    }

    fn is_socket(&self) -> bool {
        true
    }
}
