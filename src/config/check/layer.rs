//! Checks `[layer]`: whether its keys fit its engine, and whether this program has that engine.

use super::written;
use crate::config::{Backend, ChannelsRedis, RoutingConfig, Workers};
use crate::redis::RedisUrl;
use crate::setting::{Diagnostic, SpannedValue};

/// Reports an engine that this program lacks, an engine without a server, and a server without an
/// engine that uses it.
pub(super) fn check(
    config: &RoutingConfig,
    tree: &SpannedValue,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let layer = &config.layer;
    let url = written(tree, &["layer", "url"]);
    explain(url, diagnostics);
    let mut report = |span, message: &str, help: &str| {
        diagnostics.push(Diagnostic::new(span, message).help(help.to_owned()));
    };
    match *layer.backend {
        Backend::Memory => {
            if let (Some(url), false) = (url, layer.url.is_empty()) {
                let help = "write backend = \"redis\", or leave url out";
                report(url.span, "the engine in memory uses no server", help);
            }
            let idle = config.queue.iter().find(|(_, queue)| queue.workers == Workers::None);
            if let Some((name, queue)) = idle {
                let workers = written(tree, &["queue", name, "workers"]);
                let span = workers.map_or(queue.span, |workers| workers.span);
                let help = "write [layer] with backend = \"redis\", or give the queue workers";
                report(
                    span,
                    "nobody does the tasks of this queue: it is in the memory of this process",
                    help,
                );
            }
        }
        Backend::Redis if cfg!(not(feature = "redis")) => {
            let help = "build it with the feature \"redis\", or leave [layer] out";
            report(layer.backend.span, "this program was built without Redis", help);
        }
        Backend::Redis if layer.url.is_empty() && url.is_none_or(is_empty_list) => {
            let help = "write url = \"redis://127.0.0.1:6379\"";
            report(layer.backend.span, "the server's address is missing", help);
        }
        Backend::Redis => {}
    }
    if let (Some(inline), None, Backend::Redis) =
        (written(tree, &["layer", "inline"]), &layer.store, *layer.backend)
    {
        let help = "write store = { folder = \"transit\" }, or leave inline out";
        let message = "without a store, all contents travel through the server";
        diagnostics.push(Diagnostic::new(inline.span, message).help(help.to_owned()));
    }
    let unused: &[&str] = match (*layer.backend, layer.channels_redis) {
        (Backend::Memory, _) => &OF_REDIS,
        (Backend::Redis, ChannelsRedis::Pubsub) => &OF_CORE,
        (Backend::Redis, ChannelsRedis::Core) => &[],
    };
    for value in unused.iter().filter_map(|key| written(tree, &["layer", key])) {
        // A value that could not be read is reported already.
        if diagnostics.iter().any(|diagnostic| diagnostic.span == value.span) {
            continue;
        }
        let (message, help) = match *layer.backend {
            Backend::Memory => ("the engine in memory does not use it", "leave it out"),
            Backend::Redis => (
                "with publish and subscribe, no message waits",
                "leave it out, or write channels_redis = \"core\"",
            ),
        };
        diagnostics.push(Diagnostic::new(value.span, message).help(help.to_owned()));
    }
}

/// The keys of the engine over Redis alone.
const OF_REDIS: [&str; 9] = [
    "lease",
    "inline",
    "store",
    "channels_redis",
    "capacity",
    "expiry",
    "group_expiry",
    "symmetric_encryption_keys",
    "forward",
];

/// The keys for messages that wait.
const OF_CORE: [&str; 2] = ["capacity", "expiry"];

fn is_empty_list(value: &SpannedValue) -> bool {
    value.as_list().is_some_and(<[_]>::is_empty)
}

/// Names the mistake in an address. The reader of addresses does not, because an address may hold a
/// password.
fn explain(url: Option<&SpannedValue>, diagnostics: &mut [Diagnostic]) {
    let Some(url) = url else { return };
    let list = url.as_list().unwrap_or(std::slice::from_ref(url));
    for (text, span) in list.iter().filter_map(|url| Some((url.as_text()?, url.span))) {
        let Err(error) = text.parse::<RedisUrl>() else { continue };
        if let Some(found) = diagnostics.iter_mut().find(|found| found.span == span) {
            let (message, help) = error.split_once('\n').unwrap_or((&error, ""));
            message.clone_into(&mut found.message);
            found.help = (!help.is_empty()).then(|| help.to_owned());
        }
    }
}
