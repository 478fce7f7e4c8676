//! The arguments of the program.

use std::fmt::Write;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use http::{HeaderName, HeaderValue, Method};
use serde_json::Value;

use super::queues::Queues;
use super::{App, guide};
use crate::config::Listen;
use crate::message::Channel;
use crate::setting::{Time, nearest_of};

/// The arguments of a command. The commands of guides have their own.
#[derive(Debug, Parser)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: Serve,
    /// The form of log lines.
    #[arg(long, global = true, value_enum, default_value_t, value_name = "FORM")]
    pub(super) log: LogForm,
}

#[derive(Debug, Clone, Subcommand)]
pub(super) enum Command {
    /// Serve the routing table. This is the default command.
    Serve(Serve),
    /// Do the tasks of the routing table's queues, without sockets: they come from processes that
    /// serve it, through the server of `[layer]`.
    Work(Work),
    /// Show every mistake in the routing table.
    Check(Check),
    /// Run the tests of the routing table, without sockets.
    Test(Test),
    /// Show the routing table as the service uses it.
    Routes(Routes),
    /// Show which route takes an event of a path, and why.
    Explain(Box<Explain>),
    /// Show what a table can route to, or explain one consumer with its options.
    Consumers(Consumers),
    /// Print the JSON schema of routing tables, for editors and validators.
    Schema(Schema),
    /// Write a deployment to start from into a folder.
    New(New),
    /// Print a script that completes the program's commands in a shell.
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Print the program's built-in table, as the beginning of a file.
    Demo,
    /// Make a token that the routing table accepts.
    Token(Token),
    /// Ask the service of the routing table whether it is ready: exit code 0 if it is.
    Health(Health),
    /// Show how full the queues of the routing table are, and their dead letters: tasks that were
    /// given up.
    Queues(Queues),
}

#[derive(Debug, Clone, Args)]
pub(super) struct TableFile {
    /// The routing table [default: the one that `WATERWAY_CONFIG` names, or routing.toml]
    pub(super) file: Option<PathBuf>,
    /// Use the program's built-in table in place of a file.
    #[arg(long, conflicts_with = "file")]
    pub(super) demo: bool,
}

#[derive(Debug, Clone, Args)]
pub(super) struct Serve {
    #[command(flatten)]
    pub(super) file: TableFile,
    /// Listen here, and not where `[server] listen` says: 127.0.0.1:8000, `[::]:8000` or
    /// `unix:run/waterway.sock`. May be given several times.
    #[arg(long, value_name = "ADDRESS")]
    pub(super) listen: Vec<Listen>,
    /// Read the table again after each change of its files, as with `[server] reload = "watch"`.
    #[arg(long)]
    pub(super) watch: bool,
    /// Only hold sockets: other processes, which run `work`, do the tasks.
    #[arg(long, value_name = "none", value_parser = ["none"])]
    pub(super) workers: Option<String>,
}

#[derive(Debug, Clone, Args)]
pub(super) struct Work {
    #[command(flatten)]
    pub(super) file: TableFile,
    /// Read the table again after each change of its files, as with `[server] reload = "watch"`.
    #[arg(long)]
    pub(super) watch: bool,
}

#[derive(Debug, Clone, Args)]
pub(super) struct Check {
    #[command(flatten)]
    pub(super) file: TableFile,
    #[command(flatten)]
    pub(super) environment: Environment,
    /// Also start every program once, and connect to every webhook and to the servers of the
    /// layer. Without this, nothing is started.
    #[arg(long, conflicts_with = "allow_missing_env")]
    pub(super) start: bool,
}

#[derive(Debug, Clone, Args)]
pub(super) struct Test {
    #[command(flatten)]
    pub(super) file: TableFile,
}

#[derive(Debug, Clone, Copy, Default, Args)]
pub(super) struct Environment {
    /// Accept variables of the environment that are not set, and do not check the values that use
    /// them.
    #[arg(long)]
    pub(super) allow_missing_env: bool,
}

#[derive(Debug, Clone, Args)]
pub(super) struct Routes {
    #[command(flatten)]
    pub(super) file: TableFile,
    #[command(flatten)]
    pub(super) environment: Environment,
    /// Print JSON, for programs.
    #[arg(long)]
    pub(super) json: bool,
    /// `explain` has taken the place of this option.
    #[arg(long, hide = true, value_name = "PATH", value_parser = moved)]
    path: Option<String>,
}

#[derive(Debug, Clone, Args)]
pub(super) struct Explain {
    /// The path, as a client sends it; a query after a `?` may hold a token.
    #[arg(value_parser = target)]
    pub(super) path: String,
    #[command(flatten)]
    pub(super) file: TableFile,
    #[command(flatten)]
    pub(super) environment: Environment,
    /// Explain only this event: websocket.connect, websocket.receive, websocket.disconnect or
    /// http.request.
    #[arg(long, value_name = "CHANNEL", value_parser = channel)]
    pub(super) channel: Option<Channel>,
    /// The method of a request.
    #[arg(long, default_value = "GET", value_name = "METHOD")]
    pub(super) method: Method,
    /// The JSON object at the start of a message.
    #[arg(
        long,
        default_value = "",
        hide_default_value = true,
        value_name = "JSON",
        value_parser = head
    )]
    pub(super) head: String,
    /// The client's token, wherever the table looks for it.
    #[arg(long, value_name = "TOKEN")]
    pub(super) token: Option<String>,
    /// A header of the handshake or the request. May be given several times.
    #[arg(long = "header", value_name = "NAME: VALUE", value_parser = header)]
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    /// Print JSON, for programs.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Clone, Args)]
pub(super) struct Consumers {
    /// The consumer to explain.
    pub(super) name: Option<String>,
    /// One of its entries, for a NAME that has entries, such as the step `cover` of `steps`.
    pub(super) entry: Option<String>,
}

#[derive(Debug, Clone, Args)]
pub(super) struct Schema {
    /// Print all keys and consumers as a page of Markdown.
    #[arg(long)]
    pub(super) markdown: bool,
}

#[derive(Debug, Clone, Args)]
pub(super) struct New {
    /// The folder. It is made, unless it exists and is empty.
    #[arg(value_name = "DIR")]
    pub(super) folder: PathBuf,
    /// The kind of deployment.
    #[arg(long, value_name = "NAME")]
    pub(super) template: Option<String>,
}

#[derive(Debug, Clone, Args)]
pub(super) struct Token {
    #[command(flatten)]
    pub(super) file: TableFile,
    /// The name of the table's [auth.NAME], if it has several.
    #[arg(long, value_name = "NAME")]
    pub(super) auth: Option<String>,
    /// A claim, NAME=VALUE; a VALUE that is JSON is used as JSON. May be given several times.
    #[arg(long = "claim", value_name = "NAME=VALUE")]
    pub(super) claims: Vec<String>,
    /// The address for which the token is valid: the claim `ip`.
    #[arg(long, value_name = "ADDRESS")]
    pub(super) ip: Option<IpAddr>,
    /// How long the token is valid; 0s makes an expired one. The claims `iss` and `aud` are set if
    /// the table demands them.
    #[arg(long, value_name = "TIME", default_value = "1d")]
    pub(super) expires: Time,
}

#[derive(Debug, Clone, Args)]
pub(super) struct Health {
    #[command(flatten)]
    pub(super) file: TableFile,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum LogForm {
    /// For people.
    #[default]
    Human,
    /// One JSON object a line, for programs.
    Json,
}

/// The command line of this program, with a command for each of its guides.
pub(super) fn command(app: &App) -> clap::Command {
    let about = app.about;
    let service = "The routing table decides which event on which path goes to which consumer. \
                   Without a command, the program serves it.";
    let mut command = Arguments::command();
    if app.demo.is_none() {
        command = without_demo(command);
    }
    let templates = templates(app);
    command = command.mut_subcommand("new", |new| match app.deployments.as_slice() {
        [] => new.hide(true),
        _ => new.after_help(templates),
    });
    command
        .name(app.name)
        .version(app.version)
        .about(about)
        .long_about(format!("{about}\n\n{service}"))
        .after_help(after_help(app))
        .subcommands(app.guides.iter().map(guide::command))
}

/// The templates of `new`, for its help.
fn templates(app: &App) -> String {
    let width =
        app.deployments.iter().map(|deployment| deployment.name.len()).max().unwrap_or_default();
    let mut text = String::from("Templates; the first one is the default:\n");
    for deployment in &app.deployments {
        let _ = writeln!(text, "  {:width$}  {}", deployment.name, deployment.about);
    }
    text
}

/// A program without a built-in table does not offer it.
fn without_demo(command: clap::Command) -> clap::Command {
    let hide = |command: clap::Command| match command.get_name() {
        "demo" => command.hide(true),
        "token" | "serve" | "work" | "check" | "routes" | "explain" | "health" | "test" => {
            command.mut_arg("demo", |demo| demo.hide(true))
        }
        "queues" => {
            let of_dead_letters = |one: clap::Command| one.mut_arg("demo", |demo| demo.hide(true));
            command.mut_arg("demo", |demo| demo.hide(true)).mut_subcommands(of_dead_letters)
        }
        _ => command,
    };
    command.mut_arg("demo", |demo| demo.hide(true)).mut_subcommands(hide)
}

fn after_help(app: &App) -> String {
    let commands = [
        ("", "serve ./routing.toml"),
        ("serve --listen 0.0.0.0:8000", "serve it at this address"),
        ("serve --watch routing.toml", "serve it, and read it again whenever it is saved"),
        ("work routing.toml", "do the tasks of its queues for other processes"),
        ("check routing.toml", "every mistake in it, with its place and the way out"),
        ("check --start", "the same, and whether its programs start and its webhooks connect"),
        ("test", "run its [[test]] entries"),
        ("routes", "the table as the service uses it"),
        ("explain /ws/demo", "which routes take the events of a path, and why"),
        ("consumers", "what a table can route to; consumers NAME: its options"),
        ("schema", "the JSON schema of routing tables, for editors"),
        ("new demo", "a deployment to start from, in a new folder"),
        ("token --claim sub=anna", "a token for the table's [auth]"),
        ("queues", "how full its queues are; queues dead NAME: tasks that were given up"),
    ];
    let guides = app.guides.iter().map(|guide| (guide.name, guide.about));
    let examples: Vec<_> = commands.into_iter().chain(guides).collect();
    let width = examples.iter().map(|(command, _)| command.len()).max().unwrap_or_default();
    let mut text = String::from("Examples:\n");
    for (command, meaning) in examples {
        let _ = writeln!(text, "  {} {command:width$}  {meaning}", app.name);
    }
    text.push_str(
        "\nThe routing table is FILE, else the file that WATERWAY_CONFIG names, else ./routing.toml.\n",
    );
    if app.demo.is_some() {
        text.push_str("Without these files, serve uses the built-in table, which demo prints.\n");
    }
    text.push_str(
        "\
Log lines go to standard error; RUST_LOG says how many: error, warn, info (the default), debug.
SIGTERM, SIGQUIT and Ctrl-C stop the service once running tasks are done; so does closing its
terminal. A second signal stops it at once. SIGHUP lets it read its table again.",
    );
    text
}

/// The complaint about an argument that is probably a misspelt command, or a misspelt command of one.
pub(super) fn misspelt(app: &App, command: &clap::Command, words: &[String]) -> Option<String> {
    let (first, rest) = words.split_first()?;
    match command.find_subcommand(first) {
        None => not_found(app.name, command, first),
        Some(found) => not_found(&format!("{} {first}", app.name), found, rest.first()?),
    }
}

fn not_found(called: &str, command: &clap::Command, word: &str) -> Option<String> {
    let is_command = command.find_subcommand(word).is_some() || word == "help";
    if is_command || word.contains(['-', '.', '/']) || Path::new(word).exists() {
        return None;
    }
    let names: Vec<&str> = command
        .get_subcommands()
        .filter(|one| !one.is_hide_set())
        .map(clap::Command::get_name)
        .collect();
    let meant = nearest_of(word, &names)?;
    Some(format!("there is neither a command nor a file {word:?}\ndid you mean {called} {meant}?"))
}

/// The path of a request in the form that routes match, with the query.
fn target(text: &str) -> Result<String, String> {
    if let Some((_, behind)) = text.split_once("://") {
        let path = behind.find('/').map_or("/", |slash| &behind[slash..]);
        return Err(format!("this is a whole URL: write its path, {path}"));
    }
    if !text.starts_with('/') {
        return Err(format!("a path begins with a slash: write /{text}"));
    }
    if let Some((path, _)) = text.split_once('#') {
        return Err(format!("a browser does not send what follows a #: write {path}"));
    }
    Ok(text.to_owned())
}

/// Names the command that has taken the place of `routes --path`.
fn moved(path: &str) -> Result<String, String> {
    Err(format!("the command explain has taken its place: write explain {path}"))
}

fn channel(text: &str) -> Result<Channel, String> {
    let channels = Channel::ALL.into_iter();
    channels.clone().find(|channel| channel.name() == text).ok_or_else(|| {
        let names: Vec<_> = channels.map(Channel::name).collect();
        format!("an event is one of {}", names.join(", "))
    })
}

fn header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let form = || format!("write it as NAME: VALUE, such as \"Cookie: a=1\", and not {text:?}");
    let (name, value) = text.split_once(':').ok_or_else(form)?;
    let name = name.trim().parse().map_err(|_| form())?;
    Ok((name, HeaderValue::from_str(value.trim()).map_err(|_| form())?))
}

/// The JSON object at the start of a message, or nothing.
fn head(text: &str) -> Result<String, String> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    let why = match values.next() {
        None | Some(Ok(Value::Object(_))) => return Ok(text.to_owned()),
        Some(Ok(other)) => format!("this is {other}"),
        Some(Err(error)) => error.to_string(),
    };
    Err(format!("a head is a JSON object such as {{\"type\": \"viewport\"}}: {why}"))
}

impl Arguments {
    pub(super) fn to_run(&self) -> Command {
        self.command.clone().unwrap_or_else(|| Command::Serve(self.serve.clone()))
    }
}
