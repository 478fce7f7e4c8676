//! Workers: threads that take tasks from a queue and let its consumer work on them.

mod executor;
mod priority;

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::runtime::Handle;

use self::executor::{Calls, Executor};
pub use self::priority::give_way;
use crate::consumer::Bound;
use crate::queue::TaskQueue;

/// The threads of one queue. A worker takes a task only when it is free to run it, so what is
/// queued can still be put in another order; while that task waits for something, it is free.
#[derive(Debug)]
pub(crate) struct Workers {
    queue: TaskQueue,
    threads: Vec<JoinHandle<()>>,
}

impl Workers {
    /// Starts the threads, each as nice as this; they end when the queue is stopped.
    ///
    /// Threads of their own and not `spawn_blocking`'s: those begin with the first come, are
    /// hundreds, and a task handed to them can be neither cancelled nor put in another order.
    pub(crate) fn start(
        queue: &TaskQueue,
        consumer: &Bound,
        count: usize,
        nice: u8,
    ) -> io::Result<Self> {
        let (runtime, calls) = (Handle::current(), Arc::<Calls>::default());
        let threads = (0..count).map(|number| {
            let executor = Executor::new(queue, consumer, &calls);
            let (queue, runtime) = (queue.clone(), runtime.clone());
            let name = format!("{}-{number}", queue.name());
            thread::Builder::new().name(name).spawn(move || {
                if let (Err(error), 0) = (priority::be_nice(nice), number) {
                    let queue = queue.name();
                    tracing::warn!(%queue, nice, %error, "workers do not give way to the sockets");
                }
                // So that the queue's clock, and whatever a consumer asks of Tokio, are the
                // service's.
                let _entered = runtime.enter();
                // What a call holds may panic as it is dropped. Its task is answered already, and
                // what else there is to do is done by this thread still.
                while catch_unwind(AssertUnwindSafe(|| executor.work())).is_err() {
                    tracing::error!(queue = %queue.name(), "a worker panicked and begins anew");
                }
            })
        });
        Ok(Self { queue: queue.clone(), threads: threads.collect::<io::Result<_>>()? })
    }

    /// Waits until running tasks are finished, at most so long; then tells them to stop at their
    /// next stage, and answers those that have not stopped after `grace`.
    pub(crate) async fn stop(self, patience: Duration, grace: Duration) {
        self.end(patience, grace).await;
        self.queue.report_outcomes_now();
    }

    async fn end(&self, patience: Duration, grace: Duration) {
        self.queue.stop();
        if self.finished_within(patience).await {
            return;
        }
        self.queue.stop_running();
        if !self.finished_within(grace).await {
            tracing::warn!(queue = %self.queue.name(), "tasks were left running");
            self.queue.give_up_running();
        }
    }

    async fn finished_within(&self, patience: Duration) -> bool {
        const LOOK_EVERY: Duration = Duration::from_millis(5);
        let finished = async {
            while !self.threads.iter().all(JoinHandle::is_finished) {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        tokio::time::timeout(patience, finished).await.is_ok()
    }
}

/// Threads would wait for ever on a queue that nobody stops.
impl Drop for Workers {
    fn drop(&mut self) {
        self.queue.stop();
    }
}
