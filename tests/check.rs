//! Reports of `waterway check` on wrong tables: the place, the mistake and the way out.

mod admin;
mod composed;
mod programs;
mod start;

use std::fs;
use std::path::Path;

use crate::util::{Service, post, waterway};

/// The diagnostics of `check` on a table, each as `line:column: message | help`, and whether the
/// table is sound.
fn reported(table: &str) -> (Vec<String>, bool) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("routing.toml"), table).unwrap();
    let reported = told_in(folder.path(), &["check"]);
    let entries = fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(entries, 1, "check creates nothing: {table}");
    reported
}

fn told_in(folder: &Path, arguments: &[&str]) -> (Vec<String>, bool) {
    let output = waterway(folder, arguments);
    let report = String::from_utf8(output.stderr).unwrap();
    let mut reported: Vec<String> = Vec::new();
    for line in report.lines() {
        if let Some(place) = line.strip_prefix("routing.toml:") {
            reported.push(place.to_owned());
        } else if let Some((_, help)) = line.split_once("^ ")
            && let Some(last) = reported.last_mut()
        {
            last.extend([" | ", help]);
        }
    }
    (reported, output.status.success())
}

/// Checks that a table has these diagnostics and no others.
fn refused(table: &str, said: &[&str]) {
    assert_eq!(
        reported(table),
        (said.iter().map(|&said| said.to_owned()).collect(), false),
        "{table}"
    );
}

#[test]
fn each_mistake_in_a_route_is_reported_once_and_hides_no_other() {
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
        (
            route("channel = 'websocket.recieve'\nconsumer = ['close', 'image.recieve']"),
            vec![
                "4:11: unknown channel \"websocket.recieve\" | did you mean \
                 \"websocket.receive\"?"
                    .to_owned(),
                "5:22: unknown consumer \"image.recieve\" | did you mean \"image.receive\"?"
                    .to_owned(),
            ],
        ),
    ] {
        let said: Vec<&str> = said.iter().map(String::as_str).collect();
        refused(&table, &said);
    }
}

#[test]
fn a_consumer_without_use_is_a_mistake() {
    let help = "write use = \"NAME\", or the key django, or the key exec, or the key http";
    let missing = format!("1:1: missing key \"use\" | {help}");
    let misspelt =
        |key: &str, meant: &str| format!("2:1: unknown key {key:?} | did you mean {meant:?}?");
    for (options, said) in [
        ("", missing.clone()),
        ("folder = 'media'", missing.clone()),
        // An option of consumers that another key would name.
        ("user = 'nobody'", missing),
        ("usee = 'media'", misspelt("usee", "use")),
        ("exce = ['cat']", misspelt("exce", "exec")),
        ("htpp = 'http://a.example'", misspelt("htpp", "http")),
    ] {
        let route = "[[route]]\nchannel = 'http.request'\npath = '/{a}'\nconsumer = 'm'\n";
        refused(&format!("[consumer.m]\n{options}\n{route}"), &[&said]);
    }
}

#[test]
fn the_name_of_a_step_in_another_library_leads_to_the_steps_here() {
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
fn a_route_to_a_consumer_that_cannot_serve_its_event_is_a_mistake() {
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
            "[queue.q]\nconsumer = 'close'\n[[route]]\nchannel = '{channel}'\n\
             path = '/{{name}}'\nconsumer = '{consumer}'\nqueue = 'q'\n"
        );
        let (reported, sound) = reported(&table);
        assert_eq!((reported, sound), (said.clone(), said.is_empty()), "{table}");
    }
}

#[test]
fn a_path_with_other_parts_than_its_consumer_takes_is_a_mistake() {
    let help = "name one part: write {name} for one, {*rest} at the end for the rest";
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

/// A queue of pictures whose consumer has these options, and a route to it.
fn pictures(options: &str) -> String {
    format!(
        "[queue.q]\nconsumer = 'p'\n[consumer.p]\nuse = 'image.work'\n{options}\n\
         [[route]]\nchannel = 'http.request'\npath = '/work'\nconsumer = 'image.http'\nqueue = 'q'\n"
    )
}

#[test]
fn results_that_clients_cannot_get_are_warned_of() {
    let media = |options: &str, path: &str| {
        format!(
            "[consumer.m]\nuse = 'media'\n{options}\n\
             [[route]]\nchannel = 'http.request'\npath = '{path}'\nconsumer = 'm'\n"
        )
    };
    let served = |options: &str| media(options, "/upload/{*file}");
    let way_out =
        "route media by path = \"/upload/{*file}\", or set url to the server that has them"
            .to_owned();
    let at = "at /upload/rb_0.jpg";
    for (table, said) in [
        (pictures("") + &served("prefix = 'rb_'"), None),
        (pictures("folder = './media/../a'") + &served("folder = 'media/../a'"), None),
        (pictures("url = 'https://cdn.example'"), None),
        (pictures(""), Some(format!("3:1: warning: no route serves the results {at} | {way_out}"))),
        (
            pictures("") + &media("", "/files/{*file}"),
            Some(format!("3:1: warning: no route serves the results {at} | {way_out}")),
        ),
        (
            pictures("") + &media("", "/{*file}"),
            Some(format!(
                "3:1: warning: m looks for the file upload/rb_0.jpg {at} | {way_out}"
            )),
        ),
        (
            pictures("") + "[[route]]\nchannel = 'http.request'\nconsumer = 'page'\n",
            Some(format!(
                "3:1: warning: page answers {at}, where the results should be | {way_out}"
            )),
        ),
        (
            pictures("") + &served("prefix = 'other_'"),
            Some(
                "3:1: warning: results begin with \"rb_\", and m serves \"other_\" alone | give \
                 both the same prefix"
                    .to_owned(),
            ),
        ),
        (
            pictures("results = { small = [{ fit = [32, 32] }] }") + &served(""),
            Some(
                "5:11: warning: no pipeline is called \"rl\", which a header without rType means | \
                 add rl = [\"grayscale\"], or [] for no step"
                    .to_owned(),
            ),
        ),
    ] {
        let said: Vec<String> = said.into_iter().collect();
        assert_eq!(reported(&table), (said, true), "{table}");
    }
    let table = pictures("folder = '/srv/a'") + &served("folder = '/srv/b'");
    let said = "5:10: warning: results are kept in /srv/a, and m serves /srv/b | name the same \
                folder or bucket in both";
    assert_eq!(reported(&table), (vec![said.to_owned()], true));
}

#[test]
fn a_folder_that_cannot_be_written_is_warned_of_and_not_served_from() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    for path in [file.clone(), file.join("below")] {
        let kept = format!("folder = '{}'", path.display());
        let table = pictures(&format!("{kept}\nurl = 'https://cdn.example'"));
        fs::write(folder.path().join("routing.toml"), &table).unwrap();
        let (said, sound) = told_in(folder.path(), &["check"]);
        let start = format!("5:10: warning: {} cannot be written: ", path.display());
        assert!(sound && said.len() == 1 && said[0].starts_with(&start), "{said:?}");

        let served = waterway(folder.path(), &["serve"]);
        let log = String::from_utf8(served.stderr).unwrap();
        let refused = format!("cannot write to {}", path.display());
        assert!(served.status.code() == Some(1) && log.contains(&refused), "{log}");
    }
}

#[test]
fn paths_begin_at_the_root_and_check_shows_where() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap().join("srv");
    fs::create_dir(&root).unwrap();
    fs::write(root.join("logo.png"), LOGO).unwrap();
    let table = |root: &str| {
        format!(
            "[server]\nroot = '{root}'\nlisten = 'unix:w.sock'\n{}",
            pictures("results = { rl = [{ watermark = { file = 'logo.png' } }] }")
        )
    };
    fs::write(folder.path().join("routing.toml"), table("srv")).unwrap();
    let checked = waterway(folder.path(), &["check"]);
    let shown = String::from_utf8(checked.stdout).unwrap();
    let shown: Vec<&str> = shown.lines().collect();
    let at = |path: &str, by: &str| format!("  {}: {by}", root.join(path).display());
    assert_eq!(
        shown,
        [
            "routing.toml: sound, with 1 route and 1 queue".to_owned(),
            at("logo.png", "consumer p, result rl"),
            at("media", "consumer p"),
            at("w.sock", "server.listen"),
        ]
    );
    fs::write(folder.path().join("routing.toml"), table(".")).unwrap();
    let (said, sound) = told_in(folder.path(), &["check"]);
    assert!(!sound && said[0].contains("/logo.png: No such file"), "{said:?}");
    fs::write(folder.path().join("routing.toml"), table("none")).unwrap();
    let (said, sound) = told_in(folder.path(), &["check"]);
    let missing =
        "2:8: none cannot be the root: No such file or directory (os error 2) | this means ";
    assert!(!sound && said.iter().any(|line| line.starts_with(missing)), "{said:?}");
}

#[test]
fn the_service_keeps_pictures_below_its_root() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("srv")).unwrap();
    let table = format!("[server]\nlisten = '127.0.0.1:0'\nroot = 'srv'\n{}", pictures(""));
    let service = Service::start_in(folder, &table, |_| {});
    let answer = post(&service.url("/work"), LOGO);
    assert_eq!(answer.status, 200, "{answer:?}");
    let kept = service.names_within("srv/media");
    assert_eq!(kept.len(), 2, "the picture and its result");
}

/// A grey PNG of one pixel.
const LOGO: &[u8] = &[
    137, 80, 78, 71, 13, 10, 26, 10, 0, 0, 0, 13, 73, 72, 68, 82, 0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0,
    0, 0, 58, 126, 155, 85, 0, 0, 0, 10, 73, 68, 65, 84, 120, 156, 99, 104, 0, 0, 0, 130, 0, 129,
    119, 205, 114, 182, 0, 0, 0, 0, 73, 69, 78, 68, 174, 66, 96, 130,
];

#[test]
fn a_table_can_be_checked_and_shown_without_its_secrets() {
    let table = "[server]\nlisten = '${NO_ADDRESS}'\npublic_url = 'https://${NO_HOST}/'\n\
         [auth.a]\nsecret = '${NO_SECRET}'\nbind_ip = '${NO_BIND}'\n\
         [auth.b]\nalgorithms = 'RS256'\nsecret = '${NO_SECRET}'\n\
         [[route]]\nchannel = 'websocket.*'\npath = '/${NO_PATH}/a'\nconsumer = 'echo'\nauth = 'a'\n\
         [[route]]\nchannel = 'websocket.*'\npath = '/b'\nconsumer = 'echo'\nauth = 'b'\n";
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("routing.toml"), table).unwrap();
    let (said, sound) = told_in(folder.path(), &["check"]);
    assert_eq!((said.len(), sound), (6, false), "{said:?}");
    for command in ["check", "routes"] {
        let output = waterway(folder.path(), &[command, "--allow-missing-env"]);
        let log = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{log}");
        let missing = "not set, and so not checked: NO_ADDRESS (routing.toml:2:10), NO_BIND \
                       (routing.toml:6:11), NO_HOST (routing.toml:3:14), NO_PATH \
                       (routing.toml:12:8), NO_SECRET (routing.toml:5:10)";
        assert!(log.contains(missing), "{log}");
    }
    // The rest of the table is checked all the same.
    let mistaken = format!("{table}colour = '${{NO_COLOUR}}'\n");
    fs::write(folder.path().join("routing.toml"), mistaken).unwrap();
    let (said, sound) = told_in(folder.path(), &["check", "--allow-missing-env"]);
    assert!(!sound && said.len() == 1 && said[0].contains("unknown key \"colour\""), "{said:?}");
    let unknown = "[[route]]\nchannel = 'http.request'\nconsumer = '${NO_CONSUMER}'\n";
    fs::write(folder.path().join("routing.toml"), unknown).unwrap();
    let (said, sound) = told_in(folder.path(), &["check", "--allow-missing-env"]);
    let why = "3:12: NO_CONSUMER is not set, and without it the rest cannot be checked";
    assert_eq!((said, sound), (vec![why.to_owned()], false));
    // The option helps to check a table; a table is not served with it.
    let refused = waterway(folder.path(), &["serve", "--allow-missing-env"]);
    assert_eq!(refused.status.code(), Some(2));
}
