//! Workers: threads that take tasks from a queue and call its consumer.

mod executor;
mod priority;

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::{sleep, timeout};
use tokio_util::task::TaskTracker;

use self::executor::{Calls, Executor};
pub use self::priority::yield_now;
use crate::consumer::Bound;
use crate::queue::TaskQueue;

/// The threads of one queue. A worker takes a task only when it is free to run it, so that the
/// order of queued tasks can still change. While a task waits, its worker is free.
#[derive(Debug)]
pub(crate) struct Workers {
    queue: TaskQueue,
    /// `None` once no further threads may be started.
    calls: Option<Arc<Calls>>,
    crew: Crew,
    /// All threads, including those of dismissed crews.
    threads: TaskTracker,
}

/// Threads that were started together, and end together.
#[derive(Debug)]
struct Crew {
    size: CrewSize,
    dismissed: Arc<AtomicBool>,
}

/// The number of a queue's threads, and their niceness.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CrewSize {
    pub(crate) threads: usize,
    pub(crate) nice: u8,
}

impl Workers {
    /// Starts the threads. They end when the queue is stopped.
    ///
    /// # Errors
    /// If the system cannot start all of them. Those that it started then end.
    pub(crate) fn start(
        queue: &TaskQueue,
        consumer: Arc<Bound>,
        size: CrewSize,
    ) -> io::Result<Self> {
        let (calls, threads) = (Arc::new(Calls::new(consumer)), TaskTracker::new());
        let crew = Crew::start(queue, &calls, &threads, size)?;
        Ok(Self { queue: queue.clone(), calls: Some(calls), crew, threads })
    }

    /// Uses this consumer and this number of threads for tasks that begin from now on. Tasks that
    /// have begun keep their consumer.
    ///
    /// # Errors
    /// If the system cannot start more threads. The number of threads then stays the same.
    pub(crate) fn change(&mut self, consumer: &Arc<Bound>, size: CrewSize) -> io::Result<()> {
        let Some(calls) = &self.calls else { return Ok(()) };
        calls.set_consumer(Arc::clone(consumer));
        if self.crew.size != size {
            let crew = Crew::start(&self.queue, calls, &self.threads, size)?;
            std::mem::replace(&mut self.crew, crew).dismiss(&self.queue);
        }
        Ok(())
    }

    /// Stops the queue. The threads end when the running tasks are finished.
    pub(crate) fn end(&mut self) {
        self.queue.stop();
        // The threads hold the consumer, and so the values that it was given.
        self.calls = None;
    }

    /// The number of threads, including threads that will end after their task.
    pub(crate) fn len(&self) -> usize {
        self.threads.len()
    }

    /// Whether all threads have ended.
    pub(crate) fn have_ended(&self) -> bool {
        self.threads.is_empty()
    }

    /// Waits until running tasks are finished, at most for `patience`. Then tells them to stop at
    /// their next stage, and answers those that have not stopped after `grace`.
    pub(crate) async fn stop(self, patience: Duration, grace: Duration) {
        self.queue.stop();
        self.threads.close();
        if !self.ended_within(patience).await {
            self.queue.stop_running();
            if !self.ended_within(grace).await {
                tracing::warn!(queue = %self.queue.name(), "tasks were left running");
                self.queue.give_up_running();
            }
        }
        if timeout(grace, self.queue.settled()).await.is_err() {
            tracing::warn!(queue = %self.queue.name(), "the ends of tasks are not told");
        }
        self.queue.report_outcomes_now();
    }

    /// Waits until no thread has a task, and no other process has one of this process's clients.
    async fn ended_within(&self, patience: Duration) -> bool {
        const LOOK_EVERY: Duration = Duration::from_millis(20);
        let ended = async {
            self.threads.wait().await;
            while !self.queue.has_answered_all() {
                sleep(LOOK_EVERY).await;
            }
        };
        timeout(patience, ended).await.is_ok()
    }
}

/// Without it, threads would wait forever on a queue that is never stopped.
impl Drop for Workers {
    fn drop(&mut self) {
        self.queue.stop();
    }
}

impl Crew {
    /// The workers have threads of their own. The threads of `spawn_blocking` may be hundreds and
    /// run tasks first-in, first-out; a task that was handed to them can be neither cancelled nor
    /// reordered.
    fn start(
        queue: &TaskQueue,
        calls: &Arc<Calls>,
        threads: &TaskTracker,
        size: CrewSize,
    ) -> io::Result<Self> {
        let crew = Self { size, dismissed: Arc::default() };
        let runtime = Handle::current();
        for number in 0..size.threads {
            let executor = Executor::new(queue, calls, &crew.dismissed);
            let (queue_of_thread, runtime) = (queue.clone(), runtime.clone());
            let running = threads.token();
            let work = move || {
                let _running = running;
                run(&queue_of_thread, &executor, &runtime, size.nice, number == 0);
            };
            let name = format!("{}-{number}", queue.name());
            if let Err(error) = thread::Builder::new().name(name).spawn(work) {
                crew.dismiss(queue);
                return Err(error);
            }
        }
        Ok(crew)
    }

    /// Lets each of its threads end after its current task.
    fn dismiss(self, queue: &TaskQueue) {
        self.dismissed.store(true, Ordering::Relaxed);
        queue.wake_workers();
    }
}

/// Runs one worker. `tells`: it logs if the system does not let the workers be nice.
fn run(queue: &TaskQueue, executor: &Executor, runtime: &Handle, nice: u8, tells: bool) {
    if let (Err(error), true) = (priority::be_nice(nice), tells) {
        let queue = queue.name();
        tracing::warn!(%queue, nice, %error, "workers run with the same priority as the sockets");
    }
    // So that the queue uses the service's clock, and consumers can use the service's Tokio runtime.
    let _entered = runtime.enter();
    // A value of a call may panic when it is dropped. Its task has already been answered, and this
    // thread continues with the next one.
    while catch_unwind(AssertUnwindSafe(|| executor.run())).is_err() {
        tracing::error!(queue = %queue.name(), "a worker panicked and continues with the next task");
    }
}
