//! Commands that are used wrongly, each with the way out.

use std::fs;

use crate::util::waterway;

#[test]
fn a_wrong_command_line_is_answered_with_the_way_out() {
    let folder = tempfile::tempdir().unwrap();
    let route = "[[route]]\nchannel = 'http.request'\npath = '/a'\nconsumer = 'page'\n";
    let sound = format!("[server]\nlisten = '127.0.0.1:1'\n{route}");
    fs::write(folder.path().join("sound.toml"), &sound).unwrap();
    fs::write(folder.path().join("broken.toml"), format!("{sound}[[route]\n")).unwrap();
    fs::write(folder.path().join("empty.toml"), "").unwrap();
    fs::create_dir(folder.path().join("folder")).unwrap();
    for (arguments, code, said) in [
        (&["chek"][..], 2, "neither a command nor a file \"chek\"\ndid you mean waterway check?"),
        (
            &["queues", "requeu"],
            2,
            "neither a command nor a file \"requeu\"\ndid you mean waterway queues requeue?",
        ),
        (&["expain", "/a"], 2, "did you mean waterway explain?"),
        (&["tset", "sound.toml"], 2, "did you mean waterway test?"),
        (&["shema"], 2, "did you mean waterway schema?"),
        (
            &["check", "none.toml"],
            1,
            "there is no file none.toml\nname a routing table as the last ",
        ),
        (&["test", "folder"], 1, "folder: the file cannot be read: Is a directory"),
        (&["test", "broken.toml"], 1, "1 mistake"),
        (&["test", "sound.toml"], 0, "sound.toml has no [[test]]"),
        (&["check", "empty.toml"], 0, "without routes, every client gets 404"),
        (&["explain", "/a", "broken.toml"], 1, "1 mistake"),
        (&["explain"], 2, "<PATH>"),
        (&["explain", "sound.toml", "/a"], 2, "a path begins with a slash: write /sound.toml"),
        (
            &["explain", "/a", "sound.toml", "--head", "[1]"],
            2,
            "such as {\"type\": \"viewport\"}: this is [1]",
        ),
        (
            &["explain", "/a", "sound.toml", "--head", "{"],
            2,
            "such as {\"type\": \"viewport\"}: EOF ",
        ),
        (&["schema", "--markdwn"], 2, "a similar argument exists: '--markdown'"),
        (&["new"], 2, "<DIR>"),
        (&["new", "demo", "--template", "chta"], 1, "did you mean \"chat\"?"),
        (&["completions", "bsh"], 2, "a similar value exists: 'bash'"),
        (
            &["health", "sound.toml"],
            1,
            "no service answers at 127.0.0.1:1, where sound.toml listens: ",
        ),
        (&["health", "sound.toml"], 1, "\nstart it: waterway serve sound.toml"),
        (&["health", "broken.toml"], 1, "\nthe table has mistakes, and may name another address: "),
        (&["consumers", "ecko"], 1, "there is no consumer \"ecko\"\ndid you mean \"echo\"?"),
        (&["token", "sound.toml"], 1, "the table has no [auth.NAME]"),
        (
            &["routes", "--path", "/a"],
            2,
            "the command explain has taken its place: write explain /a",
        ),
    ] {
        let output = waterway(folder.path(), arguments);
        let told = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
        let told = told.concat();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {told}");
        assert!(told.contains(said), "{arguments:?}: {told}");
    }
}
