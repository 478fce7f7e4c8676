//! Replaces the table of a running service.

use std::collections::BTreeSet;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::changes::{Changes, is_equal};
use super::queues;
use super::states::{Handles, States};
use super::table::Table;
use super::{Service, SharedService, StartError};
use crate::contents::Contents;
use crate::routing::{Router, UsedConsumer};

impl Service {
    /// Replaces the table of this service. Replacements are done one at a time. A replacement that
    /// has begun is finished, even if its caller stops waiting.
    ///
    /// The states of new and changed consumers start first. If one cannot, nothing changes.
    /// Consumers and queues that are the same in both tables are kept, even if the rest of the
    /// table differs.
    ///
    /// - Messages that are being handled end on the former table. Queued tasks keep their place.
    ///   Clients stay connected, with their groups and the instances of their socket consumers. The
    ///   new routes and limits apply from their next event on, also to messages that wait for their
    ///   rate.
    /// - A changed queue keeps its tasks. If they exceed its new bounds, new ones are refused. A
    ///   removed queue answers its queued tasks with `refused` and finishes the running ones.
    /// - If no route matches a client's path any more, its former route gets the disconnect, and
    ///   the client is closed with 1012. If the path now needs other tokens, the client is closed
    ///   with 3000. A changed key applies to new connections.
    /// - [`Changes::kept`] names the settings that take effect only when the service starts.
    ///
    /// # Errors
    /// If a state cannot start, the system cannot start the threads of a new queue, or the service
    /// has been stopped. Nothing has changed then.
    pub async fn replace(&self, router: Router) -> Result<Changes, StartError> {
        let service = self.clone();
        let replaced = tokio::spawn(async move { service.replace_in_turn(router).await }).await;
        replaced.unwrap_or_else(|error| match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            // The runtime is at its end.
            Err(_) => Err(StartError::Stopped),
        })
    }

    async fn replace_in_turn(&self, router: Router) -> Result<Changes, StartError> {
        // The semaphore is never closed.
        let _turn = self.shared.turn.acquire().await;
        if self.running().stopped {
            return Err(StartError::Stopped);
        }
        let former = self.table();
        let kept = self.kept(former.router(), &router).await;
        let is_kept = |name: &str| kept.contains(name);
        let is_new = |consumer: &UsedConsumer| !is_kept(&consumer.name);
        let started = States::start(&router, &self.shared.publisher, is_new).await?;
        let mut states: Handles = started.handles().collect();
        states.extend(self.running().states.handles().filter(|(name, _)| is_kept(name)));
        match self.swap(&router, &former, &states, is_kept) {
            Ok(changed) => {
                drop(states);
                self.running().states.extend(started);
                self.retire(changed);
                self.shared.connections.tell().await;
                Ok(Changes::between(former.router(), &router, is_kept))
            }
            Err(error) => {
                drop(states);
                started.stop().await;
                Err(error)
            }
        }
    }

    /// The consumers that are the same in both tables, and whose files are as they were.
    async fn kept(&self, former: &Router, router: &Router) -> BTreeSet<Arc<str>> {
        let contents = self.running().states.files();
        let mut kept = BTreeSet::new();
        for consumer in router.consumers() {
            let name = &consumer.name;
            if !is_equal(former, router, name) {
                continue;
            }
            let is_same = match contents.get(name) {
                Some(before) => Contents::read(consumer.files()).await == *before,
                None => true,
            };
            if is_same {
                kept.insert(Arc::clone(name));
            }
        }
        kept
    }

    /// Makes the router's table and its queues those of the service; returns the states that the
    /// new table does not have.
    fn swap(
        &self,
        router: &Router,
        former: &Table,
        states: &Handles,
        is_kept: impl Fn(&str) -> bool,
    ) -> Result<States, StartError> {
        let SharedService { publisher, memory, home, .. } = &*self.shared;
        let queues = queues::make(router, home, memory, |name| former.queue(name).cloned());
        let generation = former.generation() + 1;
        let since = |name: &Arc<str>| {
            let since = former.since(name).filter(|_| is_kept(name));
            (Arc::clone(name), since.unwrap_or(generation))
        };
        let since = router.consumers().iter().map(|used| since(&used.name)).collect();
        let table = Table::new(router, generation, since, &queues, states, publisher);
        let mut running = self.running();
        if running.stopped {
            return Err(StartError::Stopped);
        }
        let new = running.queues.start_missing(&table)?;
        running.queues.extend(new);
        running.queues.change(&table, memory);
        running.jobs.end_changed(&is_kept);
        running.jobs.start(&table, |name| !is_kept(name));
        let changed = running.states.take_changed(&is_kept);
        let table = table.with_removed(running.queues.removed());
        publisher.set_queues(queues);
        self.shared.table.store(Arc::new(table));
        self.shared.generation.store(generation, Ordering::Release);
        Ok(changed)
    }
}
