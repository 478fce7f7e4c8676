//! A program that serves a registry, and its commands.

use std::fmt;
use std::process::ExitCode;

use clap::FromArgMatches;

use super::arguments::{self, Arguments, Command};
use super::terminal::{complain, print};
use super::{
    Deployment, Guide, Outcome, Rules, check, completions, confine, consumers, explain, guide,
    health, new, queues, reference, routes, serve, table, test, token,
};
use crate::consumer::Registry;

/// A program that serves the consumers of a registry by a routing table: the whole of a `main`
/// function.
///
/// ```no_run
/// use std::process::ExitCode;
///
/// use waterway::cli::App;
/// use waterway::{Registry, Text};
///
/// async fn shout(Text(text): Text) -> String {
///     text.to_uppercase()
/// }
///
/// fn main() -> ExitCode {
///     let registry = Registry::new().function("shout", shout);
///     App::new(registry).program("shouting", env!("CARGO_PKG_VERSION")).main()
/// }
/// ```
pub struct App {
    pub(super) registry: Registry,
    pub(super) name: &'static str,
    pub(super) version: &'static str,
    pub(super) about: &'static str,
    pub(super) demo: Option<&'static str>,
    pub(super) rules: Vec<Box<dyn Rules>>,
    pub(super) guides: Vec<Guide>,
    pub(super) deployments: Vec<Deployment>,
}

impl App {
    /// A program that knows these consumers.
    #[must_use]
    pub fn new(registry: Registry) -> Self {
        Self {
            registry,
            name: "waterway",
            version: env!("CARGO_PKG_VERSION"),
            about: "A routed consumer service for WebSockets and HTTP.",
            demo: None,
            rules: Vec::new(),
            guides: Vec::new(),
            deployments: Vec::new(),
        }
    }

    /// The program's name and version, which its help and messages show. Without this they are
    /// those of this crate.
    #[must_use]
    pub fn program(mut self, name: &'static str, version: &'static str) -> Self {
        (self.name, self.version) = (name, version);
        self
    }

    /// One sentence about the program, for its help.
    #[must_use]
    pub fn about(mut self, about: &'static str) -> Self {
        self.about = about;
        self
    }

    /// A routing table that is built into the program. It is served with `--demo`, and also if no
    /// file is named and `routing.toml` does not exist.
    #[must_use]
    pub fn demo(mut self, table: &'static str) -> Self {
        self.demo = Some(table);
        self
    }

    /// Adds rules for routing tables that concern the program's own consumers.
    #[must_use]
    pub fn rules(mut self, rules: impl Rules) -> Self {
        self.rules.push(Box::new(rules));
        self
    }

    /// Adds a command that explains something by its entries.
    #[must_use]
    pub fn guide(mut self, guide: Guide) -> Self {
        self.guides.push(guide);
        self
    }

    /// Adds a deployment that `new` can write. It writes the first one if it is given no
    /// `--template`.
    #[must_use]
    pub fn deployment(mut self, deployment: Deployment) -> Self {
        self.deployments.push(deployment);
        self
    }

    /// Runs the command that the arguments of the process name. The exit code is 0 when the command
    /// is done and 1 when it failed. Wrong arguments end the process with code 2.
    ///
    /// `serve` logs to standard error, handles the signals of the process and returns when the
    /// service has stopped.
    #[must_use]
    pub fn main(self) -> ExitCode {
        if let Some(code) = confine::become_if_asked() {
            return code;
        }
        let command = arguments::command(&self);
        let words = std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned());
        let words: Vec<String> = words.collect();
        if let Some(message) = arguments::misspelt(&self, &command, &words) {
            complain(&message);
            return ExitCode::from(WRONG_ARGUMENTS);
        }
        let matches = command.get_matches();
        if let Some((name, matches)) = matches.subcommand()
            && let Some(guide) = self.guides.iter().find(|guide| guide.name == name)
        {
            return exit_code(guide::explain(self.name, guide, matches));
        }
        let arguments = Arguments::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
        exit_code(match arguments.to_run() {
            Command::Serve(serve) => return serve::serve(self, &serve, arguments.log),
            Command::Work(work) => return serve::work(self, &work, arguments.log),
            Command::Check(check) => check::check(&self, &check),
            Command::Test(test) => test::test(&self, &test),
            Command::Routes(routes) => routes::routes(&self, &routes),
            Command::Explain(explain) => explain::explain(&self, &explain),
            Command::Consumers(asked) => consumers::consumers(&self, &asked),
            Command::Schema(schema) => reference::schema(&self, &schema),
            Command::New(arguments) => new::new(&self, &arguments),
            Command::Completions { shell } => {
                completions::completions(&self, shell);
                Ok(())
            }
            Command::Demo => demo(&self),
            Command::Token(token) => token::token(&self, &token),
            Command::Health(health) => health::health(&self, &health),
            Command::Queues(asked) => queues::queues(&self, &asked),
        })
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").field("name", &self.name).finish_non_exhaustive()
    }
}

/// `waterway demo`: prints the built-in table. If its first line names a schema, it names one beside
/// the table.
fn demo(app: &App) -> Outcome {
    let table = app.demo.ok_or_else(|| table::no_demo(app))?;
    match table.split_once('\n') {
        Some((first, rest)) if first.starts_with("#:schema ") => {
            print(&format!("#:schema routing.schema.json\n{rest}"));
        }
        _ => print(table),
    }
    Ok(())
}

/// As clap ends the process.
const WRONG_ARGUMENTS: u8 = 2;

fn exit_code(outcome: Outcome) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            complain(&message);
            ExitCode::FAILURE
        }
    }
}
