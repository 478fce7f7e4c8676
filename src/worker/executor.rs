//! Runs tasks on worker threads: each runs one task at a time, and takes another while that task
//! waits.

use std::cell::Cell;
use std::collections::HashMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use arc_swap::ArcSwap;
use rustix::time::{ClockId, clock_gettime};
use tokio::time::Instant;

use super::yield_now;
use crate::consumer::{Bound, Called, Instance, call};
use crate::error::{Error, code};
use crate::message::Message;
use crate::queue::{Claim, Cost, Next, TaskQueue};
use crate::reply::Reply;
use crate::schedule::RunningId;
use crate::spare::GiveBack;

/// One worker's share of running a queue's tasks.
///
/// Tasks are polled only on worker threads. While a task waits, its worker is free for other tasks.
/// Any free worker continues a waiting task, so a task never waits for a busy worker.
pub(super) struct Executor {
    queue: TaskQueue,
    calls: Arc<Calls>,
    /// Whether this worker must end.
    dismissed: Arc<AtomicBool>,
    clock: Clock,
}

/// Measures the CPU time of the calling thread, with one system call for each interval.
struct Clock(Cell<Duration>);

/// The state that the workers of one queue share.
pub(super) struct Calls {
    /// The consumer of tasks that begin now. Another replaces it when the table is replaced.
    consumer: ArcSwap<Bound>,
    /// The tasks that wait; the queue knows which of them can continue.
    resting: Mutex<HashMap<RunningId, Run>>,
    /// Intact instances of this consumer that no call uses. Together with those in use, there are
    /// at most the highest number of simultaneous calls so far.
    spare: Mutex<Vec<Box<dyn Instance>>>,
}

/// A task and its consumer's call.
struct Run {
    claim: Claim,
    call: Pin<Box<dyn Future<Output = Ended> + Send>>,
    waker: Waker,
    /// The consumer that it began with.
    consumer: Arc<Bound>,
    /// Its cost so far, which its client is charged with.
    cost: Cost,
}

/// The result of a call, and its instance, unless the call left that in the middle of its work.
struct Ended {
    result: Result<Reply, Error>,
    instance: Option<Box<dyn Instance>>,
}

/// Tells the queue that a task can continue. Any thread may call it.
struct Bell {
    queue: TaskQueue,
    id: RunningId,
}

impl Executor {
    pub(super) fn new(queue: &TaskQueue, calls: &Arc<Calls>, dismissed: &Arc<AtomicBool>) -> Self {
        let (queue, calls) = (queue.clone(), Arc::clone(calls));
        Self { queue, calls, dismissed: Arc::clone(dismissed), clock: Clock::new() }
    }

    /// Works until it is dismissed, or the queue is stopped and no task that was begun is waiting.
    pub(super) fn run(&self) {
        let need = |message: &Message| self.calls.consumer.load().need(message);
        while let Some(next) = self.queue.next(need, &self.dismissed) {
            match next {
                Next::Begin(claim) => self.begin(claim),
                Next::Resume(id) => {
                    if let Some(run) = self.calls.take(id) {
                        self.go_on(run);
                    }
                }
                // A value of the call may panic when it is dropped. The time for dropping is not
                // charged to any client.
                Next::Drop(id) => {
                    drop(self.calls.take(id));
                    self.clock.lap();
                }
            }
        }
    }

    fn begin(&self, mut claim: Claim) {
        let Some(message) = claim.take_message() else {
            claim.finish(Err(Error::failed("the task has no message")), Duration::ZERO);
            return;
        };
        let (consumer, instance) = self.calls.instance();
        let bell = Bell { queue: self.queue.clone(), id: claim.id() };
        let (call, waker) = (Box::pin(run(instance, message)), Waker::from(Arc::new(bell)));
        let cost = if consumer.charges_elapsed() {
            Cost::Since(Instant::now())
        } else {
            Cost::Cpu(Duration::ZERO)
        };
        self.go_on(Run { claim, call, waker, consumer, cost });
    }

    fn go_on(&self, mut run: Run) {
        match run.poll(&self.clock) {
            Poll::Pending => self.calls.park(&self.queue, run),
            Poll::Ready(Ended { result, instance }) => {
                self.calls.keep(instance, &run.consumer);
                if let Err(error) = &result {
                    log(&self.queue, &run.claim, error);
                }
                run.claim.finish(result, run.cost.charged());
                // Lets the threads run that the answer has woken.
                yield_now();
            }
        }
    }
}

impl fmt::Debug for Calls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Calls").field(&*self.consumer.load()).finish()
    }
}

impl Calls {
    pub(super) fn new(consumer: Arc<Bound>) -> Self {
        let (resting, spare) = (Mutex::default(), Mutex::default());
        Self { consumer: ArcSwap::new(consumer), resting, spare }
    }

    pub(super) fn set_consumer(&self, consumer: Arc<Bound>) {
        let mut spare = self.spare();
        self.consumer.store(consumer);
        let old = std::mem::take(&mut *spare);
        drop(spare);
        drop(old);
    }

    /// The current consumer, and one of its instances that no call uses.
    fn instance(&self) -> (Arc<Bound>, Box<dyn Instance>) {
        let mut spare = self.spare();
        let consumer = self.consumer.load_full();
        let instance = spare.pop();
        drop(spare);
        let instance = instance.unwrap_or_else(|| consumer.instance());
        (consumer, instance)
    }

    /// Keeps an instance for the next call, if it belongs to the current consumer.
    fn keep(&self, instance: Option<Box<dyn Instance>>, consumer: &Arc<Bound>) {
        let mut spare = self.spare();
        if Arc::ptr_eq(&self.consumer.load(), consumer) {
            spare.extend(instance);
            return;
        }
        drop(spare);
        drop(instance);
    }

    /// Stores the task before the queue may return its id.
    fn park(&self, queue: &TaskQueue, run: Run) {
        let (id, cost) = (run.claim.id(), run.cost);
        self.resting().insert(id, run);
        queue.park(id, cost);
    }

    fn take(&self, id: RunningId) -> Option<Run> {
        let mut resting = self.resting();
        let run = resting.remove(&id);
        resting.give_back();
        run
    }

    // No code of a consumer runs while these are locked.

    fn resting(&self) -> MutexGuard<'_, HashMap<RunningId, Run>> {
        self.resting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn spare(&self) -> MutexGuard<'_, Vec<Box<dyn Instance>>> {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Run {
    fn poll(&mut self, clock: &Clock) -> Poll<Ended> {
        let mut context = Context::from_waker(&self.waker);
        // The panic of a consumer is caught where it is called. A value of the call may panic again
        // when it is dropped, because the call was cancelled or has panicked.
        let polled = catch_unwind(AssertUnwindSafe(|| self.call.as_mut().poll(&mut context)));
        let lap = clock.lap();
        if let Cost::Cpu(time) = &mut self.cost {
            *time += lap;
        }
        polled.unwrap_or_else(|_| {
            let error = Error::failed("a value of the call panicked when it was dropped");
            tracing::error!(queue = %self.claim.queue(), %error, "task failed");
            let cancelled = self.claim.cancellation().check().err();
            Poll::Ready(Ended { result: Err(cancelled.unwrap_or(error)), instance: None })
        })
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.queue.wake(self.id);
    }
}

/// Runs a consumer until it is done or its work is no longer wanted.
async fn run(mut instance: Box<dyn Instance>, message: Message) -> Ended {
    let cancellation = message.cancellation.clone();
    let called = tokio::select! {
        biased;
        called = call(instance.as_mut(), message) => Some(called),
        () = cancellation.cancelled() => None,
    };
    match called {
        Some(Called::Replied(reply)) => Ended { result: Ok(reply), instance: Some(instance) },
        Some(Called::Failed(error)) => Ended { result: Err(error), instance: Some(instance) },
        Some(Called::Panicked(error)) => Ended { result: Err(error), instance: None },
        None => {
            let error = cancellation.check().err();
            let error = error.unwrap_or_else(|| Error::failed("cancelled without a reason"));
            Ended { result: Err(error), instance: None }
        }
    }
}

fn log(queue: &TaskQueue, claim: &Claim, error: &Error) {
    let client = claim.client();
    match error.code() {
        code::FAILED | code::STORAGE => {
            tracing::error!(queue = %queue.name(), client, %error, "task failed");
        }
        _ => tracing::debug!(queue = %queue.name(), client, %error, "task ended with an error"),
    }
}

impl Clock {
    /// Starts with the CPU time of the thread so far, which is almost zero.
    fn new() -> Self {
        Self(Cell::new(Duration::ZERO))
    }

    /// The CPU time of the calling thread since the last call. A task's client is charged with it,
    /// including the time to get the task from the queue.
    fn lap(&self) -> Duration {
        let time = clock_gettime(ClockId::ThreadCPUTime);
        let now = Duration::try_from(time).unwrap_or_default();
        now.saturating_sub(self.0.replace(now))
    }
}
