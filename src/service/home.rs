//! Where the queues of a service are: in this process, or in a server that many processes share.

use std::fmt;
use std::sync::Arc;

#[cfg(feature = "redis")]
use super::StartError;
#[cfg(feature = "redis")]
use crate::config::Backend;
use crate::memory::Memory;
#[cfg(feature = "redis")]
use crate::queue::{LargeContents, Shard};
use crate::queue::{Rules, TaskQueue};
use crate::routing::Router;

/// Where the queues of a service are.
#[derive(Clone)]
pub(super) struct Home {
    #[cfg(feature = "redis")]
    shard: Option<Shard>,
}

impl Home {
    /// The home that the table names. Nothing is opened yet.
    #[cfg_attr(not(feature = "redis"), expect(unused_variables, reason = "there is one home"))]
    pub(super) fn new(router: &Router) -> Self {
        #[cfg(feature = "redis")]
        let layer = router.layer();
        #[cfg(feature = "redis")]
        let server = layer.url.first().filter(|_| *layer.backend == Backend::Redis);
        #[cfg(feature = "redis")]
        let shard = server.map(|url| {
            let (lease, timeout) = (layer.lease.duration(), layer.timeout.duration());
            let server = crate::redis::Server::new(url.clone(), timeout);
            let inline = layer.inline.as_usize();
            let large =
                router.store().map(|store| LargeContents { store: Arc::clone(store), inline });
            Shard { server, prefix: layer.prefix.clone(), lease, timeout, large }
        });
        Self {
            #[cfg(feature = "redis")]
            shard,
        }
    }

    /// Makes the store for contents ready, if there is one.
    ///
    /// # Errors
    /// If nothing can be stored there.
    #[cfg(feature = "redis")]
    pub(super) async fn prepare(&self) -> Result<(), StartError> {
        let large = self.shard.as_ref().and_then(|shard| shard.large.as_ref());
        let Some(LargeContents { store, .. }) = large else { return Ok(()) };
        let prepared = store.prepare().await;
        prepared.map_err(|error| StartError::Store { place: store.place(), error })
    }

    /// The memory of this process.
    #[cfg(feature = "cli")]
    pub(super) fn memory() -> Self {
        Self {
            #[cfg(feature = "redis")]
            shard: None,
        }
    }

    /// A new queue.
    #[cfg_attr(not(feature = "redis"), expect(clippy::unused_self, reason = "there is one home"))]
    pub(super) fn queue(&self, name: &Arc<str>, rules: Rules, memory: &Memory) -> TaskQueue {
        #[cfg(feature = "redis")]
        if let Some(shard) = &self.shard {
            return TaskQueue::in_redis(Arc::clone(name), rules, memory.clone(), shard.clone());
        }
        TaskQueue::new(Arc::clone(name), rules, memory.clone())
    }
}

impl fmt::Debug for Home {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Home").finish_non_exhaustive()
    }
}
