//! The time that passes for a queue in a test.

use std::time::Duration;

use crate::queue::TaskQueue;

/// The time of a queue.
pub(super) enum Time {
    /// Tokio's, which is paused.
    Paused,
    /// A clock of the queue's own. Its server would be late if Tokio's were paused.
    #[cfg(feature = "redis")]
    Set(crate::queue::redis::Clock),
}

impl Time {
    pub(super) fn now(&self) -> std::time::Instant {
        match self {
            Self::Paused => tokio::time::Instant::now().into_std(),
            #[cfg(feature = "redis")]
            Self::Set(clock) => clock.now().into_std(),
        }
    }

    pub(super) async fn pass(&self, time: Duration, queue: &TaskQueue) {
        match self {
            Self::Paused => {
                tokio::time::advance(time).await;
                // For the watch of the queue's deadlines.
                for _ in 0..8 {
                    tokio::task::yield_now().await;
                }
            }
            #[cfg(feature = "redis")]
            Self::Set(clock) => {
                clock.advance(time);
                queue.expire_now().await;
            }
        }
    }
}
