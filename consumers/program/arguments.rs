//! What is said on the command line.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use http::Method;
use serde_json::{Map, Value};
use waterway::Time;

/// A routed consumer service for WebSockets and HTTP, and the picture service that it was made for.
///
/// The service is what its routing table says: which event on which path goes to which consumer.
/// Without a command, it serves.
#[derive(Debug, Parser)]
#[command(
    name = "waterway",
    version,
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  waterway                          serve ./routing.toml
  waterway check routing.toml       every mistake in it, with its place and the way out
  waterway routes                   the table as it is used
  waterway routes --path /ws/demo   which routes take the events of a path; --why: and why
  waterway token --claim sub=anna   a token for the table's [auth]
  waterway steps                    what a pipeline of pictures can do

The routing table is FILE, else the file that WATERWAY_CONFIG names, else ./routing.toml.
Log lines go to standard error; RUST_LOG says how many: error, warn, info (the default), debug.
SIGTERM, SIGQUIT and Ctrl-C stop the service once running tasks are done; so does closing its
terminal. A second signal stops it at once."
)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    file: TableFile,
    /// How log lines are written.
    #[arg(long, global = true, value_enum, default_value_t, value_name = "FORM")]
    pub(super) log: LogForm,
}

#[derive(Debug, Clone, Subcommand)]
pub(super) enum Command {
    /// Serve the routing table (what is done without a command).
    Serve(TableFile),
    /// Show every mistake in the routing table, and start nothing.
    Check(Check),
    /// Show the routing table as it is used.
    Routes(Routes),
    /// Make a token that the routing table takes.
    Token(Token),
    /// Show the steps that a pipeline of pictures may have, or explain one.
    Steps(Steps),
}

#[derive(Debug, Clone, Args)]
pub(super) struct TableFile {
    /// The routing table [default: the one that `WATERWAY_CONFIG` names, or routing.toml]
    file: Option<PathBuf>,
}

#[derive(Debug, Clone, Args)]
pub(super) struct Check {
    #[command(flatten)]
    pub(super) file: TableFile,
    #[command(flatten)]
    pub(super) environment: Environment,
}

#[derive(Debug, Clone, Copy, Default, Args)]
pub(super) struct Environment {
    /// Go on when a variable of the environment is not set, and do not check its value.
    #[arg(long)]
    pub(super) allow_missing_env: bool,
}

#[derive(Debug, Clone, Args)]
pub(super) struct Routes {
    #[command(flatten)]
    pub(super) file: TableFile,
    #[command(flatten)]
    pub(super) environment: Environment,
    /// As JSON, for a program.
    #[arg(long)]
    pub(super) json: bool,
    /// Show which routes take the events of this path.
    #[arg(long, value_name = "PATH", value_parser = path)]
    pub(super) path: Option<String>,
    /// Show why the routes before those do not take them, too.
    #[arg(long, requires = "path")]
    pub(super) why: bool,
    /// The method of a request to this path.
    #[arg(long, requires = "path", default_value = "GET", value_name = "METHOD")]
    pub(super) method: Method,
    /// The JSON object that a message to this path begins with.
    #[arg(
        long,
        requires = "path",
        default_value = "",
        hide_default_value = true,
        value_name = "JSON",
        value_parser = head
    )]
    pub(super) head: String,
}

#[derive(Debug, Clone, Args)]
pub(super) struct Token {
    #[command(flatten)]
    pub(super) file: TableFile,
    /// Which [auth.NAME] of the table, when it has several.
    #[arg(long, value_name = "NAME")]
    pub(super) auth: Option<String>,
    /// A claim, NAME=VALUE; a value that is JSON counts as that. May be given several times.
    #[arg(long = "claim", value_name = "NAME=VALUE")]
    pub(super) claims: Vec<String>,
    /// The address that the token is for: the claim `ip`.
    #[arg(long, value_name = "ADDRESS")]
    pub(super) ip: Option<IpAddr>,
    /// How long the token is good; 0s makes one that has expired. The claims `iss` and `aud` are
    /// set where the table demands them.
    #[arg(long, value_name = "TIME", default_value = "1d")]
    pub(super) expires: Time,
}

#[derive(Debug, Clone, Args)]
pub(super) struct Steps {
    /// The step to explain.
    pub(super) name: Option<String>,
    /// All of it as a page of Markdown: docs/steps.md.
    #[arg(long, conflicts_with = "name")]
    pub(super) markdown: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum LogForm {
    /// For people.
    #[default]
    Human,
    /// One JSON object a line, for programs.
    Json,
}

/// The path of a request as a route sees it.
fn path(text: &str) -> Result<String, String> {
    if let Some((_, behind)) = text.split_once("://") {
        let path = behind.find('/').map_or("/", |slash| &behind[slash..]);
        return Err(format!("this is a whole URL: write its path, {path}"));
    }
    if !text.starts_with('/') {
        return Err(format!("a path begins with a slash: write /{text}"));
    }
    if let Some((path, _)) = text.split_once(['?', '#']) {
        return Err(format!("no route looks at a query: write {path}"));
    }
    Ok(text.to_owned())
}

/// The JSON object that a message begins with, or nothing.
fn head(text: &str) -> Result<String, String> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<Map<String, Value>>();
    match values.next() {
        None | Some(Ok(_)) => Ok(text.to_owned()),
        Some(Err(error)) => {
            Err(format!("a head is a JSON object such as {{\"type\": \"viewport\"}}: {error}"))
        }
    }
}

impl Arguments {
    pub(super) fn command(&self) -> Command {
        self.command.clone().unwrap_or_else(|| Command::Serve(self.file.clone()))
    }
}

impl TableFile {
    /// Where the routing table is.
    pub(super) fn path(&self) -> PathBuf {
        let named = self.file.clone();
        let named = named.or_else(|| std::env::var_os("WATERWAY_CONFIG").map(PathBuf::from));
        named.unwrap_or_else(|| "routing.toml".into())
    }
}
