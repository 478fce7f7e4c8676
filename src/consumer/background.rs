//! Jobs that run beside a consumer for as long as it is served.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::error::Error;
use crate::extract::{Binding, FromBinding};
use crate::setting::Mistake;
use crate::supervise::keep_running;

/// An `async fn` of up to four arguments, each a [`FromBinding`], that runs beside a consumer: it
/// keeps in order what the consumer leaves, or tells its clients what comes of itself. The
/// parameter `A` is the tuple of its arguments; it is never written out.
///
/// It is started with the service, once for each `[consumer.NAME]` that is in use, and dropped
/// where it waits when the service stops. When it returns it is done. When it panics, that is
/// logged and it is started anew, after a pause. What blocks belongs on `spawn_blocking`: its
/// threads are the sockets'.
///
/// ```
/// use std::time::Duration;
/// use waterway::{ChannelLayer, Error, Registry, Reply, ReplyChannel};
///
/// async fn join(client: ReplyChannel, layer: ChannelLayer) -> Result<(), Error> {
///     layer.group("clock").add(&client)
/// }
///
/// async fn tick(layer: ChannelLayer) {
///     loop {
///         tokio::time::sleep(Duration::from_secs(1)).await;
///         layer.group("clock").send(Reply::text("tick"));
///     }
/// }
///
/// let registry = Registry::new().function("clock", join).background("clock", tick);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot run beside a consumer",
    note = "it is an `async fn` that returns nothing, and each of its arguments is `Options<T>` \
            or `ChannelLayer`"
)]
pub trait Background<A>: Send + Sync + 'static {
    /// Lets every argument look at what the consumer is given.
    fn bind(&self, binding: &mut Binding, mistakes: &mut Vec<Mistake>);

    /// Runs once.
    fn run(&self, binding: &Binding) -> impl Future<Output = ()> + Send + 'static;
}

macro_rules! jobs {
    ($(($($argument:ident),*))*) => {$(
        impl<F, Fut, $($argument),*> Background<($($argument,)*)> for F
        where
            F: Fn($($argument),*) -> Fut + Send + Sync + 'static,
            Fut: Future<Output = ()> + Send + 'static,
            $($argument: FromBinding,)*
        {
            #[allow(unused_variables, reason = "without arguments there is nothing to bind")]
            fn bind(&self, binding: &mut Binding, mistakes: &mut Vec<Mistake>) {
                $($argument::bind(binding, mistakes);)*
            }

            #[allow(unused_variables, reason = "without arguments there is nothing to take")]
            fn run(&self, binding: &Binding) -> impl Future<Output = ()> + Send + 'static {
                // Taken before the future begins, so that it borrows nothing.
                let begin = || Ok::<_, Error>(self($($argument::from_binding(binding)?),*));
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

/// A job that is not yet bound to what its consumer is given.
pub(crate) trait Job: Send + Sync {
    fn bind(&self, binding: &mut Binding, mistakes: &mut Vec<Mistake>);
    fn run(&self, binding: &Binding) -> Run;
}

type Run = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A job beside a consumer of the table, ready to be started.
#[derive(Clone)]
pub(crate) struct BoundJob {
    job: Arc<dyn Job>,
    binding: Arc<Binding>,
}

impl BoundJob {
    pub(crate) fn new(
        job: Arc<dyn Job>,
        mut binding: Binding,
        mistakes: &mut Vec<Mistake>,
    ) -> Self {
        job.bind(&mut binding, mistakes);
        Self { job, binding: Arc::new(binding) }
    }

    /// Runs the job until it returns; starts it anew, after a pause, when it panics.
    pub(crate) async fn keep_running(self) {
        /// Long enough that a job which panics at once neither fills the log nor takes a core.
        const PAUSE: Duration = Duration::from_secs(10);
        let task = format!("job of {}", self.binding.consumer());
        keep_running(&task, PAUSE, || self.job.run(&self.binding)).await;
    }
}

pub(super) struct FunctionJob<J, A> {
    pub(super) job: J,
    pub(super) arguments: PhantomData<fn(A)>,
}

impl<J: Background<A>, A: 'static> Job for FunctionJob<J, A> {
    fn bind(&self, binding: &mut Binding, mistakes: &mut Vec<Mistake>) {
        self.job.bind(binding, mistakes);
    }

    fn run(&self, binding: &Binding) -> Run {
        Box::pin(self.job.run(binding))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::extract::Options;
    use crate::setting::Written;

    fn bound<A: 'static>(job: impl Background<A>) -> BoundJob {
        let job = Arc::new(FunctionJob { job, arguments: PhantomData });
        let binding =
            Binding::new("test", crate::setting::Place::default(), Written::default(), None);
        let mut mistakes = Vec::new();
        let bound = BoundJob::new(job, binding, &mut mistakes);
        assert!(mistakes.is_empty());
        bound
    }

    #[derive(serde::Deserialize)]
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
    async fn a_job_that_panics_begins_anew_until_it_returns() {
        static RUNS: AtomicUsize = AtomicUsize::new(0);
        let job = |options: Options<Times>| async move {
            let run = RUNS.fetch_add(1, Ordering::Relaxed) + 1;
            assert!(run >= options.times, "once more");
        };
        let began = tokio::time::Instant::now();
        bound(job).keep_running().await;
        assert_eq!(RUNS.load(Ordering::Relaxed), 3);
        assert!(began.elapsed() >= Duration::from_secs(20), "not without a pause");
    }
}
