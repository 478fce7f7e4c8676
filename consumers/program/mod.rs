//! The program `waterway`: what its commands do.

mod arguments;
mod check;
mod log;
mod root;
mod routes;
mod rules;
mod serve;
mod signals;
mod steps;
mod token;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use waterway::{Loaded, Router, RoutingConfig};

use arguments::{Arguments, Command, Environment};

/// A command's end: done, or a message for the person who gave it.
type Outcome = Result<(), String>;

/// Runs the command that the arguments name. Exit codes: 0 when it is done, 1 when it could not be
/// done, 2 when the command itself is wrong.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = match arguments.command() {
        Command::Serve(file) => return serve::serve(&file.path(), arguments.log),
        Command::Check(arguments) => check::check(&arguments),
        Command::Routes(routes) => routes::routes(&routes),
        Command::Token(token) => token::token(&token),
        Command::Steps(steps) => steps::steps(&steps),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            complain(&message);
            ExitCode::FAILURE
        }
    }
}

/// Loads a routing table with every consumer of the program. Returns the router, and the loaded
/// file with its warnings. From then on the process works in the table's `root`.
fn load(path: &Path, environment: Environment) -> Result<(Router, Box<Loaded>), String> {
    if !path.exists() {
        return Err(format!(
            "there is no file {}\nname one: waterway serve FILE, or WATERWAY_CONFIG=FILE; waterway help lists the commands",
            path.display()
        ));
    }
    let mut loaded = if environment.allow_missing_env {
        RoutingConfig::load_allowing_missing_env(path)
    } else {
        RoutingConfig::load(path)
    };
    root::enter(&mut loaded);
    let warnings = rules::check(&loaded.config);
    loaded.warnings.extend(warnings);
    // With mistakes, warnings are not shown: they may only follow from the mistakes.
    Router::build(loaded, &crate::registry()).map_err(|loaded| loaded.report().to_string())
}

/// Loads a routing table for a command that does not serve it. Warnings go to standard error.
fn load_and_warn(path: &Path, environment: Environment) -> Result<(Router, Box<Loaded>), String> {
    let (router, loaded) = load(path, environment)?;
    if !loaded.warnings.is_empty() {
        complain(&format!("{}\n", loaded.report_warnings()));
    }
    if let Some(unset) = unset(&loaded) {
        complain(&format!("{unset}\n"));
    }
    Ok((router, loaded))
}

/// Writes to standard error. A write error is ignored: there is no other place to report it.
fn complain(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// The variables whose values are not checked, each once, with the place of its first use.
fn unset(loaded: &Loaded) -> Option<String> {
    let mut told = BTreeMap::new();
    for name in &loaded.missing {
        told.entry(name.as_str()).or_insert_with(|| loaded.sources.describe(name.place));
    }
    let told: Vec<_> = told.iter().map(|(name, place)| format!("{name} ({place})")).collect();
    (!told.is_empty()).then(|| format!("not set, and so not checked: {}", told.join(", ")))
}
