//! What a route gives its consumer when the table is loaded.

use std::any::{Any, TypeId};
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use crate::message::Channel;
use crate::setting::{Mistake, Place, Written};

/// What a route gives its consumer: its name, its options, the names of the path's parameters, and
/// things such as a task queue, each found by its type.
pub struct Binding {
    consumer: Arc<str>,
    place: Place,
    options: Written,
    options_read: bool,
    parameters: Option<Vec<String>>,
    channels: Vec<Channel>,
    things: HashMap<TypeId, Arc<dyn Any + Send + Sync>>,
    excused: HashSet<TypeId>,
}

impl Binding {
    pub(crate) fn new(
        consumer: impl Into<Arc<str>>,
        place: Place,
        options: Written,
        parameters: Option<Vec<String>>,
    ) -> Self {
        let consumer = consumer.into();
        let (options_read, things, excused) = (false, HashMap::new(), HashSet::new());
        let channels = Vec::new();
        Self { consumer, place, options, options_read, parameters, channels, things, excused }
    }

    /// The name by which the route calls its consumer.
    #[must_use]
    pub fn consumer(&self) -> &Arc<str> {
        &self.consumer
    }

    /// The names of the parameters in the route's path; `None` for a queue's consumer, whose
    /// tasks come from many routes.
    #[must_use]
    pub fn parameters(&self) -> Option<&[String]> {
        self.parameters.as_deref()
    }

    /// Reports the route's events that are not in `channels`: the events that can provide an
    /// argument, or that a consumer can serve. Without a route, as for a queue's consumer, there is
    /// nothing to report.
    pub fn only_on(&self, channels: &[Channel], mistakes: &mut Vec<Mistake>) {
        let names = |channels: Vec<&Channel>, between| {
            let names: Vec<&str> = channels.into_iter().map(|channel| channel.name()).collect();
            names.join(between)
        };
        let others: Vec<_> = self.channels.iter().filter(|c| !channels.contains(c)).collect();
        if !others.is_empty() {
            let message = format!("{} cannot serve {}", self.consumer, names(others, " and "));
            let help = format!("it serves {}", names(channels.iter().collect(), " and "));
            mistakes.push(self.mistake(message, help));
        }
    }

    /// Says which events the route brings.
    pub(crate) fn bring(&mut self, channels: impl IntoIterator<Item = Channel>) {
        self.channels.extend(channels);
    }

    /// A thing that was put in, by its type.
    #[must_use]
    pub fn get<T: Any>(&self) -> Option<&T> {
        self.things.get(&TypeId::of::<T>())?.downcast_ref()
    }

    /// Puts in what each message will need.
    pub fn insert<T: Any + Send + Sync>(&mut self, thing: T) {
        self.things.insert(TypeId::of::<T>(), Arc::new(thing));
    }

    /// Notes that the route names a `T` wrongly, and that this mistake is already reported.
    pub(crate) fn excuse<T: Any>(&mut self) {
        self.excused.insert(TypeId::of::<T>());
    }

    /// Whether a `T` is missing, and no other mistake explains why.
    pub(crate) fn lacks<T: Any>(&self) -> bool {
        self.get::<T>().is_none() && !self.excused.contains(&TypeId::of::<T>())
    }

    /// A mistake at the place where the route names its consumer.
    #[must_use]
    pub fn mistake(&self, message: impl Into<String>, help: impl Into<String>) -> Mistake {
        Mistake::new(self.place, message).help(help.into())
    }

    /// The consumer's options as written.
    pub(super) fn read_options(&mut self) -> &Written {
        self.options_read = true;
        &self.options
    }

    /// Options that no argument has read are options that mean nothing.
    pub(crate) fn unread_options(&self) -> Option<&Written> {
        let written = self.options.as_table().is_none_or(|table| !table.entries.is_empty());
        (!self.options_read && written).then_some(&self.options)
    }
}

impl fmt::Debug for Binding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Binding").field("consumer", &self.consumer).finish_non_exhaustive()
    }
}
