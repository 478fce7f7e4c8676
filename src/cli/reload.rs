//! Reloads the table of a running service: reads it again, and puts it in place of the former one.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime};

use super::App;
use super::arguments::Environment;
use super::log::Log;
use super::part::Part;
use super::table::{Source, read_again, try_build};
use crate::config::Loaded;
use crate::routing::Router;
use crate::service::{Changed, Fault, Outcome, Reload, Requests, Service, Trigger};
use crate::setting::{Diagnostic, Sources};

/// Reads the table of a service again whenever it is asked to.
pub(super) struct Reloader {
    pub(super) app: Arc<App>,
    pub(super) source: Source,
    /// The options of the command line that change each table.
    pub(super) part: Part,
    pub(super) log: Log,
    pub(super) files: Files,
    pub(super) warnings: Warnings,
}

/// The warnings of the table that is served.
#[derive(Debug, Default)]
pub(super) struct Warnings {
    // `std`'s mutex: no code awaits while it is locked.
    told: Mutex<Vec<(String, Option<String>)>>,
}

/// The files that the table consists of, as far as the last reading shows. Clones share them.
#[derive(Debug, Clone, Default)]
pub(super) struct Files {
    // `std`'s mutex: no code awaits while it is locked.
    known: Arc<Mutex<Known>>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    /// The patterns of included files.
    pub(super) includes: Vec<String>,
    /// The files of the consumers, even if the table could not be served. `true` marks a file that
    /// is watched whatever `[server] reload` says.
    pub(super) of_consumers: BTreeMap<PathBuf, bool>,
    /// The table that was built last, if its consumers have files by patterns.
    pub(super) by_patterns: Option<Router>,
}

/// A table that has been read and checked.
struct Table {
    router: Router,
    loaded: Box<Loaded>,
}

impl Reloader {
    /// Reloads the table whenever `requests` has a request.
    pub(super) async fn run(self, service: Service, mut requests: Requests) {
        let reloader = Arc::new(self);
        loop {
            let trigger = requests.next().await;
            let (began, start) = (SystemTime::now(), Instant::now());
            let outcome = match trigger {
                Trigger::Consumer => replace(&service, service.router()).await,
                _ => reloader.reload(&service).await,
            };
            let reload = Reload { trigger, began, took: start.elapsed(), outcome };
            tell(&reload, &reloader.source);
            requests.done(reload);
        }
    }

    async fn reload(self: &Arc<Self>, service: &Service) -> Outcome {
        let reloader = Arc::clone(self);
        // Reading files and trying folders may block.
        let read = tokio::task::spawn_blocking(move || reloader.read()).await;
        let table = read.unwrap_or_else(|error| Err(vec![Fault::new(error)]));
        let Table { router, loaded } = match table {
            Ok(table) => table,
            Err(faults) => return Outcome::Diagnostics(faults),
        };
        if router.rows().is_empty() && !service.router().rows().is_empty() {
            let help = "stop the service if nothing is to be served".to_owned();
            let place = Some(self.source.to_string());
            let fault = Fault { place, help: Some(help), ..Fault::new("there are no routes") };
            return Outcome::Diagnostics(vec![fault]);
        }
        let outcome = replace(service, router).await;
        if let Outcome::Changes(changes) = &outcome
            && !changes.is_empty()
        {
            self.log.configure(&loaded.config.log);
            self.warnings.tell(&loaded);
        }
        outcome
    }

    /// Reads and checks the table.
    fn read(&self) -> Result<Table, Vec<Fault>> {
        let loaded = read_again(&self.app, &self.source, Environment::default());
        let mut loaded = loaded.map_err(|message| vec![Fault::new(message)])?;
        self.files.read(&loaded);
        self.part.apply(&mut loaded.config).map_err(|message| vec![Fault::new(message)])?;
        match try_build(&self.app, loaded) {
            Ok((router, loaded)) => {
                self.files.built(&router);
                Ok(Table { router, loaded })
            }
            Err(loaded) => {
                let fault = |diagnostic| fault(diagnostic, &loaded.sources);
                Err(loaded.diagnostics.iter().map(fault).collect())
            }
        }
    }
}

impl Files {
    /// The files of a table that has been read. After a mistake in it, those of earlier tables count
    /// too.
    pub(super) fn read(&self, loaded: &Loaded) {
        let mut known = self.lock();
        if loaded.diagnostics.is_empty() {
            known.includes.clear();
        }
        for pattern in &loaded.includes {
            if !known.includes.contains(pattern) {
                known.includes.push(pattern.clone());
            }
        }
    }

    /// The files of the consumers of a table.
    pub(super) fn built(&self, router: &Router) {
        let files = router.files_of_consumers();
        let mut known = self.lock();
        known.of_consumers = files;
        known.by_patterns = router.has_files_by_patterns().then(|| router.clone());
    }

    pub(super) fn known(&self) -> Known {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        // No code panics while it is locked.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Warnings {
    /// Logs the warnings of a table that is served from now on, except those that the former table
    /// had too.
    pub(super) fn tell(&self, loaded: &Loaded) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let former = std::mem::take(&mut *told);
        for Diagnostic { span, message, help } in &loaded.warnings {
            let warning = (message.clone(), help.clone());
            if !former.contains(&warning) {
                let place = loaded.sources.describe(*span);
                tracing::warn!(place, help, "{message}");
            }
            told.push(warning);
        }
    }
}

async fn replace(service: &Service, router: Router) -> Outcome {
    match service.replace(router).await {
        Ok(changes) => Outcome::Changes(Box::new(changes)),
        Err(error) => Outcome::Diagnostics(vec![Fault::new(error)]),
    }
}

fn fault(diagnostic: &Diagnostic, sources: &Sources) -> Fault {
    let Diagnostic { span, message, help } = diagnostic;
    let place = Some(sources.describe(*span));
    Fault { place, message: message.clone(), help: help.clone() }
}

/// Logs a reload: its changes in one line, or the reasons why it failed.
fn tell(reload: &Reload, source: &Source) {
    let Reload { trigger, took, outcome, .. } = reload;
    match outcome {
        Outcome::Changes(_) if reload.is_idle() => {
            tracing::debug!(%trigger, ?took, file = %source, "table read again: nothing has changed");
        }
        Outcome::Changes(changes) if changes.is_empty() => {
            tracing::info!(%trigger, ?took, file = %source, "table read again: nothing has changed");
        }
        Outcome::Changes(changes) => {
            let some = |changed: &Changed| (!changed.is_empty()).then(|| changed.to_string());
            let listed = |names: &[String]| (!names.is_empty()).then(|| names.join(", "));
            tracing::info!(
                %trigger,
                ?took,
                file = %source,
                routes = some(&changes.routes),
                consumers = some(&changes.consumers),
                queues = some(&changes.queues),
                tokens = some(&changes.auth),
                settings = listed(&changes.settings),
                "table reloaded"
            );
            if let Some(kept) = listed(&changes.kept) {
                tracing::warn!(
                    settings = kept,
                    "these settings have changed in the table, but they take effect only when the service starts again"
                );
            }
        }
        Outcome::Diagnostics(faults) => {
            tracing::error!(%trigger, ?took, file = %source, mistakes = faults.len(), "table not reloaded: the former one is still served");
            for Fault { place, message, help } in faults {
                tracing::error!(place, help, "{message}");
            }
        }
    }
}
