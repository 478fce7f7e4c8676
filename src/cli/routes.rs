//! `waterway routes`: the routing table as the service uses it.

use serde::Serialize;

use super::arguments::Routes;
use super::table::{Source, load_and_warn};
use super::terminal::{columns, print};
use super::{App, Outcome};
use crate::routing::Row;

pub(super) fn routes(app: &App, arguments: &Routes) -> Outcome {
    let source = Source::named(app, &arguments.file)?;
    let (router, _) = load_and_warn(app, &source, arguments.environment)?;
    let rows = router.rows();
    print(&if arguments.json { json(&rows)? } else { table(&rows) });
    Ok(())
}

pub(super) fn json(value: &impl Serialize) -> Result<String, String> {
    let json = serde_json::to_string_pretty(value).map_err(|error| error.to_string())?;
    Ok(format!("{json}\n"))
}

/// The first row that matches a message takes it.
fn table(rows: &[Row]) -> String {
    let heads = ["", "event", "path", "if", "consumer", "queue", "message", "rate", "place"];
    columns(heads, rows.iter().map(cells))
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
