//! The consumers that a routing table may name.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use super::background::{Background, FunctionJob, Job};
use super::estimate::Estimate;
use super::factory::{Elapsed, Factory, Function, Socket};
use super::function::Consumer;
use super::listed::Listed;
use super::precedence::{Precedence, Preceding};
use super::socket::{Constructor, SocketConsumer};
use crate::extract::FromGiven;
use crate::memory::Need;
use crate::message::{Channel, Message};
use crate::queue::{StoreKind, TransitStore};
use crate::setting::ConsumerOptions;
use crate::state::{StateKind, Stateful};

/// The consumers that a routing table may name. They are listed in one place, and not collected at
/// link time, so a consumer that is not listed does not exist.
#[derive(Clone, Default)]
pub struct Registry {
    consumers: BTreeMap<&'static str, Arc<dyn Factory>>,
    channels: BTreeMap<&'static str, Vec<Channel>>,
    jobs: BTreeMap<&'static str, Vec<Arc<dyn Job>>>,
    precedences: BTreeMap<&'static str, fn(&Message) -> Precedence>,
    estimates: BTreeMap<&'static str, Estimate>,
    states: BTreeMap<&'static str, StateKind>,
    /// Consumers whose tasks are charged the time that passes.
    elapsed: BTreeSet<&'static str>,
    /// The names of consumers, by the keys that imply them.
    kinds: BTreeMap<&'static str, &'static str>,
    /// The kinds of stores, by their keys in `[layer] store`.
    stores: BTreeMap<&'static str, StoreKind>,
    /// Descriptions of the consumers.
    words: BTreeMap<&'static str, &'static str>,
}

impl Registry {
    /// Without consumers.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Lists a function under a name; it replaces an earlier consumer of that name.
    #[must_use]
    pub fn function<A: 'static>(mut self, name: &'static str, consumer: impl Consumer<A>) -> Self {
        let function = Function { consumer: Arc::new(consumer), arguments: PhantomData };
        self.consumers.insert(name, Arc::new(function));
        self
    }

    /// Lists a socket consumer under a name, with the function that makes its instances.
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

    /// Lists a background job for the consumer with this name. It runs while the consumer is
    /// served.
    #[must_use]
    pub fn background<A: 'static>(mut self, name: &'static str, job: impl Background<A>) -> Self {
        let job = FunctionJob { job, arguments: PhantomData };
        self.jobs.entry(name).or_default().push(Arc::new(job));
        self
    }

    /// Lets the consumer with this name decide which of its WebSocket messages are handled before
    /// the messages that wait because they are over their route's `rate`. By default, all are
    /// handled in turn.
    ///
    /// ```
    /// use waterway::consumer::Precedence;
    /// use waterway::{Message, Registry, Text};
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

    /// Gives the consumer with this name a state, which its functions, constructors, estimates and
    /// background jobs take as a [`State<S>`](crate::State). A service makes the state once for
    /// each `[consumer.NAME]` that is in use.
    #[must_use]
    pub fn state<S: Stateful>(mut self, name: &'static str) -> Self {
        self.states.insert(name, StateKind::of::<S>());
        self
    }

    /// Charges each task of the consumer with this name the time from its begin to its end, and not
    /// the CPU time of its worker: for consumers whose work is done outside of this process. A queue
    /// shares its workers fairly by what tasks are charged.
    #[must_use]
    pub fn charge_elapsed(mut self, name: &'static str) -> Self {
        self.elapsed.insert(name);
        self
    }

    /// Lets a `[consumer.NAME]` without `use` find the consumer with this name by one of its keys.
    /// The key is also an option of the consumer, like all other keys.
    ///
    /// ```
    /// use waterway::testing::{self, TestClient};
    /// use waterway::{Options, Registry, schemars};
    ///
    /// #[derive(serde::Deserialize, schemars::JsonSchema)]
    /// struct Say {
    ///     say: String,
    /// }
    ///
    /// let say = async |options: Options<Say>| options.say.clone();
    /// let registry = Registry::new().function("say", say).kind("say", "say");
    /// let table = "
    ///     [consumer.greet]
    ///     say = 'hello'
    ///     [[route]]
    ///     channel  = 'websocket.receive'
    ///     path     = '/'
    ///     consumer = 'greet'
    /// ";
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// let service = testing::start(table, &registry).await;
    /// let mut client = TestClient::connect(&service, "/").await.expect("accepted");
    /// client.send("anything").await;
    /// assert_eq!(client.receive().await.text(), "hello");
    /// # });
    /// ```
    #[must_use]
    pub fn kind(mut self, key: &'static str, name: &'static str) -> Self {
        self.kinds.insert(key, name);
        self
    }

    /// Lists a kind of store for the contents of queued tasks: `[layer] store = { KEY = OPTIONS }`.
    /// `make` makes the store when the table is checked, and opens nothing yet. Its error is a
    /// mistake of the table, with the way out on the second line.
    ///
    /// The kind `folder` is always there.
    #[must_use]
    pub fn transit_store<O: ConsumerOptions>(
        mut self,
        key: &'static str,
        make: fn(O) -> Result<Arc<dyn TransitStore>, String>,
    ) -> Self {
        self.stores.insert(key, StoreKind::of(make));
        self
    }

    /// Adds everything that another registry lists; its own consumers take precedence over others
    /// of the same name.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        let Self {
            consumers,
            channels,
            jobs,
            precedences,
            estimates,
            states,
            elapsed,
            kinds,
            stores,
            words,
        } = other;
        for (name, factory) in consumers {
            if self.consumers.contains_key(name) {
                continue;
            }
            self.consumers.insert(name, factory);
            self.channels.extend(channels.get_key_value(name).map(|(n, c)| (*n, c.clone())));
            self.jobs.extend(jobs.get_key_value(name).map(|(n, j)| (*n, j.clone())));
            self.precedences.extend(precedences.get_key_value(name));
            self.estimates.extend(estimates.get_key_value(name).map(|(n, e)| (*n, e.clone())));
            self.states.extend(states.get_key_value(name));
            self.elapsed.extend(elapsed.get(name));
            self.words.extend(words.get_key_value(name));
        }
        for (key, name) in kinds {
            self.kinds.entry(key).or_insert(name);
        }
        for (key, store) in stores {
            self.stores.entry(key).or_insert(store);
        }
        self
    }

    /// Says how much memory the consumer with this name needs for a message, given its options or
    /// another [`FromGiven`]. A queue begins a task of this consumer only when that much memory is
    /// free. The estimate runs on a worker's thread before each task and should look only at the
    /// beginning of the message. Without an estimate, a task is assumed to need no memory.
    ///
    /// An estimate that panics counts as zero; the consumer then reports the fault of the message.
    #[must_use]
    pub fn estimate<G: FromGiven + 'static>(
        mut self,
        name: &'static str,
        estimate: impl Fn(&Message, &G) -> Need + Send + Sync + 'static,
    ) -> Self {
        self.estimates.insert(name, Estimate::new(estimate));
        self
    }

    /// Says which events the consumer with this name can serve; a route that sends it others is a
    /// mistake. Arguments that only some events provide, such as [`Text`](crate::extract::Text) or
    /// [`CloseCode`](crate::extract::CloseCode), declare this by themselves.
    ///
    /// ```
    /// use waterway::message::Channel;
    /// use waterway::{ChannelLayer, Error, Registry, ReplyChannel};
    ///
    /// async fn join(client: ReplyChannel, layer: ChannelLayer) -> Result<(), Error> {
    ///     layer.group("all").add(&client).await
    /// }
    ///
    /// let registry = Registry::new().function("join", join).serves("join", [Channel::Connect]);
    /// ```
    #[must_use]
    pub fn serves(mut self, name: &'static str, channels: impl Into<Vec<Channel>>) -> Self {
        self.channels.insert(name, channels.into());
        self
    }

    /// Describes the consumer with this name in one or more sentences, for `waterway consumers`.
    /// A terminal shows Markdown without its marks.
    ///
    /// ```
    /// use waterway::{Registry, Text};
    ///
    /// async fn shout(Text(text): Text) -> String {
    ///     text.to_uppercase()
    /// }
    ///
    /// let registry = Registry::new()
    ///     .function("shout", shout)
    ///     .about("shout", "Sends every text back in capitals.");
    /// assert_eq!(registry.list("shout").unwrap().about, "Sends every text back in capitals.");
    /// ```
    #[must_use]
    pub fn about(mut self, name: &'static str, words: &'static str) -> Self {
        self.words.insert(name, words);
        self
    }

    /// The facts about the consumer with this name that a deployer needs; `None` if it is unknown.
    #[must_use]
    pub fn list(&self, name: &str) -> Option<Listed> {
        Listed::of(self, name)
    }

    /// The names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.consumers.keys().copied()
    }

    /// The keys by which a `[consumer.NAME]` without `use` finds its consumer, sorted.
    pub(crate) fn kinds(&self) -> &BTreeMap<&'static str, &'static str> {
        &self.kinds
    }

    /// The kinds of stores, by their keys, sorted.
    pub(crate) fn stores(&self) -> &BTreeMap<&'static str, StoreKind> {
        &self.stores
    }

    pub(super) fn words_of(&self, name: &str) -> &'static str {
        self.words.get(name).copied().unwrap_or_default()
    }

    pub(crate) fn state_of(&self, name: &str) -> Option<StateKind> {
        self.states.get(name).copied()
    }

    /// The background jobs of the consumer with this name.
    pub(crate) fn jobs(&self, name: &str) -> &[Arc<dyn Job>] {
        self.jobs.get(name).map(Vec::as_slice).unwrap_or_default()
    }

    pub(crate) fn estimate_of(&self, name: &str) -> Option<Estimate> {
        self.estimates.get(name).cloned()
    }

    /// The events that the consumer with this name can serve, if the registry lists them.
    pub(crate) fn channels(&self, name: &str) -> Option<&[Channel]> {
        self.channels.get(name).map(Vec::as_slice)
    }

    pub(crate) fn get(&self, name: &str) -> Option<Arc<dyn Factory>> {
        let mut factory = Arc::clone(self.consumers.get(name)?);
        if self.elapsed.contains(name) {
            factory = Arc::new(Elapsed { factory });
        }
        Some(match self.precedences.get(name) {
            Some(&precedence) => Arc::new(Preceding { factory, precedence }),
            None => factory,
        })
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}
