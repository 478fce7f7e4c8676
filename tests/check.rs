//! What `waterway check` says of wrong tables: the place, what is wrong, and the way out.

use std::fs;
use std::path::Path;

use crate::util::waterway;

/// What `check` says of a table, each as `line:column: message | help`, and whether it is sound.
fn told(table: &str) -> (Vec<String>, bool) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("routing.toml"), table).unwrap();
    let told = told_in(folder.path(), &["check"]);
    let entries = fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(entries, 1, "check creates nothing: {table}");
    told
}

fn told_in(folder: &Path, arguments: &[&str]) -> (Vec<String>, bool) {
    let output = waterway(folder, arguments);
    let report = String::from_utf8(output.stderr).unwrap();
    let mut told: Vec<String> = Vec::new();
    for line in report.lines() {
        if let Some(place) = line.strip_prefix("routing.toml:") {
            told.push(place.to_owned());
        } else if let Some((_, help)) = line.split_once("^ ")
            && let Some(last) = told.last_mut()
        {
            last.extend([" | ", help]);
        }
    }
    (told, output.status.success())
}

/// A table that is wrong, and all that is said of it.
fn refused(table: &str, said: &[&str]) {
    assert_eq!(told(table), (said.iter().map(|&said| said.to_owned()).collect(), false), "{table}");
}

#[test]
fn one_mistake_of_a_route_is_told_once_and_hides_no_other() {
    let queue = "[queue.images]\nconsumer = 'image.work'\n";
    let route = |more: &str| format!("{queue}[[route]]\n{more}\n");
    let nearest = "did you mean \"images\"?";
    for (table, said) in [
        (
            route("channel = 'websocket.receive'\nconsumer = 'image.receive'\nqueue = 'imges'"),
            vec![format!("6:9: unknown queue \"imges\" | {nearest}")],
        ),
        (
            route("channel = 'websocket.receive'\nconsumer = 'image.receive'\nquue = 'images'"),
            vec!["6:1: unknown key \"quue\" | did you mean \"queue\"?".to_owned()],
        ),
        (
            route("channel = 'websocket.receive'\nconsumer = 'image.receive'\nqueue = 3"),
            vec!["6:9: expected text, found 3".to_owned()],
        ),
        (
            route("channel = 'http.request'\nconsumer = 'media'\npath = '/{a'"),
            vec![
                "6:8: \"{a\" is not a parameter | a parameter is a whole segment: /{name}/ or, \
                 last, /{*rest}"
                    .to_owned(),
            ],
        ),
        (
            route("channel = 'websocket.recieve'\nconsumer = 'image.recieve'\nqueue = 'imges'"),
            vec![
                "4:11: unknown channel \"websocket.recieve\" | did you mean \
                 \"websocket.receive\"?"
                    .to_owned(),
                "5:12: unknown consumer \"image.recieve\" | did you mean \"image.receive\"?"
                    .to_owned(),
                format!("6:9: unknown queue \"imges\" | {nearest}"),
            ],
        ),
    ] {
        let said: Vec<&str> = said.iter().map(String::as_str).collect();
        refused(&table, &said);
    }
}

#[test]
fn a_step_that_other_libraries_have_is_told_by_what_does_it_here() {
    let help = "write { fit = [320, 320] } to keep the proportions, { fill = [320, 240] } to \
                stretch, { zoom = 0.5 } for a factor";
    for (step, said) in [
        ("'resize'", format!("3:18: unknown choice \"resize\" | {help}")),
        ("{ resize = [320, 240] }", format!("3:20: unknown choice \"resize\" | {help}")),
    ] {
        let table = format!("[consumer.p]\nuse = 'image.work'\nresults = {{ a = [{step}] }}\n");
        refused(&table, &[&said]);
    }
}

#[test]
fn a_consumer_of_an_event_that_it_cannot_serve_is_a_mistake() {
    let cannot = |place: &str, consumer: &str, events: &str, serves: &str| {
        vec![format!("{place}: {consumer} cannot serve {events} | it serves {serves}")]
    };
    let (receive, connect) = ("websocket.receive", "websocket.connect");
    for (channel, consumer, said) in [
        ("http.request", "image.receive", cannot("6:12", "image.receive", "http.request", receive)),
        (connect, "image.viewport", cannot("6:12", "image.viewport", connect, receive)),
        ("http.request", "image.cancel", cannot("6:12", "image.cancel", "http.request", receive)),
        ("http.request", "chat.join", cannot("6:12", "chat.join", "http.request", connect)),
        (receive, "chat.leave", cannot("6:12", "chat.leave", receive, "websocket.disconnect")),
        (
            connect,
            "chat.say",
            cannot("6:12", "chat.say", connect, "websocket.receive and http.request"),
        ),
        (
            "websocket.*",
            "image.connect",
            cannot("6:12", "image.connect", "websocket.receive and websocket.disconnect", connect),
        ),
        (
            connect,
            "image.disconnect",
            cannot("6:12", "image.disconnect", connect, "websocket.disconnect"),
        ),
        (receive, "image.http", cannot("6:12", "image.http", receive, "http.request")),
        (receive, "media", cannot("6:12", "media", receive, "http.request")),
        (receive, "page", cannot("6:12", "page", receive, "http.request")),
        ("websocket.*", "close", vec![]),
        ("http.request", "deny", vec![]),
        ("http.request", "chat.say", vec![]),
    ] {
        let table = format!(
            "[queue.q]\nconsumer = 'image.work'\n[[route]]\nchannel = '{channel}'\n\
             path = '/{{name}}'\nconsumer = '{consumer}'\nqueue = 'q'\n"
        );
        let (told, sound) = told(&table);
        assert_eq!((told, sound), (said.clone(), said.is_empty()), "{table}");
    }
}

#[test]
fn a_path_with_other_parts_than_its_consumer_takes_is_a_mistake() {
    let help = "name one part: {name} is one, {*rest} at the end is all that follows";
    for (path, consumer, said) in [
        (
            "/{a}/{b}",
            "media",
            format!("4:12: media takes one part of the path, and this path has 2 | {help}"),
        ),
        (
            "/{a}/{*b}",
            "page.sample",
            format!("4:12: page.sample takes one part of the path, and this path has 2 | {help}"),
        ),
        (
            "/a",
            "media",
            "4:12: media takes a part of the path | give the route a path with one, such as path = \
             \"/…/{name}\""
                .to_owned(),
        ),
    ] {
        refused(
            &format!(
                "[[route]]\nchannel = 'http.request'\npath = '{path}'\nconsumer = '{consumer}'\n"
            ),
            &[&said],
        );
    }
}
