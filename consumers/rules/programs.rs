//! Rules for consumers that are programs.

use std::path::PathBuf;

use waterway::cli::Rules;
use waterway::config::RoutingConfig;
use waterway::message::Channel;
use waterway::setting::Diagnostic;

use crate::program::{Options, missing};
use crate::storage::Storage;

/// Rules for consumers that are programs: `check` finds a program that is missing, events that a
/// program cannot get, and files that cannot be watched, and lists the folders of their answers. It
/// starts none of them.
#[derive(Debug, Clone, Copy, Default)]
pub struct ProgramRules;

impl Rules for ProgramRules {
    fn warnings(&self, config: &RoutingConfig) -> Vec<Diagnostic> {
        let programs = config.in_use::<Options>("exec");
        let missing = programs.iter().filter_map(|used| {
            let missing = missing(&used.options)?;
            let diagnostic = Diagnostic::new(used.span_of(&["exec"]), missing.why);
            Some(diagnostic.help(missing.help))
        });
        missing.collect()
    }

    fn mistakes(&self, config: &RoutingConfig) -> Vec<Diagnostic> {
        let programs = config.in_use::<Options>("exec");
        let for_lines = |name: &str| {
            programs.iter().any(|used| used.name == name && used.options.is_for_lines())
        };
        let serves = |name: &str, what: &str| {
            let message = format!("{name} serves WebSockets alone, and no {what}");
            (message, "leave mode = \"lines\" out: events reach the program as JSON".to_owned())
        };
        let mut mistakes = Vec::new();
        for route in config.route.iter().filter(|route| route.channel.contains(Channel::Request)) {
            for name in route.consumer.iter().filter(|name| for_lines(name)) {
                let (message, help) = serves(name, "http.request");
                mistakes.push(Diagnostic::new(route.channel.span, message).help(help));
            }
        }
        for queue in config.queue.values().filter(|queue| for_lines(&queue.consumer)) {
            let (message, help) = serves(&queue.consumer, "queue");
            mistakes.push(Diagnostic::new(queue.consumer.span, message).help(help));
        }
        for used in &programs {
            if let Err(why) = used.options.watched() {
                let help = "name fewer files in reload, as in [\"lib/*.py\"]".to_owned();
                mistakes.push(Diagnostic::new(used.span_of(&["reload"]), why).help(help));
            }
        }
        mistakes
    }

    fn paths(&self, config: &RoutingConfig) -> Vec<(PathBuf, String)> {
        let programs = config.in_use::<Options>("exec");
        let stored = programs.into_iter().filter_map(|used| match used.options.storage() {
            Some(Storage::Folder(folder)) => {
                Some((folder.path().to_owned(), format!("consumer {}", used.name)))
            }
            _ => None,
        });
        stored.collect()
    }
}
