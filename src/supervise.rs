//! Tasks that must not end: after a panic, which is logged, they start again.

use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;

/// Runs a task until it returns. If it panics, logs the panic, pauses, and starts the task again.
///
/// The pause keeps a task that always panics immediately from filling the log and using a whole
/// core.
pub(crate) async fn keep_running<F>(task: &str, pause: Duration, start: impl Fn() -> F)
where
    F: Future<Output = ()>,
{
    loop {
        // No state of a run that panicked is used again.
        let run = AssertUnwindSafe(async { start().await });
        let Err(panic) = run.catch_unwind().await else { return };
        let error = panic_message(panic.as_ref());
        tracing::error!(task, %error, "a task panicked and will be started again");
        tokio::time::sleep(pause).await;
    }
}

/// The message of a panic, for an error or a log record.
pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("panicked: {}", text.unwrap_or("no message"))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_task_that_panics_starts_again_after_a_pause_until_it_returns() {
        let runs = Cell::new(0);
        let began = tokio::time::Instant::now();
        keep_running("test", Duration::from_secs(5), || {
            runs.set(runs.get() + 1);
            let run = runs.get();
            async move { assert!(run >= 3, "once more") }
        })
        .await;
        assert_eq!(runs.get(), 3);
        assert_eq!(began.elapsed(), Duration::from_secs(10));
    }
}
