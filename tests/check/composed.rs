//! Reports on consumers that a table composes.

use super::reported;

/// A route to a consumer with these options.
fn composed(options: &str, channel: &str, path: &str) -> String {
    format!(
        "[consumer.c]\n{options}\n[[route]]\nchannel = '{channel}'\npath = '{path}'\nconsumer = 'c'"
    )
}

/// The options of a wrong consumer, its route, and what `check` says.
const WRONG: &[(&str, &str, &str, &str)] = &[
    ("use = 'group.join'", "websocket.connect", "/{room}", "1:1: missing key \"group\""),
    (
        "use = 'group.join'\ngroup = 'room.{rom}'",
        "websocket.connect",
        "/{room}",
        "7:12: c takes {rom}, which the path of this route lacks | did you mean \"room\"?",
    ),
    (
        "use = 'group.join'\ngroup = 'room {room}'",
        "websocket.connect",
        "/{room}",
        "3:9: the name of a group cannot contain ' ' | write letters, digits, \"_\", \"-\", \".\" \
         and parameters such as {room}",
    ),
    (
        "use = 'group.join'\ngroup = 'room.{room}'\nas = '{claims.sub}'",
        "websocket.connect",
        "/{room}",
        "8:12: c takes {claims.sub}, but this route asks for no token | write auth = \"NAME\" \
         into the route, and [auth.NAME] into the table",
    ),
    (
        "use = 'group.leave'\ngroup = '{head.room}'",
        "websocket.disconnect",
        "/{room}",
        "7:12: c takes {head.room}, and websocket.disconnect has no content | take it from the \
         path, the claims or the query",
    ),
    (
        "use = 'group.send'\ngroup = 'g'",
        "websocket.connect",
        "/{room}",
        "7:12: c sends the message, and websocket.connect has none | give the consumer a text or \
         json to send",
    ),
    (
        "use = 'group.send'\ngroup = 'g'\nto = 'other'",
        "websocket.receive",
        "/{room}",
        "4:6: unknown choice \"other\" | did you mean \"others\"?",
    ),
    (
        "use = 'reply'",
        "websocket.receive",
        "/{room}",
        "6:12: c has nothing to send | write text = \"…\" or json = { … }",
    ),
    (
        "use = 'reply'\ntext = 'a'\njson = 1",
        "websocket.receive",
        "/{room}",
        "4:8: c has both text and json | leave one",
    ),
    (
        "use = 'reply'\ntext = 'a {room'",
        "websocket.receive",
        "/{room}",
        "3:8: \"a {room\" has a \"{\" that encloses no parameter | write {{ for a plain {",
    ),
    (
        "use = 'reply'\ntext = '{group.size}'",
        "websocket.receive",
        "/{room}",
        "7:12: c takes {group.size}, but it knows no group | only group.join, group.leave and \
         group.send know one",
    ),
    (
        "use = 'push'",
        "websocket.receive",
        "/{room}",
        "6:12: c pushes to a queue | give the route one: queue = \"NAME\"",
    ),
    (
        "use = 'require'",
        "websocket.connect",
        "/{room}",
        "6:12: c requires nothing | write claims, path, query or head: claims = { role = \
         \"admin\" }",
    ),
    (
        "use = 'require'\nhead = { type = 'x' }",
        "websocket.connect",
        "/{room}",
        "7:12: c takes {head.type}, and websocket.connect has no content | take it from the path, \
         the claims or the query",
    ),
    (
        "use = 'respond'\nstatus = 101",
        "http.request",
        "/{room}",
        "3:10: 101 is not the status of a response | write 200 to 599",
    ),
    (
        "use = 'respond'\ntext = 'hi {room}'\nheaders = { content-type = 'text/html' }",
        "http.request",
        "/{room}",
        "4:11: clients could write into a page of this content-type | send text/plain or \
         application/json, or leave the parameters out",
    ),
    (
        "use = 'respond'\nheaders = { location = 'https://{room}/' }",
        "http.request",
        "/{room}",
        "3:11: a client could choose the host of \"https://{room}/\" | write a whole host, and a \
         slash behind it",
    ),
    (
        "use = 'static'\nfolder = 'web'",
        "http.request",
        "/{a}/{b}",
        "7:12: c takes one part of the path, and this path has 2 | name one: /app/{*file?} takes \
         all files, / the index",
    ),
    ("use = 'static'", "http.request", "/{*file?}", "1:1: missing key \"folder\""),
    (
        "use = 'relay'\ngroup = 'g'",
        "http.request",
        "/",
        "7:12: c cannot serve http.request | it serves websocket.connect and websocket.receive and \
         websocket.disconnect",
    ),
];

#[test]
fn mistakes_in_composed_consumers_are_reported_with_their_places() {
    for (options, channel, path, said) in WRONG {
        let (reported, sound) = reported(&composed(options, channel, path));
        assert_eq!(
            (reported.as_slice(), sound),
            ([(*said).to_owned()].as_slice(), false),
            "{options}"
        );
    }
}

#[test]
fn a_mistake_in_one_consumer_of_a_list_is_reported() {
    let list = |consumers: &str| {
        format!(
            "[consumer.gate]\nuse = 'require'\npath = {{ room = 'a' }}\n[[route]]\n\
             channel = 'websocket.connect'\npath = '/{{rom}}'\nconsumer = {consumers}"
        )
    };
    for (consumers, said) in [
        (
            "['gate', 'close']",
            vec![
                "7:13: gate takes {room}, which the path of this route lacks | did you mean \"rom\"?",
            ],
        ),
        (
            "['close', 'image.recieve']",
            vec!["7:22: unknown consumer \"image.recieve\" | did you mean \"image.receive\"?"],
        ),
        (
            "['close', 'echo']",
            vec![
                "7:22: echo is a socket consumer and cannot be one of a list | give it a route of its \
                 own",
            ],
        ),
        ("[]", vec!["7:12: expected a list of at least one, found none"]),
        ("3", vec!["7:12: expected text, found 3"]),
    ] {
        let (reported, sound) = reported(&list(consumers));
        let reported: Vec<&str> = reported
            .iter()
            .map(String::as_str)
            .filter(|reported| !reported.contains("warning"))
            .collect();
        assert_eq!((reported, sound), (said, false), "{consumers}");
    }
}
