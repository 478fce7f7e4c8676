//! A command that documents a list of entries.

use clap::{ArgMatches, Args, FromArgMatches};

use super::Outcome;
use super::terminal::print;

/// A command that documents a list of entries, for example the steps of a pipeline. `NAME`, or
/// `consumers NAME`, lists the entries, `NAME ENTRY` explains one, and `NAME --markdown` prints all
/// as a page of Markdown.
#[derive(Debug, Clone, Copy)]
pub struct Guide {
    /// The command.
    pub name: &'static str,
    /// A description of the command, for the program's help.
    pub about: &'static str,
    /// A description of the entries and of how they are written, in Markdown, for the reference.
    pub about_in_full: &'static str,
    /// The word for one entry, in the singular.
    pub entry: &'static str,
    /// All entries in short, for a terminal.
    pub list: fn() -> String,
    /// One entry by its name, for a terminal; `None` if the name is unknown.
    pub explain: fn(&str) -> Option<String>,
    /// All entries in full, as a page of Markdown.
    pub markdown: fn() -> String,
}

impl Guide {
    /// One entry by its name, or a message that it is unknown.
    pub(super) fn explained(&self, program: &str, name: &str) -> Result<String, String> {
        (self.explain)(name).ok_or_else(|| {
            let Self { name: command, entry, .. } = self;
            format!("there is no {entry} {name:?}\n{program} {command} lists the known ones")
        })
    }
}

/// The arguments of the command.
#[derive(Debug, Args)]
struct Arguments {
    /// The entry to explain.
    name: Option<String>,
    /// Print all entries as a page of Markdown.
    #[arg(long, conflicts_with = "name")]
    markdown: bool,
}

/// The command of this guide.
pub(super) fn command(guide: &Guide) -> clap::Command {
    // `augment_args` would set the doc comment of `Arguments` as the description.
    Arguments::augment_args(clap::Command::new(guide.name)).about(guide.about).long_about(None)
}

/// Prints the entries that the arguments ask for.
pub(super) fn explain(program: &str, guide: &Guide, matches: &ArgMatches) -> Outcome {
    let arguments = Arguments::from_arg_matches(matches).map_err(|error| error.to_string())?;
    let text = match &arguments.name {
        Some(name) => guide.explained(program, name)?,
        None if arguments.markdown => (guide.markdown)(),
        None => (guide.list)(),
    };
    print(&text);
    Ok(())
}
