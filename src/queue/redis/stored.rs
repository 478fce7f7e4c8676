//! The contents of tasks that are in the store: this process stores those of its clients, reads those
//! of its workers, and removes the orphans of processes that have died.

use std::sync::Arc;

use bytes::Bytes;
use redis::cmd;
use tokio::runtime::Handle;
use tokio::time::{Duration, Instant, sleep, timeout_at};

use super::RedisQueue;
use super::accepted::{Entry, Number};
use super::pending::Unsettled;
use super::wire::{content_of, write_task};
use crate::error::{Error, code};
use crate::queue::task::Task;
use crate::queue::transit::{TransitError, TransitName, TransitStore};

/// The store that the processes of a queue share.
#[derive(Debug, Clone)]
pub(crate) struct LargeContents {
    pub(crate) store: Arc<dyn TransitStore>,
    /// The largest content that travels through the server, in bytes.
    pub(crate) inline: usize,
}

/// The content of an accepted task in the store. It is removed when this is dropped.
#[derive(Debug)]
pub(super) struct Stored {
    name: TransitName,
    store: Arc<dyn TransitStore>,
    runtime: Handle,
    unsettled: Unsettled,
}

/// When a client may try again whose content could not be stored, ms.
const RETRY_MS: u64 = 5000;
/// How often the processes of a deployment look for orphans.
const SWEEP: Duration = Duration::from_secs(5);
/// How many names a sweep looks at.
const PART: usize = 1024;
/// The pause between two tries to read a content.
const PAUSE: Duration = Duration::from_millis(200);

impl Stored {
    pub(super) fn name(&self) -> TransitName {
        self.name
    }
}

impl Drop for Stored {
    fn drop(&mut self) {
        let (name, store) = (self.name.to_string(), Arc::clone(&self.store));
        // The process does not end before.
        let pending = self.unsettled.begin();
        self.runtime.spawn(async move {
            let _pending = pending;
            if let Err(error) = store.remove(&name).await {
                let place = store.place();
                tracing::warn!(place, name, %error, "the content of an answered task stays in the store for now");
            }
        });
    }
}

impl RedisQueue {
    /// Stores the content of an accepted task. `None` if it travels through the server, or the task
    /// is answered already.
    ///
    /// # Errors
    /// `refused` if the server is away, and `storage` if the content could not be stored.
    pub(super) async fn store_content(
        &self,
        number: Number,
        task: &Task,
    ) -> Result<Option<Stored>, Error> {
        let shared = &self.shared;
        let is_large = |large: &&LargeContents| task.message.size() > large.inline;
        let Some(LargeContents { store, .. }) = shared.large.as_ref().filter(is_large) else {
            return Ok(None);
        };
        let Some(deadline) = self.accepted().get(number).map(Entry::deadline) else {
            return Ok(None);
        };
        let keeps = deadline.saturating_duration_since(shared.clock.now()) + shared.lease;
        let now = shared.store.time().await.map_err(|failure| failure.error())?;
        let name = TransitName::new(now, keeps);
        let stored = || Stored {
            name,
            store: Arc::clone(store),
            runtime: shared.runtime.clone(),
            unsettled: self.crew().unsettled.clone(),
        };
        let text = name.to_string();
        let put = timeout_at(deadline, store.put(&text, content_of(&task.message))).await;
        let error = match put {
            Ok(Ok(())) => return Ok(Some(stored())),
            Ok(Err(error)) => error,
            Err(late) => {
                // A part of it may be there.
                drop(stored());
                late.into()
            }
        };
        let (queue, place) = (&shared.name, store.place());
        tracing::error!(%queue, place, %error, "the content of a task could not be stored");
        let refused = Error::new(code::STORAGE, "the message could not be stored");
        Err(refused.with("retry_after_ms", RETRY_MS).because(error))
    }

    /// Puts the content of a dead letter of this process into the server: that in the store is
    /// removed with the answer.
    pub(super) fn keep_in_letter(&self, id: &str) {
        let number = self.number(id);
        let task = number.and_then(|number| {
            let accepted = self.accepted();
            let entry = accepted.get(number).filter(|entry| entry.stored.is_some())?;
            Some(entry.task.clone())
        });
        let Some(task) = task else { return };
        let (queue, id, pending) = (self.clone(), id.to_owned(), self.crew().unsettled.begin());
        self.shared.runtime.spawn(async move {
            let _pending = pending;
            let shared = &queue.shared;
            let body = write_task(&task.message, &queue.rules().headers, None);
            let mut set = cmd("SET");
            // Only if the server still has the letter, and no longer than without this.
            set.arg(shared.store.letter(&id)).arg(body).arg("XX").arg("KEEPTTL");
            let is_set = shared.store.server().query::<Option<String>>(&set).await;
            if let Err(failure) = is_set {
                let queue = &shared.name;
                tracing::warn!(%queue, task = id, error = %failure, "a dead letter stays without its content");
            }
        });
    }

    /// Removes orphans: contents whose time is over. Runs until it is dropped.
    pub(super) async fn sweep_store(&self) {
        let Some(LargeContents { store, .. }) = &self.shared.large else { return };
        let mut has_failed = false;
        loop {
            sleep(SWEEP).await;
            let place = store.place();
            match self.sweep(&**store, &place).await {
                Ok(0) => has_failed = false,
                Ok(removed) => {
                    has_failed = false;
                    tracing::info!(
                        place,
                        removed,
                        "contents whose processes have ended were removed"
                    );
                }
                Err(error) if !has_failed => {
                    has_failed = true;
                    tracing::warn!(place, %error, "the store of queued tasks cannot be swept");
                }
                Err(_) => {}
            }
        }
    }

    /// Looks at a part of the store, unless another process has just done so. Returns how many
    /// contents were removed.
    async fn sweep(&self, store: &dyn TransitStore, place: &str) -> Result<usize, TransitError> {
        let shared = &self.shared;
        // A little less, so that a process that is alone has each of its turns.
        let turn = shared.store.turn_to_sweep(&shared.node, place, SWEEP * 9 / 10);
        let Some(now) = turn.await? else { return Ok(0) };
        let mut removed = 0;
        for text in store.names(PART).await? {
            if text.parse().is_ok_and(|name: TransitName| name.is_over(now)) {
                store.remove(&text).await?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    /// The content with this name and length, for a task that a worker of this process has claimed.
    /// Tries again for the time of a lease while the store does not answer.
    ///
    /// # Errors
    /// `failed` if the store lacks the content, and `storage` if it does not answer. The log has the
    /// place.
    pub(super) async fn fetch_content(
        &self,
        id: &str,
        name: &str,
        length: u64,
    ) -> Result<Bytes, Error> {
        let (queue, until) = (&self.shared.name, Instant::now() + self.shared.lease);
        let Some(LargeContents { store, .. }) = &self.shared.large else {
            tracing::error!(%queue, task = id, name, "the content of a task is in a store, but [layer] has none");
            return Err(Error::failed("the table has no store"));
        };
        if name.parse::<TransitName>().is_err() {
            tracing::error!(%queue, task = id, name, "a task names its content as no process does");
            return Err(Error::failed("the name of a content is foreign"));
        }
        loop {
            let error = match store.get(name, length).await {
                Ok(Some(content)) => return Ok(content),
                Ok(None) => {
                    let place = store.place();
                    tracing::error!(%queue, task = id, place, name, "the content of a task is not in the store");
                    return Err(Error::failed("the content is not in the store"));
                }
                Err(error) => error,
            };
            if Instant::now() >= until {
                let place = store.place();
                tracing::error!(%queue, task = id, place, name, %error, "the content of a task cannot be read");
                return Err(
                    Error::new(code::STORAGE, "the message could not be read").because(error)
                );
            }
            sleep(PAUSE).await;
        }
    }
}
