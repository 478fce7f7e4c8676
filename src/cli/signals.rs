//! The signals that stop the service, the one that reloads its table, and those that it ignores.

use std::io::{self, IsTerminal};
use std::process;
use std::sync::Arc;
use std::thread;

use rustix::process::Signal;
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Notify, mpsc, oneshot};

use super::log::Log;

/// The effect of a signal.
#[derive(Clone, Copy)]
enum Effect {
    /// The first one stops the service, the second one ends the process at once.
    Stops,
    /// It reloads the table; or stops the service, if the terminal that the service was started
    /// from has been closed. It is ignored while the service stops: when a terminal is closed, the
    /// kernel and the shell may each send it.
    Hangs { from_terminal: bool },
    /// It is only logged, with this reason.
    Ignored(&'static str),
}

/// The exit code after a second stopping signal.
const INTERRUPTED: i32 = 130;

/// Takes the signals of this process from now on. The future is ready when one of them stops the
/// service. The notice is given whenever one asks for a reload of the table.
///
/// SIGTERM, SIGINT and SIGQUIT stop the service; so does SIGHUP when the service was started from a
/// terminal that has been closed. Any other SIGHUP reloads the table. SIGUSR1, SIGUSR2 and SIGXFSZ
/// are ignored: a file beyond the limit on its size (`ulimit -f`) is an error of the write alone.
///
/// A thread of its own takes them, so they also count while the table is being loaded and while
/// every other thread is busy.
///
/// # Errors
/// If the system refuses a thread, a descriptor or a signal.
pub(super) fn take(log: &Log) -> io::Result<(impl Future<Output = ()>, Arc<Notify>)> {
    let runtime = Builder::new_current_thread().enable_io().build()?;
    let (sender, signals) = mpsc::channel(1);
    let entered = runtime.enter();
    for (name, kind, effect) in effects() {
        let (mut signal, sender) = (signal(kind)?, sender.clone());
        runtime.spawn(async move {
            while signal.recv().await.is_some() && sender.send((name, effect)).await.is_ok() {}
        });
    }
    // The signal's default action would end the process. It stays replaced although the signal is
    // not received here.
    let _ = signal(SignalKind::from_raw(Signal::XFSZ.as_raw()))?;
    drop(entered);
    let ((stop, stopped), reload) = (oneshot::channel(), Arc::new(Notify::new()));
    let (log, asked) = (log.clone(), Arc::clone(&reload));
    let follow = move || runtime.block_on(follow(signals, stop, &asked, &log));
    thread::Builder::new().name("signals".into()).spawn(follow)?;
    let stopped = async {
        // The sender is dropped only after it has sent, or with the process.
        let _ = stopped.await;
    };
    Ok((stopped, reload))
}

fn effects() -> [(&'static str, SignalKind, Effect); 6] {
    let hangup = Effect::Hangs { from_terminal: has_terminal() };
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

/// Whether a terminal is there. A terminal that has been closed does not count.
fn has_terminal() -> bool {
    io::stdin().is_terminal() || io::stderr().is_terminal()
}

async fn follow(
    mut signals: mpsc::Receiver<(&'static str, Effect)>,
    stop: oneshot::Sender<()>,
    reload: &Notify,
    log: &Log,
) {
    let mut stop = Some(stop);
    while let Some((signal, effect)) = signals.recv().await {
        match effect {
            Effect::Ignored(reason) => tracing::warn!(signal, reason, "signal ignored"),
            Effect::Hangs { .. } if stop.is_none() => {
                tracing::warn!(
                    signal,
                    reason = "the service is already stopping",
                    "signal ignored"
                );
            }
            Effect::Hangs { from_terminal } if !from_terminal || has_terminal() => {
                reload.notify_one();
            }
            Effect::Hangs { .. } | Effect::Stops => {
                let Some(stop) = stop.take() else {
                    tracing::warn!(signal, "stopped at once");
                    log.flush();
                    process::exit(INTERRUPTED);
                };
                tracing::info!(signal, "a signal stops the service");
                // It fails when the service has already ended.
                let _ = stop.send(());
            }
        }
    }
}
