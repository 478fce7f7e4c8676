//! The states and background jobs of a service's consumers: one of each for a name of the table,
//! for as long as the consumer is unchanged.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::StartError;
use super::table::Table;
use crate::action::Publisher;
use crate::contents::Contents;
use crate::routing::{Router, UsedConsumer};
use crate::state::{AnyState, Host, LiveState, StateHandle};

/// The states of consumers, by their names in the table.
#[derive(Debug, Default)]
pub(super) struct States(BTreeMap<Arc<str>, LiveState>);

/// Handles of the states for the consumers of a table, by the same names.
pub(super) type Handles = BTreeMap<Arc<str>, StateHandle>;

/// The background jobs of consumers, by the consumers' names. Dropping them ends the jobs.
#[derive(Debug, Default)]
pub(super) struct Jobs(BTreeMap<Arc<str>, Vec<DropGuard>>);

impl States {
    /// Starts the states of the table's `new` consumers, all at the same time.
    ///
    /// # Errors
    /// If one cannot start. The others are then stopped.
    pub(super) async fn start(
        router: &Router,
        publisher: &Publisher,
        new: impl Fn(&UsedConsumer) -> bool,
    ) -> Result<Self, StartError> {
        let consumers = router.consumers().iter().filter(|consumer| new(consumer));
        let starting = consumers.filter_map(|consumer| {
            let kind = consumer.state?;
            let name = Arc::clone(&consumer.name);
            let layer = publisher.layer().clone();
            let host = Host::new(Arc::clone(&name), layer, publisher.clone());
            Some(async move { (name, kind.start(&consumer.options, host).await) })
        });
        let (mut started, mut failed) = (Self::default(), None);
        for (consumer, state) in join_all(starting).await {
            match state {
                Ok(state) => {
                    started.0.insert(consumer, state);
                }
                Err(error) => failed = failed.or(Some(StartError::State { consumer, error })),
            }
        }
        match failed {
            None => Ok(started),
            Some(error) => {
                started.stop().await;
                Err(error)
            }
        }
    }

    /// Stops all states, which must not be used any more.
    pub(super) async fn stop(self) {
        let ending = CancellationToken::new();
        join_all(self.0.into_values().map(|state| state.stop(Duration::MAX, ending.clone()))).await;
    }

    /// The contents of the consumers' files when their states were made.
    pub(super) fn files(&self) -> BTreeMap<Arc<str>, Contents> {
        let files = self.0.iter();
        files.map(|(name, state)| (Arc::clone(name), state.files().clone())).collect()
    }

    pub(super) fn handles(&self) -> impl Iterator<Item = (Arc<str>, StateHandle)> {
        self.0.iter().map(|(name, state)| (Arc::clone(name), state.handle().clone()))
    }

    /// The state of the consumer with this name.
    pub(super) fn state(&self, consumer: &str) -> Option<Arc<dyn AnyState>> {
        self.0.get(consumer).map(LiveState::state)
    }

    /// Adds states of other names.
    pub(super) fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// Removes and returns the states of consumers that are not `kept`.
    pub(super) fn take_changed(&mut self, kept: impl Fn(&str) -> bool) -> Self {
        let states = std::mem::take(&mut self.0);
        let (kept, changed) = states.into_iter().partition(|(name, _)| kept(name));
        self.0 = kept;
        Self(changed)
    }

    pub(super) fn into_states(self) -> impl Iterator<Item = LiveState> {
        self.0.into_values()
    }
}

impl Jobs {
    /// Starts the background jobs of the table's `new` consumers.
    pub(super) fn start(&mut self, table: &Table, new: impl Fn(&str) -> bool) {
        for (consumer, job) in table.jobs().iter().filter(|(consumer, _)| new(consumer)) {
            let (job, ended) = (job.clone(), CancellationToken::new());
            let guards = self.0.entry(Arc::clone(consumer)).or_default();
            guards.push(ended.clone().drop_guard());
            tokio::spawn(async move {
                ended.run_until_cancelled_owned(job.keep_running()).await;
            });
        }
    }

    /// Ends the background jobs of consumers that are not `kept`.
    pub(super) fn end_changed(&mut self, kept: impl Fn(&str) -> bool) {
        self.0.retain(|consumer, _| kept(consumer));
    }
}
