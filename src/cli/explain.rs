//! `waterway explain`: which route takes an event of a path, and why.

use std::fmt::Write;

use super::arguments::Explain;
use super::routes::json;
use super::table::{Source, load_and_warn};
use super::terminal::print;
use super::{App, Outcome};
use crate::message::Channel;
use crate::routing::{Explanation, NeededToken, Question, QueueTerms, Row, Terms};

pub(super) fn explain(app: &App, arguments: &Explain) -> Outcome {
    let source = Source::named(app, &arguments.file)?;
    let (router, _) = load_and_warn(app, &source, arguments.environment)?;
    let mut question = Question::new(&arguments.path);
    question.channel = arguments.channel;
    question.method = arguments.method.clone();
    question.head.clone_from(&arguments.head);
    question.token.clone_from(&arguments.token);
    question.headers = arguments.headers.iter().cloned().collect();
    let explained = router.explain(&question);
    print(&if arguments.json { json(&explained)? } else { in_words(&explained) });
    Ok(())
}

/// The answers, and then the reasons for each.
fn in_words(explained: &[Explanation]) -> String {
    let mut text = String::new();
    for one in explained {
        let _ = writeln!(text, "{:21} {}", format!("{}:", one.channel), answer(one));
    }
    for one in explained {
        let reasons = reasons(one);
        if !reasons.is_empty() {
            let _ = write!(text, "\n{}\n{reasons}", one.channel);
        }
    }
    text
}

/// Which consumer takes the event, and by which route.
fn answer(explanation: &Explanation) -> String {
    match &explanation.taken {
        Some(row) => format!("{}, by route {} ({})", consumer(row), row.number, row.place),
        None => format!("no route; {}", explanation.otherwise),
    }
}

fn consumer(row: &Row) -> String {
    if row.uses == row.consumer {
        return row.consumer.clone();
    }
    format!("{} ({})", row.consumer, row.uses)
}

/// Why the answer is so, and the terms on which the route takes the event.
fn reasons(explanation: &Explanation) -> String {
    let mut text = String::new();
    if let (Some(row), Some(terms)) = (&explanation.taken, &explanation.terms) {
        let mut say = |what: &str, how: String| {
            let _ = writeln!(text, "  {what:8} {how}");
        };
        say("path", path(row, terms));
        if !row.methods.is_empty() && explanation.channel == Channel::Request {
            say("method", row.methods.join(" or "));
        }
        if !row.when.is_empty() {
            let fields =
                row.when.iter().map(|(field, any)| format!("{field} = {}", any.join(" or ")));
            say("head", fields.collect::<Vec<_>>().join(", "));
        }
        if explanation.channel != Channel::Disconnect {
            say("token", tokens(terms));
        }
        if !terms.origins.is_empty() {
            say("pages", terms.origins.join(" or "));
        }
        if let Some(queue) = &terms.queue {
            for (what, how) in self::queue(queue) {
                say(what, how);
            }
        }
        for (number, limit) in terms.limits.iter().enumerate() {
            let head = if number == 0 { "limits" } else { "" };
            say(head, format!("{:11} {:8} {}", limit.name, limit.value, limit.from));
        }
    }
    for (row, reason) in &explanation.passed_over {
        let _ = writeln!(
            text,
            "  not route {} ({}, {}): {reason}",
            row.number, row.consumer, row.place
        );
    }
    text
}

fn path(row: &Row, terms: &Terms) -> String {
    let template = row.path.as_deref().unwrap_or("any");
    let params = terms.params.iter().map(|(name, value)| format!("{name} = {value:?}"));
    let params: Vec<_> = params.collect();
    if params.is_empty() {
        return template.to_owned();
    }
    format!("{template} with {}", params.join(", "))
}

fn tokens(terms: &Terms) -> String {
    let told = |NeededToken { name, of_connect, shown, .. }: &NeededToken| {
        let whose = if *of_connect { ", as for connecting" } else { "" };
        match shown {
            Ok(()) => format!("{name}{whose}: the client has it"),
            Err(reason) => format!("{name}{whose}: refused, {reason}"),
        }
    };
    match terms.tokens.as_slice() {
        [] if terms.open => "none: auth = false opens the route".to_owned(),
        [] => "none".to_owned(),
        tokens => tokens.iter().map(told).collect::<Vec<_>>().join("; "),
    }
}

fn queue(queue: &QueueTerms) -> [(&'static str, String); 4] {
    let QueueTerms { name, consumer, order, fair_by, workers, deadline, max_tasks, .. } = queue;
    let workers = match workers {
        None => "workers of other processes".to_owned(),
        Some(0) => "one worker per core".to_owned(),
        Some(1) => "1 worker".to_owned(),
        Some(more) => format!("{more} workers"),
    };
    let order = match *order {
        "viewport" => "viewport: of one client's tasks, the visible ones are first",
        _ => "offset: of one client's tasks, the topmost is first",
    };
    let (client, total) = max_tasks;
    [
        ("queue", format!("{name}: {consumer} does the tasks, with {workers}")),
        ("shares", format!("equal by {fair_by}")),
        ("order", order.to_owned()),
        (
            "waiting",
            format!("at most {client} tasks of a client and {total} of all, for {deadline}"),
        ),
    ]
}
