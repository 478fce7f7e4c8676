//! Workers: threads that take tasks from a queue and let its consumer work on them.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use tokio::runtime::Handle;

use crate::consumer::{Bound, Called, Instance, call};
use crate::error::{Error, code};
use crate::message::Message;
use crate::queue::{Claim, TaskQueue};

/// The threads of one queue. A worker takes a task only when it is free to run it, so what waits
/// can still be put in another order.
#[derive(Debug)]
pub(crate) struct Workers {
    queue: TaskQueue,
    threads: Vec<JoinHandle<()>>,
}

impl Workers {
    /// Starts the threads; they end when the queue is stopped.
    ///
    /// Threads of their own and not `spawn_blocking`'s: those begin with the first come, are
    /// hundreds, and a task handed to them can be neither cancelled nor put in another order.
    pub(crate) fn start(queue: &TaskQueue, consumer: &Bound, count: usize) -> io::Result<Self> {
        let runtime = Handle::current();
        let threads = (0..count).map(|number| {
            let (queue, consumer, runtime) = (queue.clone(), consumer.clone(), runtime.clone());
            let name = format!("{}-{number}", queue.name());
            thread::Builder::new().name(name).spawn(move || {
                // A consumer's panic is caught where it is called; what it holds may panic again
                // as it is dropped. The task is answered by its claim, and the next one is taken.
                let again = || work(&queue, &consumer, &runtime);
                while catch_unwind(AssertUnwindSafe(again)).is_err() {
                    tracing::error!(queue = %queue.name(), "a worker panicked and begins anew");
                }
            })
        });
        Ok(Self { queue: queue.clone(), threads: threads.collect::<io::Result<_>>()? })
    }

    /// Waits until running tasks are finished, at most so long; then tells them to stop at their
    /// next stage, and answers those that have not stopped after `grace`.
    pub(crate) async fn stop(self, patience: Duration, grace: Duration) {
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

fn work(queue: &TaskQueue, consumer: &Bound, runtime: &Handle) {
    // So that the queue's clock, and whatever a consumer asks of Tokio, are the service's.
    let _entered = runtime.enter();
    let mut instance = consumer.instance();
    while let Some(claim) = queue.next() {
        let started = cpu_time();
        let (result, sound) = match claim.message().cloned() {
            Some(message) => runtime.block_on(run(instance.as_mut(), message)),
            None => (Err(Error::failed("the task has no message")), true),
        };
        let cost = cpu_time().saturating_sub(started);
        if let Err(error) = &result {
            log(queue, &claim, error);
        }
        if !sound {
            instance = consumer.instance();
        }
        claim.finish(result, cost);
    }
}

/// Runs a consumer until it is done or nobody waits for it any more; `false` when the instance
/// was left in the middle of something.
async fn run(
    instance: &mut dyn Instance,
    message: Message,
) -> (Result<crate::reply::Reply, Error>, bool) {
    let cancellation = message.cancellation.clone();
    let called = tokio::select! {
        biased;
        called = call(instance, message) => Some(called),
        () = cancellation.cancelled() => None,
    };
    match called {
        Some(Called::Replied(reply)) => (Ok(reply), true),
        Some(Called::Failed(error)) => (Err(error), true),
        Some(Called::Panicked(error)) => (Err(error), false),
        None => {
            let error = cancellation.check().err();
            (Err(error.unwrap_or_else(|| Error::failed("cancelled without a reason"))), false)
        }
    }
}

fn log(queue: &TaskQueue, claim: &Claim, error: &Error) {
    let client = claim.message().map(|message| message.reply_channel.name().clone());
    let client = client.as_deref().unwrap_or_default();
    match error.code() {
        code::FAILED | code::STORAGE => {
            tracing::error!(queue = %queue.name(), client, %error, "task failed");
        }
        _ => tracing::debug!(queue = %queue.name(), client, %error, "task ended with an error"),
    }
}

/// What this thread has used of the CPU: what its client is charged with.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}
