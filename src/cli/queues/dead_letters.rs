//! `waterway queues dead`, `requeue` and `drop`: the dead letters of a queue in Redis.

use clap::{Args, Subcommand};

use super::figures::{age, size};
use super::server::PlacedQueue;
use crate::cli::arguments::TableFile;
use crate::cli::routes::json;
use crate::cli::terminal::{columns, print};
use crate::cli::{App, Outcome};
use crate::queue::DeadLetter;

#[derive(Debug, Clone, Subcommand)]
pub(super) enum Act {
    /// List the dead letters of a queue: tasks that were given up, because their workers ended
    /// without an answer again and again.
    Dead(Listed),
    /// Put dead letters of a queue back into it. Workers do them, but their clients get no second
    /// answer: they were answered `failed`.
    Requeue(Chosen),
    /// Forget dead letters of a queue.
    Drop(Chosen),
}

#[derive(Debug, Clone, Args)]
pub(super) struct Listed {
    /// The queue's name in the routing table.
    queue: String,
    #[command(flatten)]
    file: TableFile,
    /// Print JSON, for programs.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Args)]
pub(super) struct Chosen {
    /// The queue's name in the routing table.
    queue: String,
    #[command(flatten)]
    file: TableFile,
    /// A dead letter, by its id, which `dead` shows. May be given several times.
    #[arg(long = "id", value_name = "ID", required_unless_present = "all", conflicts_with = "all")]
    ids: Vec<String>,
    /// All dead letters of the queue.
    #[arg(long)]
    all: bool,
}

/// What becomes of dead letters.
#[derive(Clone, Copy)]
enum Fate {
    Requeued,
    Dropped,
}

pub(super) fn run(app: &App, act: &Act) -> Outcome {
    match act {
        Act::Dead(listed) => list(app, listed),
        Act::Requeue(chosen) => decide(app, chosen, Fate::Requeued),
        Act::Drop(chosen) => decide(app, chosen, Fate::Dropped),
    }
}

fn list(app: &App, listed: &Listed) -> Outcome {
    let queue = PlacedQueue::find(app, &listed.file, &listed.queue)?;
    let letters = queue.reach(queue.inspector.dead_letters())?;
    print(&match (listed.json, letters.is_empty()) {
        (true, _) => json(&letters)?,
        (false, true) => format!("the queue {:?} has no dead letters\n", queue.name),
        (false, false) => {
            let heads = ["id", "uuid", "client", "bytes", "attempts", "given up"];
            columns(heads, letters.iter().map(cells))
        }
    });
    Ok(())
}

fn cells(letter: &DeadLetter) -> [String; 6] {
    [
        letter.id.clone(),
        letter.uuid.clone(),
        letter.client.clone(),
        size(letter.bytes),
        letter.attempts.to_string(),
        format!("{} ago", age(letter.dead_ms)),
    ]
}

fn decide(app: &App, chosen: &Chosen, fate: Fate) -> Outcome {
    let queue = PlacedQueue::find(app, &chosen.file, &chosen.queue)?;
    let ids = if chosen.all {
        let letters = queue.reach(queue.inspector.dead_letters())?;
        letters.into_iter().map(|letter| letter.id).collect()
    } else {
        chosen.ids.clone()
    };
    let (done, word) = match fate {
        Fate::Requeued => (queue.reach(queue.inspector.requeue(&ids, queue.keep))?, "requeued"),
        Fate::Dropped => (queue.reach(queue.inspector.drop_letters(&ids))?, "dropped"),
    };
    let name = &queue.name;
    let letters = if done.len() == 1 { "dead letter" } else { "dead letters" };
    print(&format!("{word} {} {letters} of {name:?}\n", done.len()));
    // Of all of them, others may have taken some meanwhile.
    let unknown = ids.iter().find(|id| !chosen.all && !done.contains(id));
    match unknown {
        None => Ok(()),
        Some(id) => Err(format!(
            "the queue {name:?} has no dead letter {id:?}\n{} queues dead {name} lists them",
            app.name
        )),
    }
}
