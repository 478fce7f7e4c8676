//! Background jobs of a consumer.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::error::Error;
use crate::extract::{ConsumerUse, FromGiven, Given, RouteCheck};
use crate::setting::Diagnostic;
use crate::supervise::keep_running;

/// An `async fn` of up to four arguments, each a [`FromGiven`], that runs in the background of a
/// consumer: for example to remove its old files, or to send to its clients on a timer. The
/// parameter `A` is the tuple of its arguments; it is never written out.
///
/// It is started with the service, once for each `[consumer.NAME]` that is in use, and dropped at
/// an `await` when the service stops. A job that returns is done. A job that panics is logged, and
/// started again after a pause. Blocking work belongs on `spawn_blocking`, because the job runs on
/// the sockets' threads.
///
/// ```
/// use std::time::Duration;
/// use waterway::{ChannelLayer, Error, Registry, Reply, ReplyChannel};
///
/// async fn join(client: ReplyChannel, layer: ChannelLayer) -> Result<(), Error> {
///     layer.group("clock").add(&client).await
/// }
///
/// async fn tick(layer: ChannelLayer) {
///     loop {
///         tokio::time::sleep(Duration::from_secs(1)).await;
///         let _ = layer.group("clock").send(Reply::text("tick")).await;
///     }
/// }
///
/// let registry = Registry::new().function("clock", join).background("clock", tick);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot run beside a consumer",
    note = "it is an `async fn` that returns nothing, and each of its arguments is `Options<T>`, \
            `State<S>` or `ChannelLayer`"
)]
pub trait Background<A>: Send + Sync + 'static {
    /// Lets every argument check the consumer's options.
    fn check(&self, route: &mut RouteCheck<'_>);

    /// Runs the job once.
    fn run(&self, given: &Given) -> impl Future<Output = ()> + Send + 'static;
}

macro_rules! jobs {
    ($(($($argument:ident),*))*) => {$(
        impl<F, Fut, $($argument),*> Background<($($argument,)*)> for F
        where
            F: Fn($($argument),*) -> Fut + Send + Sync + 'static,
            Fut: Future<Output = ()> + Send + 'static,
            $($argument: FromGiven,)*
        {
            #[allow(unused_variables, reason = "without arguments there is nothing to check")]
            fn check(&self, route: &mut RouteCheck<'_>) {
                $($argument::check(route);)*
            }

            #[allow(unused_variables, reason = "without arguments there is nothing to take")]
            fn run(&self, given: &Given) -> impl Future<Output = ()> + Send + 'static {
                // Taken before the future begins, so that it does not borrow anything.
                let begin = || Ok::<_, Error>(self($($argument::from_given(given)?),*));
                let running = begin();
                async move {
                    match running {
                        Ok(running) => running.await,
                        Err(error) => tracing::error!(%error, "a job cannot be started"),
                    }
                }
            }
        }
    )*};
}

jobs! { () (A1) (A1, A2) (A1, A2, A3) (A1, A2, A3, A4) }

/// A job of the registry.
pub(crate) trait Job: Send + Sync {
    fn check(&self, route: &mut RouteCheck<'_>);
    fn run(&self, given: &Given) -> Run;
}

type Run = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A checked job of a consumer in the table, which still lacks some arguments.
#[derive(Clone)]
pub(crate) struct CheckedJob {
    job: Arc<dyn Job>,
    given: Given,
}

impl CheckedJob {
    /// Lets the job's arguments check the consumer's options.
    pub(crate) fn new(
        job: Arc<dyn Job>,
        place: &ConsumerUse,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Self {
        let kept = RouteCheck::run(place, diagnostics, |route| job.check(route));
        Self { job, given: Given::new(Arc::clone(&place.consumer), kept) }
    }

    /// The job with its further arguments.
    pub(crate) fn given(mut self, give: impl FnOnce(&mut Given)) -> Self {
        give(&mut self.given);
        self
    }

    /// Runs the job until it returns; starts it again, after a pause, if it panics.
    pub(crate) async fn keep_running(self) {
        /// Long enough that a job that always panics immediately neither fills the log nor uses up
        /// a core.
        const PAUSE: Duration = Duration::from_secs(10);
        let task = format!("job of {}", self.given.consumer());
        keep_running(&task, PAUSE, || self.job.run(&self.given)).await;
    }
}

impl fmt::Debug for CheckedJob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CheckedJob").field(self.given.consumer()).finish()
    }
}

pub(super) struct FunctionJob<J, A> {
    pub(super) job: J,
    pub(super) arguments: PhantomData<fn(A)>,
}

impl<J: Background<A>, A: 'static> Job for FunctionJob<J, A> {
    fn check(&self, route: &mut RouteCheck<'_>) {
        self.job.check(route);
    }

    fn run(&self, given: &Given) -> Run {
        Box::pin(self.job.run(given))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::extract::Options;
    use crate::setting::{Span, SpannedValue};

    fn checked<A: 'static>(job: impl Background<A>) -> CheckedJob {
        let job = Arc::new(FunctionJob { job, arguments: PhantomData });
        let place = ConsumerUse::beside("test", Span::default(), SpannedValue::default());
        let mut diagnostics = Vec::new();
        let checked = CheckedJob::new(job, &place, &mut diagnostics);
        assert!(diagnostics.is_empty());
        checked
    }

    #[derive(serde::Deserialize, schemars::JsonSchema)]
    #[serde(default)]
    struct Times {
        times: usize,
    }

    impl Default for Times {
        fn default() -> Self {
            Self { times: 3 }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_job_that_panics_is_started_again_until_it_returns() {
        static RUNS: AtomicUsize = AtomicUsize::new(0);
        let job = |options: Options<Times>| async move {
            let run = RUNS.fetch_add(1, Ordering::Relaxed) + 1;
            assert!(run >= options.times, "the job runs again");
        };
        let began = tokio::time::Instant::now();
        checked(job).keep_running().await;
        assert_eq!(RUNS.load(Ordering::Relaxed), 3);
        assert!(began.elapsed() >= Duration::from_secs(20), "a pause follows each panic");
    }
}
