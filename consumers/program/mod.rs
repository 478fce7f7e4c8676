//! The program `waterway`: what its commands do.

mod arguments;
mod check;
mod log;
mod routes;
mod serve;
mod signals;
mod steps;
mod token;

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use waterway::{Loaded, Router, RoutingConfig};

use arguments::{Arguments, Command};

/// A command's end: done, or a message for the person who gave it.
type Outcome = Result<(), String>;

/// Runs the command that the arguments name. Exit codes: 0 when it is done, 1 when it could not be
/// done, 2 when the command itself is wrong.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = match arguments.command() {
        Command::Serve(file) => return serve::serve(&file.path(), arguments.log),
        Command::Check(file) => check::check(&file.path()),
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
/// file with its warnings.
fn load(path: &Path) -> Result<(Router, Box<Loaded>), String> {
    if !path.exists() {
        return Err(format!(
            "there is no file {}\nname one: waterway serve FILE, or WATERWAY_CONFIG=FILE; waterway help lists the commands",
            path.display()
        ));
    }
    // Beside mistakes no warning is shown: it may only follow from one of them.
    Router::build(RoutingConfig::load(path), &crate::registry())
        .map_err(|loaded| loaded.report().to_string())
}

/// Loads a routing table for a command that does not serve it. Warnings go to standard error.
fn load_and_warn(path: &Path) -> Result<Router, String> {
    let (router, loaded) = load(path)?;
    if !loaded.warnings.is_empty() {
        complain(&format!("{}\n", loaded.report_warnings()));
    }
    Ok(router)
}

/// Writes to standard error. A write error is ignored: there is no other place to report it.
fn complain(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
