//! The program `waterway`: what its commands do.

mod arguments;
mod check;
mod log;
mod routes;
mod serve;
mod signals;
mod steps;
mod token;

use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use waterway::Router;

use arguments::{Arguments, Command};

/// A command's end: done, or a message for the person who gave it.
type Outcome = Result<(), String>;

/// Runs the command that the arguments name. Exit codes: 0 when it is done, 1 when it could not be
/// done, 2 when the command itself is wrong.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    log::start(arguments.log);
    let outcome = match arguments.command() {
        Command::Serve(file) => serve::serve(&file.path()),
        Command::Check(file) => check::check(&file.path()),
        Command::Routes(routes) => routes::routes(&routes),
        Command::Token(token) => token::token(&token),
        Command::Steps(steps) => steps::steps(&steps),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

/// Reads a routing table with every consumer of the program; warnings go to standard error.
fn load(path: &Path) -> Result<Router, String> {
    if !path.exists() {
        return Err(format!(
            "there is no file {}\nname one: waterway serve FILE, or WATERWAY_CONFIG=FILE; waterway help lists the commands",
            path.display()
        ));
    }
    let loaded = waterway::RoutingConfig::load(path);
    match Router::build(loaded, &crate::registry()) {
        Ok((router, warnings)) => {
            if let Some(warnings) = warnings {
                eprintln!("{warnings}\n");
            }
            Ok(router)
        }
        // Without the warnings: some would only follow from a mistake.
        Err(loaded) => Err(loaded.report().to_string()),
    }
}
