//! The signals that stop the service, and those that it ignores.

use std::io::{self, IsTerminal};
use std::process;
use std::thread;

use rustix::process::Signal;
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, oneshot};

use super::log::Log;

/// The effect of a signal.
#[derive(Clone, Copy)]
enum Effect {
    /// The first one stops the service, the second one ends the process at once.
    Stops,
    /// It stops the service. It is ignored while the service stops: when a terminal is closed,
    /// the kernel and the shell may each send it.
    Hangs,
    /// It is only logged, with this reason.
    Ignored(&'static str),
}

/// The exit code after a second stopping signal.
const INTERRUPTED: i32 = 130;

/// Takes the signals of this process from now on. The future is ready when one of them stops the
/// service.
///
/// SIGTERM, SIGINT and SIGQUIT stop it; so does SIGHUP when the service was started from a terminal,
/// because that terminal has been closed. Any other SIGHUP is ignored, as are SIGUSR1, SIGUSR2 and
/// SIGXFSZ: a file beyond the limit on its size (`ulimit -f`) is an error of the write alone.
///
/// A thread of its own takes them, so they also count while the table is being loaded and while
/// every other thread is busy.
///
/// # Errors
/// When the system refuses a thread, a descriptor or a signal.
pub(super) fn stopped(log: &Log) -> io::Result<impl Future<Output = ()>> {
    let runtime = Builder::new_current_thread().enable_io().build()?;
    let (sender, signals) = mpsc::channel(1);
    let entered = runtime.enter();
    for (name, kind, effect) in effects() {
        let (mut signal, sender) = (signal(kind)?, sender.clone());
        runtime.spawn(async move {
            while signal.recv().await.is_some() && sender.send((name, effect)).await.is_ok() {}
        });
    }
    // Its default action, which ends the process, stays replaced although the signal is not
    // received here.
    let _ = signal(SignalKind::from_raw(Signal::XFSZ.as_raw()))?;
    drop(entered);
    let (stop, stopped) = oneshot::channel();
    let log = log.clone();
    let take = move || runtime.block_on(take(signals, stop, &log));
    thread::Builder::new().name("signals".into()).spawn(take)?;
    Ok(async {
        // The sender is dropped only after it has sent, or with the process.
        let _ = stopped.await;
    })
}

fn effects() -> [(&'static str, SignalKind, Effect); 6] {
    // Checked before the signal comes, because a closed terminal no longer counts as a terminal.
    let from_terminal = io::stdin().is_terminal() || io::stderr().is_terminal();
    let hangup = if from_terminal {
        Effect::Hangs
    } else {
        Effect::Ignored("the service was not started from a terminal")
    };
    let user = Effect::Ignored("it has no meaning here");
    [
        ("SIGTERM", SignalKind::terminate(), Effect::Stops),
        ("SIGINT", SignalKind::interrupt(), Effect::Stops),
        ("SIGQUIT", SignalKind::quit(), Effect::Stops),
        ("SIGHUP", SignalKind::hangup(), hangup),
        ("SIGUSR1", SignalKind::user_defined1(), user),
        ("SIGUSR2", SignalKind::user_defined2(), user),
    ]
}

async fn take(
    mut signals: mpsc::Receiver<(&'static str, Effect)>,
    stop: oneshot::Sender<()>,
    log: &Log,
) {
    let mut stop = Some(stop);
    while let Some((signal, effect)) = signals.recv().await {
        if let Effect::Ignored(reason) = effect {
            tracing::warn!(signal, reason, "signal ignored");
        } else if let Some(stop) = stop.take() {
            tracing::info!(signal, "a signal stops the service");
            // It fails when the service has already ended.
            let _ = stop.send(());
        } else if let Effect::Hangs = effect {
            tracing::warn!(signal, reason = "the service is already stopping", "signal ignored");
        } else {
            tracing::warn!(signal, "stopped at once");
            log.flush();
            process::exit(INTERRUPTED);
        }
    }
}
