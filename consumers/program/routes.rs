//! `waterway routes`: the routing table as it is used.

use std::fmt::Write;

use serde::Serialize;
use waterway::{Explanation, Question, Row};

use super::arguments::Routes;
use super::check::print;
use super::{Outcome, load_and_warn};

pub(super) fn routes(arguments: &Routes) -> Outcome {
    let (router, _) = load_and_warn(&arguments.file.path(), arguments.environment)?;
    let text = match (&arguments.path, arguments.json) {
        (None, true) => json(&router.rows())?,
        (None, false) => table(&router.rows()),
        (Some(path), as_json) => {
            let (path, method, head) =
                (path.clone(), arguments.method.clone(), arguments.head.clone());
            let explained = router.explain(&Question { path, method, head });
            let in_words = |one: &Explanation| explanation(one, arguments.why);
            if as_json { json(&explained)? } else { explained.iter().map(in_words).collect() }
        }
    };
    print(&text);
    Ok(())
}

fn json(value: &impl Serialize) -> Result<String, String> {
    let json = serde_json::to_string_pretty(value).map_err(|error| error.to_string())?;
    Ok(format!("{json}\n"))
}

/// The route that takes an event, and why those before it do not.
fn explanation(explanation: &Explanation, why: bool) -> String {
    let mut text = match &explanation.taken {
        Some(row) => {
            let [_, _, path, conditions, consumer, ..] = cells(row);
            let conditions =
                if conditions.is_empty() { conditions } else { format!(" if {conditions}") };
            let (number, place) = (row.number, &row.place);
            format!(
                "{}: {consumer}, by route {number} ({path}{conditions}, {place})\n",
                explanation.channel
            )
        }
        None => format!("{}: no route; {}\n", explanation.channel, explanation.otherwise),
    };
    for (row, reason) in explanation.passed_over.iter().filter(|_| why) {
        let _ = writeln!(text, "    not route {} ({}): {reason}", row.number, row.consumer);
    }
    text
}

/// Columns as wide as their widest cell; the first row that fits a message takes it.
fn table(rows: &[Row]) -> String {
    let heads = ["", "event", "path", "if", "consumer", "queue", "message", "rate", "place"];
    let mut lines = vec![heads.map(str::to_owned)];
    lines.extend(rows.iter().map(cells));
    let widths: Vec<usize> = (0..heads.len())
        .map(|column| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0))
        .collect();
    let mut table = String::new();
    for line in &lines {
        let mut text = String::new();
        for (cell, width) in line.iter().zip(&widths) {
            let _ = write!(text, "{cell:width$}  ");
        }
        table.push_str(text.trim_end());
        table.push('\n');
    }
    table
}

fn cells(row: &Row) -> [String; 9] {
    let consumer = if row.uses == row.consumer {
        row.consumer.clone()
    } else {
        format!("{} ({})", row.consumer, row.uses)
    };
    [
        row.number.to_string(),
        row.event(),
        row.path.clone().unwrap_or_else(|| "any".into()),
        row.conditions(),
        consumer,
        row.queue.clone().unwrap_or_default(),
        row.message.clone(),
        row.rate.clone(),
        row.place.clone(),
    ]
}
