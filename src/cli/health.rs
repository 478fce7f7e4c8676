//! `waterway health`: asks the service of a table whether it is ready, for containers.

use std::io;

use super::arguments::{Environment, Health};
use super::ask::{Answer, ask};
use super::table::{Source, read};
use super::terminal::print;
use super::{App, Outcome};

pub(super) fn health(app: &App, arguments: &Health) -> Outcome {
    let source = Source::to_serve(app, &arguments.file)?;
    let environment = Environment { allow_missing_env: true };
    let loaded = read(app, &source, environment)?;
    let config = &loaded.config;
    // Without the admin listener, any answer of the service says that it is alive.
    let (listen, path) = match &config.admin {
        Some(admin) => (&admin.listen, "/readyz"),
        None => (&config.server.listen, "/"),
    };
    let Some(listen) = listen.first() else { return Err("the table listens nowhere".to_owned()) };
    let failed = |error: io::Error| {
        let way_out = if loaded.diagnostics.is_empty() {
            format!("start it: {} serve {source}", app.name)
        } else {
            format!(
                "the table has mistakes, and may name another address: {} check {source}",
                app.name
            )
        };
        format!("no service answers at {listen}, where {source} listens: {error}\n{way_out}")
    };
    let Answer { status, body } = ask(listen, path, None).map_err(failed)?;
    match (status, &config.admin) {
        (Some(200), Some(_)) => print(&format!("{body}\n")),
        (Some(status), Some(_)) => return Err(format!("not ready ({status}): {body}")),
        (Some(_), None) => print("alive\n"),
        (None, _) => return Err(format!("{listen} does not speak HTTP")),
    }
    Ok(())
}
