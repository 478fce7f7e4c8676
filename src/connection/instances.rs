//! The consumers' instances of a connection.

use std::sync::Arc;

use crate::consumer::Instance;
use crate::service::{LiveRoute, Table};

/// The consumers' instances of a connection.
#[derive(Default)]
pub(super) struct Instances(Vec<Owned>);

/// An instance and its owner.
struct Owned {
    owner: Owner,
    /// The number of the table since which its consumer is the same.
    since: u64,
    instance: Box<dyn Instance>,
}

/// The owner of an instance.
enum Owner {
    /// A socket consumer, by its name: it keeps one state, however many routes lead to it.
    Consumer(Arc<str>),
    /// A route to a function, because each route has its own queue.
    Route(LiveRoute),
}

impl Instances {
    /// The instance that serves this route.
    pub(super) fn of(&mut self, route: &LiveRoute) -> &mut dyn Instance {
        let at = self.0.iter().position(|owned| owned.owner.is_of(route));
        let at = at.unwrap_or_else(|| {
            let (owner, since) = (Owner::of(route), route.since());
            self.0.push(Owned { owner, since, instance: route.bound().instance() });
            self.0.len() - 1
        });
        self.0[at].instance.as_mut()
    }

    /// Forgets the instances of functions, because a new table gives functions other values. The
    /// instances of socket consumers belong to the connection and stay.
    pub(super) fn forget_functions(&mut self) {
        self.0.retain(|owned| matches!(owned.owner, Owner::Consumer(_)));
    }

    /// The socket consumer of an instance that the table has changed or removed since the instance
    /// was made.
    pub(super) fn outdated(&self, table: &Table) -> Option<&Arc<str>> {
        self.0.iter().find_map(|Owned { owner, since, .. }| match owner {
            Owner::Consumer(name) => (!table.has_since(name, *since)).then_some(name),
            Owner::Route(_) => None,
        })
    }
}

impl Owner {
    fn of(route: &LiveRoute) -> Self {
        let consumer = route.consumer();
        if consumer.is_socket() {
            Self::Consumer(Arc::clone(consumer.name()))
        } else {
            Self::Route(route.clone())
        }
    }

    /// Whether its instance serves this route.
    fn is_of(&self, route: &LiveRoute) -> bool {
        match self {
            Self::Consumer(name) => route.consumer().is_socket() && name == route.consumer().name(),
            Self::Route(own) => own.is(route),
        }
    }
}
