//! The process of an instance: its pipes, and its end.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{ChildStdin, ChildStdout};
use tokio::sync::Notify;
use tokio::time::timeout;
use waterway::Error;

use super::child::{Child, Pipes};
use super::errors;
use super::instance::{Instance, Ready};
use super::lines::Lines;
use super::shared::Shared;

/// How much is read at once, in bytes.
const READ: usize = 64 << 10;

/// How long the last lines of a process that has ended are waited for. Another process may hold its
/// output open.
const LAST_LINES: Duration = Duration::from_millis(200);

/// Starts a program and waits until it is ready.
///
/// # Errors
/// If it cannot be started, ends, or is not ready in time.
pub(super) async fn start(shared: &Arc<Shared>) -> Result<Arc<Instance>, Error> {
    let (child, Pipes { input, output, errors }) = Child::start(&shared.options, &[]).await?;
    let instance = Instance::new(shared, child.id());
    let log = errors::log(errors, Arc::clone(&shared.consumer), instance.pid);
    let log = shared.tasks.spawn_on(log, &shared.runtime);
    let ready = Arc::new(Notify::new());
    let running = run(Arc::clone(&instance), child, input, output, Arc::clone(&ready));
    // The program is killed if the caller stops waiting for it.
    let unready = Unready(&instance);
    shared.tasks.spawn_on(running, &shared.runtime);
    let within = shared.options.start;
    let is_late = tokio::select! {
        () = ready.notified() => {
            tracing::info!(consumer = &*shared.consumer, pid = instance.pid, "a program is ready");
            std::mem::forget(unready);
            return Ok(instance);
        }
        () = instance.over() => false,
        () = tokio::time::sleep(within.duration()) => {
            instance.kill(format!("it did not write {{\"ready\":true}} within {within}"));
            instance.over().await;
            true
        }
    };
    let why = instance.why().unwrap_or_else(|| "it ended".into());
    let before = if is_late { "" } else { ", before it wrote {\"ready\":true}" };
    let (command, said) = (shared.options.command(), errors::said(log).await);
    Err(Error::failed(format!("{command}: {why}{before}{said}")))
}

/// A program that is not ready. It is killed when this is dropped.
struct Unready<'a>(&'a Instance);

impl Drop for Unready<'_> {
    fn drop(&mut self) {
        self.0.kill("it was not ready in time");
    }
}

/// Runs a program until it is over. Its events are ended then, and its processes soon after.
async fn run(
    instance: Arc<Instance>,
    mut child: Child,
    input: ChildStdin,
    output: ChildStdout,
    ready: Arc<Notify>,
) {
    let shared = Arc::clone(&instance.shared);
    let why = {
        let mut writing = std::pin::pin!(write(&instance, input));
        let mut reading = std::pin::pin!(read(&instance, output, &ready));
        let mut is_written = false;
        loop {
            tokio::select! {
                // Lines are read first, so that a program's last lines count.
                biased;
                () = instance.killed() => break "it was killed".to_owned(),
                () = &mut reading => {
                    // Usually because it ends.
                    break match timeout(LAST_LINES, child.wait()).await {
                        Ok(Ok(status)) => format!("it ended: {status}"),
                        Ok(Err(_)) | Err(_) => "it closed its output".to_owned(),
                    };
                }
                is_done = &mut writing, if !is_written => {
                    is_written = true;
                    if is_done {
                        // Its input is closed. Its last lines are still read.
                        let _ = timeout(shared.options.grace.duration(), &mut reading).await;
                        break "it was replaced or stopped".to_owned();
                    }
                }
                ended = child.wait() => {
                    let _ = timeout(LAST_LINES, &mut reading).await;
                    break match ended {
                        Ok(status) => format!("it ended: {status}"),
                        Err(error) => format!("it ended: {error}"),
                    };
                }
            }
        }
        // The input is closed here.
    };
    instance.end_all(&why);
    if instance.is_killed() {
        child.kill();
    }
    child.end(shared.options.grace.duration()).await;
}

/// Writes events until the program is retired and has ended all of its own: `true`; or until it
/// does not read any more.
async fn write(instance: &Instance, mut input: ChildStdin) -> bool {
    while let Some(outgoing) = instance.outgoing().await {
        if input.write_all(&outgoing).await.is_err() {
            // Its end is noticed where its output is read.
            return false;
        }
    }
    true
}

/// Reads the program's lines until it closes its output.
async fn read(instance: &Instance, mut output: ChildStdout, ready: &Notify) {
    let mut lines = Lines::new(instance.shared.options.line.as_usize());
    loop {
        lines.read.reserve(READ);
        if !matches!(output.read_buf(&mut lines.read).await, Ok(1..)) {
            break;
        }
        while let Some(line) = lines.next() {
            if let Some(Ready) = instance.take(line).await {
                ready.notify_one();
            }
        }
    }
    if lines.rest().is_some() {
        instance.ignore("it ended within a line");
    }
}
