//! What is said on the command line.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
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
  waterway routes --path /ws/demo   what becomes of the events of a path, and why
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
    Check(TableFile),
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
pub(super) struct Routes {
    #[command(flatten)]
    pub(super) file: TableFile,
    /// As JSON, for a program.
    #[arg(long)]
    pub(super) json: bool,
    /// Explain what becomes of the events of this path, and why.
    #[arg(long, value_name = "PATH")]
    pub(super) path: Option<String>,
    /// The method of a request to this path.
    #[arg(long, requires = "path", default_value = "GET", value_name = "METHOD")]
    pub(super) method: String,
    /// The JSON object that a message to this path begins with.
    #[arg(
        long,
        requires = "path",
        default_value = "",
        hide_default_value = true,
        value_name = "JSON"
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
    /// How long the token is good; 0s makes one that has expired.
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
