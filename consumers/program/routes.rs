//! `waterway routes`: the routing table as it is used.

use std::fmt::Write;

use waterway::Row;

use super::arguments::Routes;
use super::check::print;
use super::{Outcome, load};

pub(super) fn routes(arguments: &Routes) -> Outcome {
    let rows = load(&arguments.file.path())?.rows();
    if arguments.json {
        let json = serde_json::to_string_pretty(&rows).map_err(|error| error.to_string())?;
        print(&format!("{json}\n"));
    } else {
        print(&table(&rows));
    }
    Ok(())
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
