//! `waterway serve`: serves a routing table until it is told to stop.

use std::io;
use std::num::NonZero;
use std::path::Path;
use std::process::ExitCode;
use std::thread;

use tokio::runtime::{Builder, Runtime};
use waterway::Mistake;
use waterway::server::{self, Listener};

use super::arguments::{Environment, LogForm};
use super::log::{FlushOnDrop, Log};
use super::{Outcome, complain, load, rules, signals};

/// Serves. Even the final error goes through the log's writer, because writing to standard error
/// directly can block or fail.
pub(super) fn serve(path: &Path, form: LogForm) -> ExitCode {
    let log = match Log::start(form) {
        Ok(log) => log,
        Err(error) => {
            complain(&format!("the log cannot be started: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let _flush = FlushOnDrop(log.clone());
    match serve_table(path, &log) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            log.print(&message);
            ExitCode::FAILURE
        }
    }
}

fn serve_table(path: &Path, log: &Log) -> Outcome {
    let stopped = signals::stopped(log).map_err(|error| format!("no signals: {error}"))?;
    let (table, loaded) = load(path, Environment::default())?;
    log.configure(&loaded.config.log);
    for Mistake { place, message, help } in &loaded.warnings {
        let place = loaded.sources.describe(*place);
        tracing::warn!(place, help, "{message}");
    }
    for (folder, consumer) in rules::folders(&loaded.config) {
        folder.prepare().map_err(|error| {
            format!(
                "cannot write to {}: {error}\nchange the folder of consumer {consumer} in {}",
                folder.absolute().display(),
                path.display()
            )
        })?;
    }
    let threads = match table.server().threads {
        0 => threads(table.queues().count() > 0),
        threads => threads,
    };
    let runtime = runtime(threads).map_err(|error| format!("no threads: {error}"))?;
    runtime.block_on(async {
        let mut listeners = Vec::new();
        for listen in &table.server().listen {
            let listener = Listener::bind(&listen.to_string()).await;
            listeners.push(listener.map_err(|error| {
                format!("cannot listen at {listen}: {error}\nchange [server] listen in {}", path.display())
            })?);
        }
        for listener in &listeners {
            let (routes, queues) = (table.rows().len(), table.queues().count());
            tracing::info!(address = %listener.address(), routes, queues, file = %path.display(), "listening");
        }
        let served = server::run(listeners, table, stopped).await;
        served.map_err(|error| format!("cannot serve: {error}"))
    })
}

/// One per core. Beside the workers of queues half as many: the more there are the more often they
/// wake each other in vain, and the workers take what is left.
fn threads(beside_workers: bool) -> usize {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    if beside_workers { (cores / 2).max(1) } else { cores }
}

fn runtime(threads: usize) -> io::Result<Runtime> {
    Builder::new_multi_thread().worker_threads(threads).thread_name("sockets").enable_all().build()
}
