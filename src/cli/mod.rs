//! The program around a registry: commands, logging, signals and exit codes for an author's own
//! service.
//!
//! ```no_run
//! use std::process::ExitCode;
//!
//! use waterway::cli::App;
//! use waterway::{Registry, Text};
//!
//! async fn shout(Text(text): Text) -> String {
//!     text.to_uppercase()
//! }
//!
//! fn main() -> ExitCode {
//!     App::new(Registry::new().function("shout", shout)).main()
//! }
//! ```
//!
//! Its commands are `serve`, `work`, `check`, `test`, `routes`, `explain`, `consumers`, `schema`,
//! `token`, `queues` and others; `--help` explains them.

mod app;
mod arguments;
mod ask;
mod check;
mod completions;
mod confine;
mod consumers;
mod deployment;
mod explain;
mod guide;
mod health;
mod log;
mod new;
mod part;
mod queues;
mod reference;
mod reload;
mod root;
mod routes;
mod rows;
mod rules;
mod serve;
mod signals;
mod store;
mod table;
mod terminal;
mod test;
mod token;
mod trial;
mod watch;

pub use app::App;
pub use confine::Confinement;
pub use deployment::Deployment;
pub use guide::Guide;
pub use rules::Rules;

/// The outcome of a command: nothing, or a message for the person who runs it.
type Outcome = Result<(), String>;
