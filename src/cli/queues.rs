//! `waterway queues`: how full the queues of a table are. Those in Redis are read there; for those in
//! memory, the process that serves the table is asked.

#[cfg(feature = "redis")]
mod dead_letters;
mod figures;
#[cfg(feature = "redis")]
mod server;

use clap::Args;
use serde_json::Value;

use self::figures::{age, size};
use super::arguments::{Environment, TableFile};
use super::ask::{Answer, ask};
use super::routes::json;
use super::table::{Source, read};
use super::terminal::{columns, print};
use super::{App, Outcome};
use crate::config::{Backend, Loaded, RoutingConfig};

#[derive(Debug, Clone, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Queues {
    #[cfg(feature = "redis")]
    #[command(subcommand)]
    act: Option<dead_letters::Act>,
    #[command(flatten)]
    file: TableFile,
    /// Print JSON, for programs.
    #[arg(long)]
    json: bool,
}

pub(super) fn queues(app: &App, arguments: &Queues) -> Outcome {
    #[cfg(feature = "redis")]
    if let Some(act) = &arguments.act {
        return dead_letters::run(app, act);
    }
    let (source, loaded) = sound(app, &arguments.file)?;
    let config = &loaded.config;
    let reports = match *config.layer.backend {
        _ if config.queue.is_empty() => Vec::new(),
        Backend::Memory => in_memory(app, &source, config)?,
        #[cfg(feature = "redis")]
        Backend::Redis => server::reports(&source, config)?,
        #[cfg(not(feature = "redis"))]
        Backend::Redis => return Err("this program was built without Redis".to_owned()),
    };
    print(&match (arguments.json, reports.is_empty()) {
        (true, _) => json(&reports)?,
        (false, true) => format!("{source} has no queues\n"),
        (false, false) => table(&reports),
    });
    Ok(())
}

/// Reads a table without mistakes. Whether its consumers can be used does not matter: an operator's
/// machine need not have their files.
fn sound(app: &App, file: &TableFile) -> Result<(Source, Loaded), String> {
    let source = Source::named(app, file)?;
    let loaded = read(app, &source, Environment::default())?;
    if loaded.diagnostics.is_empty() {
        Ok((source, loaded))
    } else {
        Err(loaded.report().to_string())
    }
}

/// The reports of the process that serves the table.
fn in_memory(app: &App, source: &Source, config: &RoutingConfig) -> Result<Vec<Value>, String> {
    let Some(admin) = &config.admin else {
        return Err(format!(
            "the queues of {source} are in the memory of the process that serves it\n\
             write [admin], and this command asks that process (GET /v1/queues); queues in Redis \
             can be read without it: [layer] with backend = \"redis\""
        ));
    };
    let Some(listen) = admin.listen.first() else { return Err("[admin] listens nowhere".into()) };
    let token = admin.token.as_ref().map(|token| token.expose());
    let Answer { status, body } = ask(listen, "/v1/queues", token).map_err(|error| {
        format!(
            "the queues of {source} are in the memory of the process that serves it, and none \
             answers at {listen}, where its [admin] listens: {error}\nstart it: {} serve {source}",
            app.name
        )
    })?;
    match (status, serde_json::from_str(&body)) {
        (Some(200), Ok(reports)) => Ok(reports),
        (Some(401), _) => Err(format!(
            "the process at {listen} refuses the token of [admin]\n\
             it was started with another one: give this command the same, or start it again"
        )),
        (Some(status), _) => {
            Err(format!("the process at {listen} does not tell ({status}): {body}"))
        }
        (None, _) => Err(format!("{listen} does not speak HTTP")),
    }
}

fn table(reports: &[Value]) -> String {
    let heads = [
        "queue",
        "consumer",
        "engine",
        "queued",
        "running",
        "clients",
        "oldest",
        "bytes",
        "reclaimed",
        "dead letters",
    ];
    columns(heads, reports.iter().map(cells))
}

/// A number that is not known is a dash.
fn cells(report: &Value) -> [String; 10] {
    let text = |key: &str| report[key].as_str().unwrap_or("-").to_owned();
    let number = |key: &str, shown: fn(u64) -> String| {
        report[key].as_u64().map_or_else(|| "-".to_owned(), shown)
    };
    let plain = |number: u64| number.to_string();
    [
        text("name"),
        text("consumer"),
        text("engine"),
        number("queued", plain),
        number("running", plain),
        number("clients", plain),
        number("oldest_ms", age),
        number("bytes", size),
        number("reclaimed", plain),
        number("dead_letters", plain),
    ]
}
