//! `waterway serve`: serves a routing table until it is told to stop.

use std::io::{self, ErrorKind};
use std::num::NonZero;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;
use tokio_util::task::AbortOnDropHandle;

use super::arguments::{Environment, LogForm, Serve, TableFile, Work};
use super::log::{FlushOnDrop, Log};
use super::part::{Part, Side};
use super::reload::{Files, Reloader, Warnings};
use super::table::{Source, build, read};
use super::terminal::complain;
use super::watch::Watch;
use super::{App, Outcome, signals};
use crate::server::{self, Admin, Listener};
use crate::service::{Service, Trigger};

/// Serves. Even the final error goes through the log's writer, because writing to standard error
/// directly can block or fail.
pub(super) fn serve(app: App, arguments: &Serve, form: LogForm) -> ExitCode {
    let of = if arguments.workers.is_some() { Side::Sockets } else { Side::Both };
    let part = Part { listen: arguments.listen.clone(), of };
    run(app, &arguments.file, arguments.watch, &part, form)
}

/// Does the tasks of a table's queues, as [`serve`] does, but without its sockets.
pub(super) fn work(app: App, arguments: &Work, form: LogForm) -> ExitCode {
    let part = Part { listen: Vec::new(), of: Side::Workers };
    run(app, &arguments.file, arguments.watch, &part, form)
}

fn run(app: App, file: &TableFile, watch: bool, part: &Part, form: LogForm) -> ExitCode {
    let log = match Log::start(form) {
        Ok(log) => log,
        Err(error) => {
            complain(&format!("the log cannot be started: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let _flush = FlushOnDrop(log.clone());
    match serve_table(&Arc::new(app), file, watch, part, &log) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            log.print(&message);
            ExitCode::FAILURE
        }
    }
}

fn serve_table(app: &Arc<App>, file: &TableFile, watch: bool, part: &Part, log: &Log) -> Outcome {
    let (stopped, hangup) =
        signals::take(log).map_err(|error| format!("the signals cannot be handled: {error}"))?;
    let source = Source::to_serve(app, file)?;
    if let (Source::Demo(_), false) = (&source, file.demo) {
        let way_out = format!("{} demo > routing.toml makes it a file", app.name);
        tracing::info!(way_out, "there is no routing.toml here: serving the built-in table");
    }
    let absolute = source.clone().absolute();
    let mut loaded = read(app, &source, Environment::default())?;
    // From here on the process works in the table's root.
    let source = if loaded.config.server.root.is_some() { absolute } else { source };
    let files = Files::default();
    files.read(&loaded);
    part.apply(&mut loaded.config)?;
    let (table, loaded) = build(app, loaded)?;
    files.built(&table);
    if watch && source.file().is_none() {
        tracing::warn!("--watch has no effect: the built-in table has no file");
    }
    log.configure(&loaded.config.log);
    let warnings = Warnings::default();
    warnings.tell(&loaded);
    let threads = match table.server().threads {
        0 => threads(table.queues().len() > 0),
        threads => threads,
    };
    let runtime =
        runtime(threads).map_err(|error| format!("the threads cannot be started: {error}"))?;
    let served = runtime.block_on(async {
        let mut listeners = Vec::new();
        let listens = if part.of == Side::Workers { &[] } else { &*table.server().listen };
        for listen in listens {
            let listener = Listener::bind(&listen.to_string()).await;
            listeners.push(listener.map_err(|error| {
                let is_taken = error.kind() == ErrorKind::AddrInUse;
                let taken = if is_taken { "end the program that listens there, or " } else { "" };
                let way_out = match source.file() {
                    Some(_) if part.listen.is_empty() => {
                        format!("{taken}change [server] listen in {source}, or use --listen")
                    }
                    _ => format!("{taken}name another address: --listen 127.0.0.1:8001"),
                };
                format!("cannot listen at {listen}: {error}\n{way_out}")
            })?);
        }
        let admin = match table.admin() {
            None => None,
            Some(settings) => {
                let bound = Admin::bind(settings).await;
                Some(bound.map_err(|(listen, error)| {
                    let way_out = format!("change [admin] listen in {source}");
                    format!("cannot listen at {listen}: {error}\n{way_out}")
                })?)
            }
        };
        let (routes, queues) = (table.rows().len(), table.queues().len());
        let service = Service::start(table).await;
        let service = service.map_err(|error| format!("cannot serve: {error}\nthe table is {source}"))?;
        // Clients that connected before this have waited in the kernel's queue.
        for listener in &listeners {
            tracing::info!(address = %listener.address(), routes, queues, file = %source, "listening");
        }
        if part.of == Side::Workers {
            tracing::info!(queues, file = %source, "working");
        }
        let requests = service.reloads().requests();
        let watch = Watch {
            service: service.clone(),
            table: source.file().map(Path::to_owned),
            always: watch,
            files: files.clone(),
        };
        let (app, part, log) = (Arc::clone(app), part.clone(), log.clone());
        let reloader = Reloader { app, source: source.clone(), part, log, files, warnings };
        tokio::spawn(reloader.run(service.clone(), requests));
        tokio::spawn(watch.run());
        tokio::spawn(reload_on(hangup, service.clone()));
        // Until the end, so that it can tell that the service stops.
        let _admin = admin.map(|admin| {
            for address in admin.addresses() {
                tracing::info!(address, "the admin listener answers");
            }
            AbortOnDropHandle::new(tokio::spawn(admin.run(service.clone())))
        });
        server::run(listeners, service, stopped).await;
        Ok(())
    });
    // A thread that reads a file of another machine may wait for it.
    runtime.shutdown_timeout(Duration::from_secs(1));
    served
}

/// Asks for a reload of the table whenever the signal for it has come.
async fn reload_on(hangup: Arc<Notify>, service: Service) {
    loop {
        hangup.notified().await;
        service.reloads().ask(Trigger::Hangup);
    }
}

/// The number of threads for sockets: one per core, or half of that if queues have workers. Tokio's
/// threads wake each other to look for work, mostly without finding any, and more often the more
/// threads there are; and the workers need the other cores.
fn threads(beside_workers: bool) -> usize {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    if beside_workers { (cores / 2).max(1) } else { cores }
}

fn runtime(threads: usize) -> io::Result<Runtime> {
    Builder::new_multi_thread().worker_threads(threads).thread_name("sockets").enable_all().build()
}
