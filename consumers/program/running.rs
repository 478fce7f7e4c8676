//! Which programs of a consumer run, and which of them has the events of a connection.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use waterway::message::Channel;

use super::instance::Instance;

/// The programs of a consumer that run or are being started.
#[derive(Default)]
pub(super) struct Running {
    pub(super) ready: Vec<Arc<Instance>>,
    /// How many programs are being started, to be added to those that are ready.
    pub(super) starting: usize,
}

/// The program that has the events of a connection, kept for the connection.
#[derive(Default)]
pub(super) struct Sticky(Mutex<Weak<Instance>>);

impl Running {
    /// How many programs run or are being started.
    pub(super) fn count(&self) -> usize {
        self.ready.len() + self.starting
    }

    /// Whether this program is one of them, and takes events.
    pub(super) fn accepts_by(&self, instance: &Arc<Instance>) -> bool {
        instance.is_accepting() && self.ready.iter().any(|one| Arc::ptr_eq(one, instance))
    }

    /// The program with the fewest events, among those with room for an event of this channel; if
    /// none has room, among all.
    pub(super) fn least_busy(&self, channel: Channel) -> Option<&Arc<Instance>> {
        let accepting = self.ready.iter().filter(|instance| instance.is_accepting());
        accepting.min_by_key(|instance| (!instance.has_room(channel), instance.load()))
    }
}

impl Sticky {
    /// The program, unless it is over. It may belong to the consumer of a former table.
    pub(super) fn get(&self) -> Option<Arc<Instance>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).upgrade()
    }

    pub(super) fn set(&self, instance: &Arc<Instance>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Arc::downgrade(instance);
    }
}
