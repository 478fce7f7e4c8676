//! Runs tasks on worker threads: one at a time each, and another while it waits.

use std::cell::Cell;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use super::give_way;
use crate::consumer::{Bound, Called, Instance, call};
use crate::error::{Error, code};
use crate::message::Message;
use crate::queue::{Claim, Next, TaskQueue};
use crate::reply::Reply;
use crate::schedule::RunningId;
use crate::spare::GiveBack;

/// One worker's part of running a queue's tasks.
///
/// A task is polled on worker threads alone. While it waits for something, its workers are free
/// for others, and any of them goes on with it: none waits for one that is busy.
pub(super) struct Executor {
    queue: TaskQueue,
    consumer: Bound,
    calls: Arc<Calls>,
    clock: Clock,
}

/// Measures what this thread takes of the CPU, with one call of the system for each stretch.
struct Clock(Cell<Duration>);

/// What the workers of one queue have in common.
#[derive(Default)]
pub(super) struct Calls {
    /// What the tasks are that wait; the queue knows which of them can go on.
    resting: Mutex<HashMap<RunningId, Run>>,
    /// Instances that are sound and of no call now: together with those of calls, as many as there
    /// ever were calls at once.
    spare: Mutex<Vec<Box<dyn Instance>>>,
}

/// A task and its consumer's call.
struct Run {
    claim: Claim,
    call: Pin<Box<dyn Future<Output = Ended> + Send>>,
    waker: Waker,
    /// CPU time so far: of all its polls, whatever passed between them.
    cost: Duration,
}

/// How a call ended, and its instance, unless that was left in the middle of something.
struct Ended {
    result: Result<Reply, Error>,
    instance: Option<Box<dyn Instance>>,
}

/// Tells the queue that a task can go on. It may be called by any thread.
struct Bell {
    queue: TaskQueue,
    id: RunningId,
}

impl Executor {
    pub(super) fn new(queue: &TaskQueue, consumer: &Bound, calls: &Arc<Calls>) -> Self {
        let (queue, consumer, calls) = (queue.clone(), consumer.clone(), Arc::clone(calls));
        Self { queue, consumer, calls, clock: Clock::new() }
    }

    /// Works until the queue is stopped and nothing that was begun waits.
    pub(super) fn work(&self) {
        while let Some(next) = self.queue.next(|message| self.consumer.need(message)) {
            match next {
                Next::Begin(claim) => self.begin(claim),
                Next::Resume(id) => {
                    if let Some(run) = self.calls.take(id) {
                        self.go_on(run);
                    }
                }
                // What a call holds may panic as it is dropped. Nobody is charged with it.
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
        let instance = self.calls.spare().pop();
        let instance = instance.unwrap_or_else(|| self.consumer.instance());
        let bell = Bell { queue: self.queue.clone(), id: claim.id() };
        let (call, waker) = (Box::pin(run(instance, message)), Waker::from(Arc::new(bell)));
        self.go_on(Run { claim, call, waker, cost: Duration::ZERO });
    }

    fn go_on(&self, mut run: Run) {
        match run.poll(&self.clock) {
            Poll::Pending => self.calls.rest(&self.queue, run),
            Poll::Ready(Ended { result, instance }) => {
                self.calls.spare().extend(instance);
                if let Err(error) = &result {
                    log(&self.queue, &run.claim, error);
                }
                run.claim.finish(result, run.cost);
                // Whoever was woken by the answer.
                give_way();
            }
        }
    }
}

impl Calls {
    /// Found here before the queue may name it.
    fn rest(&self, queue: &TaskQueue, run: Run) {
        let (id, cost) = (run.claim.id(), run.cost);
        self.resting().insert(id, run);
        queue.rest(id, cost);
    }

    fn take(&self, id: RunningId) -> Option<Run> {
        let mut resting = self.resting();
        let run = resting.remove(&id);
        resting.give_back();
        run
    }

    // Nothing of a consumer's runs under these.

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
        // A consumer's panic is caught where it is called; what it holds may panic again as it is
        // dropped, when its call is cancelled or has panicked.
        let polled = catch_unwind(AssertUnwindSafe(|| self.call.as_mut().poll(&mut context)));
        self.cost += clock.lap();
        polled.unwrap_or_else(|_| {
            let error = Error::failed("what its call held panicked as it was dropped");
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

/// Runs a consumer until it is done or nobody waits for it any more.
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
    /// Begins with all that the calling thread has taken so far, which is next to nothing.
    fn new() -> Self {
        Self(Cell::new(Duration::ZERO))
    }

    /// What the calling thread has taken since it was asked last: what a task's client is charged
    /// with, the way from the queue to the task included.
    fn lap(&self) -> Duration {
        let time = clock_gettime(ClockId::ThreadCPUTime);
        let now = Duration::try_from(time).unwrap_or_default();
        now.saturating_sub(self.0.replace(now))
    }
}
