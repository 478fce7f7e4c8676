//! Tests of whole files.

mod auth;
mod files;
mod findings;
mod layer;
mod log;
mod queue;
mod server;
mod strange;
mod warnings;

use super::*;
use crate::message::Channel;
use crate::setting::{Diagnostic, Rate, Size, Sources, Time};

/// The example of the design.
const DESIGN: &str = include_str!("tests/design.toml");

fn environment(name: &str) -> Option<String> {
    match name {
        "WATERWAY_SECRET" => Some("a secret of the tests, long enough".into()),
        "PORT" => Some("9000".into()),
        "WORKERS" => Some("3".into()),
        "EMPTY" => Some(String::new()),
        _ => None,
    }
}

fn parse(text: &str) -> Loaded {
    RoutingConfig::parse(text, "somewhere/routing.toml", &environment)
}

/// Each mistake in the form `line:column: message | help`.
fn lines(sources: &Sources, diagnostics: &[Diagnostic]) -> Vec<String> {
    let line = |diagnostic: &Diagnostic| {
        let span = sources.describe(diagnostic.span).replace("somewhere/routing.toml:", "");
        let help = diagnostic.help.as_ref().map(|help| format!(" | {help}")).unwrap_or_default();
        format!("{span}: {}{help}", diagnostic.message)
    };
    diagnostics.iter().map(line).collect()
}

fn check(text: &str, reported: &[&str]) {
    let Loaded { sources, diagnostics, .. } = parse(text);
    assert_eq!(lines(&sources, &diagnostics), reported, "{text}");
}

fn check_warnings(text: &str, reported: &[&str]) {
    let Loaded { sources, warnings, diagnostics, .. } = parse(text);
    assert_eq!(diagnostics, [], "{text}");
    assert_eq!(lines(&sources, &warnings), reported, "{text}");
}

#[test]
fn the_example_of_the_design_has_no_mistakes() {
    let loaded = parse(DESIGN);
    assert_eq!(loaded.report().to_string(), "0 mistakes");
    assert_eq!(loaded.report_warnings().to_string(), "0 warnings");
    let config = loaded.config;
    assert_eq!(config.include[0].value, "routes.d/*.toml");
    assert_eq!(config.server.public_url.as_ref().unwrap().as_str(), "http://127.0.0.1:8000");
    let auth = &config.auth["token"];
    assert_eq!(auth.secret.expose(), "a secret of the tests, long enough");
    assert!(auth.bind_ip);
    assert_eq!(config.limits(), Limits::default());
    let queue = &config.queue["images"];
    assert_eq!((queue.consumer.as_str(), queue.workers), ("pictures", Workers::Threads(0)));
    assert_eq!((queue.waiting, queue.nice), (8, None));
    assert_eq!(queue.max_bytes, ByteBounds::default());
    assert_eq!(queue.max_tasks, TaskBounds::default());
    let consumer = &config.consumer["pictures"];
    assert_eq!(consumer.uses.as_ref().unwrap().as_str(), "image.work");
    let options: Vec<&str> = consumer.options.as_table().unwrap().keys().collect();
    assert_eq!(options, ["results"]);
    assert_eq!(config.route.len(), 5);
    let viewport = &config.route[1];
    assert!(viewport.when["type"].contains(&"viewport".into()));
    assert!(!viewport.when["type"].contains(&"cancel".into()));
    assert_eq!(config.route[2].limits.over(config.limits()).message, Size::new(32 << 20));
    assert!(config.route[4].channel.contains(Channel::Request));
}

#[test]
fn an_empty_file_has_the_defaults() {
    let Loaded { config, diagnostics, .. } = parse("");
    assert_eq!(diagnostics, []);
    assert_eq!(config.server.listen[0].to_string(), "127.0.0.1:8000");
    assert!(config.server.public_url.is_none() && config.server.root.is_none());
    assert_eq!(config.server.drain, Time::from_secs(10));
    assert_eq!(config.server.threads, 0);
    assert_eq!(config.server.connections_per_address, 1000);
    assert_eq!(config.server.requests_per_address.to_string(), "1000/s");
    assert_eq!(config.server.hosts, None);
    assert_eq!(config.server.origins, [Origin::SAME]);
    assert_eq!((config.limits().rate, config.limits().rate_action), (Rate::Off, RateAction::Wait));
}

#[test]
fn all_six_mistakes_are_reported() {
    let text = r#"[server]
listn = ["127.0.0.1:8000"]
drain = 10

[queue.images]
consumer = "pictures"
workers = "four"
max_tasks = { client = 9, total = 3 }

[[route]]
channel = "websocket.recieve"
path = "ws"
queue = "image"
consumer = "image.receive"
"#;
    check(
        text,
        &[
            "2:1: unknown key \"listn\" | did you mean \"listen\"?",
            "3:9: 10 has no unit | write \"10s\"",
            "7:11: expected a whole number or \"none\", found text \"four\"",
            "8:13: one client may have 9, but all clients together only 3 | raise total, or lower \
             client",
            "11:11: unknown channel \"websocket.recieve\" | did you mean \"websocket.receive\"?",
            "12:8: the path \"ws\" does not begin with \"/\" | write \"/…\"",
            "13:9: unknown queue \"image\" | did you mean \"images\"?",
        ],
    );
    // Without its line, the seventh mistake is gone too.
    let six = text.replace("drain = 10\n", "");
    assert_eq!(parse(&six).report().to_string().lines().last(), Some("6 mistakes"));
}

#[test]
fn a_report_shows_each_line() {
    let loaded = parse("[server]\n\tdrain = 10 # é\n\n[[route]]\nchannel = \"http.request\"\n");
    assert_eq!(
        loaded.report().to_string(),
        r#"somewhere/routing.toml:2:10: 10 has no unit
  |
2 |     drain = 10 # é
  |             ^^ write "10s"
somewhere/routing.toml:4:1: missing key "consumer"
  |
4 | [[route]]
  | ^^^^^^^^^
2 mistakes"#
    );
}

#[test]
fn sections_refuse_what_makes_no_sense() {
    let queue = |line: &str| format!("[queue.q]\nconsumer = \"c\"\n{line}\n");
    let auth = |line: &str| format!("[auth.a]\nsecret = \"s\"\n{line}\n");
    let zero = "a bound of zero lets nothing through";
    for (text, reported) in [
        (queue("workers = 257"), "3:11: 257 workers are too many | at most 256; 0 is one per core"),
        (
            queue("waiting = 0"),
            "3:11: a worker cannot have begun 0 tasks | write 1 to 1024; with 1, a waiting task \
             keeps its worker",
        ),
        (
            queue("nice = 20"),
            "3:8: a niceness of 20 is too high | 0 is the normal priority, 19 the lowest",
        ),
        (
            queue("headers = [\"accept-language\", \"a b\"]"),
            "3:31: \"a b\" is not the name of a header",
        ),
        (
            format!("[auth.a]\nsecret = \"s\"\n{}", queue("headers = \"Authorization\"")),
            "5:11: the header authorization may hold the token of [auth.a] | leave it out: a queue's consumer gets the claims of the token",
        ),
        (
            queue(&format!("headers = {:?}", vec!["x"; 33])),
            "3:11: 33 headers are too many | at most 32",
        ),
        (queue("deadline = \"0s\""), &format!("3:12: {zero}")),
        (
            "[server]\nconnections = 9000000000000000000".to_owned(),
            "2:15: 9000000000000000000 connections are too many | at most 10000000",
        ),
        (
            "[server]\nthreads = 257".to_owned(),
            "2:11: 257 threads are too many | at most 256; 0 lets the service choose",
        ),
        (queue("max_tasks = { client = 0 }"), &format!("3:24: {zero}")),
        (queue("max_bytes = { total = \"0B\" }"), &format!("3:23: {zero}")),
        (
            queue("max_bytes = { total = \"1MiB\" }"),
            "3:13: one client may have 256MiB, but all clients together only 1MiB | raise total, or \
             lower client",
        ),
        (
            queue("fair_by = \"claim\""),
            "3:11: the workers' time cannot be shared by \"claim\" | write \"address\", \"ip\", \"claim:NAME\" or \"connection\"",
        ),
        (queue("order = \"view\""), "3:9: unknown choice \"view\" | did you mean \"viewport\"?"),
        (
            auth("algorithms = [\"HS256\", \"RS256\"]"),
            "3:14: these algorithms need different kinds of keys | declare an [auth.NAME] for each kind",
        ),
        (auth("algorithms = []"), "3:14: expected a list of at least one, found none"),
        (
            auth("algorithms = [\"HS256\", \"HS265\"]"),
            "3:24: unknown choice \"HS265\" | did you mean \"HS256\"?",
        ),
        (auth("from = \"header:a b\""), "3:8: \"a b\" is not the name of a header"),
        (
            "[auth.a]\nsecret = \"${EMPTY}\"".into(),
            "2:10: the secret is empty | anybody could sign a token with it",
        ),
        (
            "[auth.a]\nsecret = \"a ${MISSING}\"".into(),
            "2:13: MISSING is not set in the environment | set it, or write ${MISSING:-default}",
        ),
        ("[server]\nconnections = 0".into(), &format!("2:15: {zero}")),
        (
            "[server]\nlisten = \"8000\"".into(),
            "2:10: \"8000\" names no address | write \"127.0.0.1:8000\"",
        ),
        ("[limits]\nidle = \"0s\"".into(), &format!("2:8: {zero}")),
        ("[limits]\nrate = 60".into(), "2:8: 60 has no unit | write \"60/s\""),
        (
            "limits = 1979-05-27".into(),
            "1:10: a date has no meaning here | write it as text, between quotes",
        ),
        ("[server]\nconnections = 99999999999999999999".into(), "2:15: the number is too large"),
        (
            "[queue]\nconsumer = \"c\"\nworkers = 1".into(),
            "1:1: [queue] has no name | write [queue.NAME], and use NAME in routes",
        ),
        ("includ = 1".into(), "1:1: unknown key \"includ\" | did you mean \"include\"?"),
    ] {
        check(&text, &[reported]);
    }
}

#[test]
fn routes_refuse_what_makes_no_sense() {
    let connect = "put it into the route of \"websocket.connect\"";
    for (channel, line, reported) in [
        (
            "websocket.receive",
            "method = \"GET\"",
            "3:10: a WebSocket event has no method | leave it out",
        ),
        (
            "http.request",
            "method = \"get\"",
            "3:10: methods are written in capitals | write \"GET\"",
        ),
        (
            "http.request",
            "envelope = \"text\"",
            &format!("3:12: an envelope is chosen when a client connects | {connect}"),
        ),
        (
            "websocket.connect",
            "when = { type = \"x\" }",
            "3:17: these events do not have a head to compare | leave out \"when\"",
        ),
        (
            "http.request",
            "when = { type = [] }",
            "3:17: expected a list of at least one, found none",
        ),
        (
            "http.request",
            "when = { type = { a = 1 } }",
            "3:17: expected text, a number, true or false, found a table",
        ),
        (
            "websocket.connect",
            "auth = \"token\"",
            "3:8: unknown auth \"token\" | declare it under [auth.token]",
        ),
        (
            "websocket.connect",
            "limits = { mesage = \"1MiB\" }",
            "3:12: unknown key \"mesage\" | did you mean \"message\"?",
        ),
        (
            "websocket.connect",
            "path = \"/ws/{page\"",
            "3:8: \"{page\" is not a parameter | a parameter is a whole segment: /{name}/ or, last, /{*rest}",
        ),
    ] {
        let text = format!("[[route]]\nchannel = \"{channel}\"\n{line}\nconsumer = \"c\"\n");
        check(&text, &[reported]);
    }
}

#[test]
fn one_mistake_does_not_hide_or_make_another() {
    check(
        "[[route]]\nchannel = 3\nqueue = \"q\"\ncolour = 1\nconsumer = \"c\"\n[queue.x]\nconsumr = \"c\"\n",
        &[
            "2:11: expected a channel such as \"websocket.receive\", found 3",
            "3:9: unknown queue \"q\" | the queues are: x",
            "4:1: unknown key \"colour\" | the keys here are: channel, path, method, when, auth, \
             origins, queue, consumer, limits, envelope",
            "7:1: unknown key \"consumr\" | did you mean \"consumer\"?",
        ],
    );
    // A queue with a mistake counts as declared.
    check(
        "[queue.x]\n[[route]]\nchannel = \"http.request\"\nqueue = \"x\"\nconsumer = \"c\"\n",
        &["1:1: missing key \"consumer\""],
    );
}

#[test]
fn after_a_syntax_mistake_only_certain_mistakes_are_reported() {
    // The unclosed list contains everything after it, so it is unknown whether "a" is declared.
    check(
        "[server]\nlisten = [\"a:1\",\n[auth.a]\nsecret = \"s\"\n[[route]]\nauth = \"a\"\n",
        &["3:2: string values must be quoted, expected literal string"],
    );
    check(
        "[server]\ndrain = 5\ngroups = 7x\n[limits]\nidle = 3\n",
        &[
            "2:9: 5 has no unit | write \"5s\"",
            "3:10: string values must be quoted, expected literal string",
            "5:8: 3 has no unit | write \"3s\"",
        ],
    );
    check(
        "[server]\ngroups = 7\ngroups = 8\n[limits]\n[limits]\nx = 1\n",
        &[
            "3:1: duplicate key",
            "5:2: duplicate key",
            "6:1: unknown key \"x\" | the keys here are: message, rate, rate_action, idle, ping, outbox, inbox, pace, closing, slow",
        ],
    );
}

#[test]
fn environment_variables_are_read_as_texts_numbers_and_truth_values() {
    let Loaded { config, diagnostics, .. } = parse(
        "[server]\nlisten = \"127.0.0.1:${PORT}\"\ndrain = \"${DRAIN:-3s}\"\n[queue.q]\nconsumer = \"${NAME:-c}\"\nworkers = \"${WORKERS}\"\n[auth.a]\nsecret = \"$${x}\"\nbind_ip = \"${BIND:-true}\"\n",
    );
    assert_eq!(diagnostics, []);
    assert_eq!(config.server.listen[0].to_string(), "127.0.0.1:9000");
    assert_eq!(config.server.drain, Time::from_secs(3));
    assert_eq!(
        (config.queue["q"].consumer.as_str(), config.queue["q"].workers),
        ("c", Workers::Threads(3))
    );
    assert_eq!((config.auth["a"].secret.expose(), config.auth["a"].bind_ip), ("${x}", true));
    assert!(!format!("{config:?}").contains("${x}"), "a secret is not shown");
}

#[test]
fn a_consumer_reads_its_own_options() {
    #[derive(Debug, Default, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    struct Options {
        quality: u8,
        keep: Time,
        results: BTreeMap<String, Vec<String>>,
    }
    let Loaded { config, sources, diagnostics, .. } = parse(
        "[consumer.pictures]\nuse = \"image.work\"\nquality = \"${QUALITY:-80}\"\nkeep = 5\n\
         [consumer.pictures.results]\nrl = [\"grayscale\", 3]\nx = 1\n",
    );
    assert_eq!(diagnostics, []);
    let mut diagnostics = Vec::new();
    let options: Option<Options> =
        crate::setting::read(&config.consumer["pictures"].options, &mut diagnostics);
    let options = options.unwrap();
    assert_eq!((options.quality, options.keep), (80, Time::default()));
    assert_eq!(options.results["rl"], ["grayscale"]);
    assert_eq!(
        lines(&sources, &diagnostics),
        [
            "4:8: 5 has no unit | write \"5s\"",
            "6:20: expected text, found 3",
            "7:5: expected a list, found 1",
        ]
    );
}
