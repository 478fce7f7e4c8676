//! Consumers that are programs, in any language: `exec = […]`.
//!
//! A program reads events and writes actions, one JSON object on each line (`docs/programs.md`).
//! With `mode = "lines"`, each connection has a program of its own, whose lines are messages.

mod asked;
mod child;
mod command;
mod errors;
mod files;
mod instance;
mod lines;
mod missing;
mod options;
mod pool;
mod process;
mod room;
mod running;
mod session;
mod shared;
mod trial;

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;
use waterway::action::OpenEvent;
use waterway::{Error, Host, Reply, State, Stateful};

use self::options::Mode;
use self::pool::Pool;
use self::session::Sessions;
use self::shared::Shared;
use crate::refusal::refusal;

pub use self::missing::{Missing, missing};
pub use self::options::Options;

/// The programs of one `[consumer.NAME]`.
pub struct Program(Kind);

enum Kind {
    Events(Arc<Pool>),
    Lines(Sessions),
}

/// Gives each event to a program, and applies the actions that it writes.
///
/// # Errors
/// The program's own error; `refused` while programs fail, or too many events wait; `expired` if
/// the event takes longer than `timeout`; `failed` if the program is over before the event's end.
pub async fn program(event: OpenEvent, program: State<Program>) -> Result<Reply, Error> {
    let channel = event.channel();
    let answered = match &program.0 {
        Kind::Events(pool) => pool.ask(event).await,
        Kind::Lines(sessions) => sessions.take(event, &program).await,
    };
    answered.or_else(|error| refusal(channel, error))
}

impl Stateful for Program {
    type Options = Options;

    async fn start(options: Options, host: &Host) -> Result<Self, Error> {
        let mode = options.mode;
        let shared = Shared::new(options, host)?;
        Ok(Self(match mode {
            Mode::Events => Kind::Events(Pool::start(shared).await?),
            Mode::Lines => Kind::Lines(Sessions::new(shared)),
        }))
    }

    /// The program itself, the files among its arguments, and those that `reload` lists.
    fn files(options: &Options) -> Vec<PathBuf> {
        let folder = options.folder.clone().unwrap_or_default();
        let files = options.exec.iter().filter(|argument| !argument.starts_with('-'));
        let files = files.map(|file| folder.join(file));
        // `ProgramRules` reports why the others cannot be watched.
        files.chain(options.watched().unwrap_or_default()).collect()
    }

    fn tasks(options: &Options) -> Option<usize> {
        Some(options.tasks())
    }

    async fn try_out(options: Options, host: &Host) -> Result<Option<String>, Error> {
        trial::start_once(options, host).await.map(Some)
    }

    fn status(&self) -> Value {
        match &self.0 {
            Kind::Events(pool) => pool.status(),
            Kind::Lines(sessions) => sessions.status(),
        }
    }

    async fn stop(&self) {
        match &self.0 {
            Kind::Events(pool) => pool.stop().await,
            Kind::Lines(sessions) => sessions.stop().await,
        }
    }
}
