//! Tests of the files that are read, included ones among them.

use std::fs;
use std::path::PathBuf;

use super::*;

/// A temporary folder, which is removed when the test ends.
struct Folder(PathBuf);

impl Folder {
    fn with(name: &str, files: &[(&str, &str)]) -> Self {
        let folder = std::env::temp_dir().join(format!("waterway-{}-{name}", std::process::id()));
        for (path, text) in files {
            let path = folder.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Self(folder)
    }

    fn load(&self) -> (Loaded, Vec<String>) {
        let loaded = RoutingConfig::load_with(self.0.join("routing.toml"), &environment);
        let folder = format!("{}/", self.0.display());
        let reported = lines(&loaded.sources, &loaded.diagnostics);
        (loaded, reported.into_iter().map(|line| line.replace(&folder, "")).collect())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn included_files_add_to_the_first() {
    let route = |name: &str| {
        format!(
            "[[route]]\nchannel = \"http.request\"\npath = \"/{name}\"\nqueue = \"q\"\nconsumer = \"{name}\"\n"
        )
    };
    let folder = Folder::with(
        "include[1]",
        &[
            ("routing.toml", &format!("include = [\"*.toml\", \"more/*.toml\"]\n{}", route("a"))),
            ("more/2.toml", &route("c")),
            (
                "more/1.toml",
                &format!("{}[queue.q]\nconsumer = \"w\"\n[limits]\nping = \"9s\"", route("b")),
            ),
        ],
    );
    let (loaded, reported) = folder.load();
    assert_eq!(reported, [] as [&str; 0]);
    assert_eq!(loaded.sources.len(), 3);
    let consumers: Vec<&str> =
        loaded.config.route.iter().map(|route| route.consumer.last()).collect();
    assert_eq!(consumers, ["a", "b", "c"]);
    assert_eq!(loaded.config.limits().ping, Time::from_secs(9));
}

#[test]
fn mistakes_in_included_files_are_reported_there() {
    let folder = Folder::with(
        "mistakes",
        &[
            (
                "routing.toml",
                "include = [\"a.toml\", \"b.toml\", \"[\", \"c/*\"]\n[queue.q]\nconsumer = \"w\"\n[limits]\n",
            ),
            (
                "a.toml",
                "include = []\nserver.drain = \"1s\"\nfoo = 1\nlimits = 3\n[queue.q]\nconsumer = \"w\"\n[route]\n",
            ),
        ],
    );
    let (_, reported) = folder.load();
    assert_eq!(
        reported,
        [
            "routing.toml:1:22: there is no file \"b.toml\" | the path is relative to this file",
            "routing.toml:1:32: \"[\" is not a pattern: invalid range pattern",
            "a.toml:1:1: an included file cannot have \"include\" | move it to the first file",
            "a.toml:2:1: an included file cannot have \"server\" | move it to the first file",
            "a.toml:3:1: unknown key \"foo\" | the keys here are: include, server, admin, layer, log, auth, limits, queue, consumer, route, test",
            "a.toml:4:10: expected a table | write [limits]",
            "a.toml:5:8: queue.q is declared twice | the first is at routing.toml:2:8",
            "a.toml:7:1: [route] is one table, and routes are many | write [[route]]",
            "a.toml:7:1: missing key \"channel\"",
        ]
    );
}

#[test]
fn a_file_that_cannot_be_read_is_reported() {
    let folder = Folder::with("unreadable", &[("x/bytes", "")]);
    let (loaded, reported) = folder.load();
    assert_eq!(
        reported,
        ["routing.toml: the file cannot be read: No such file or directory (os error 2)"]
    );
    assert!(loaded.report().to_string().ends_with("(os error 2)\n1 mistake"));
    fs::write(folder.0.join("routing.toml"), [b'a', 0xff]).unwrap();
    assert_eq!(folder.load().1, ["routing.toml: the file is not UTF-8 at byte 1"]);
    fs::write(folder.0.join("routing.toml"), vec![b'#'; (1 << 20) + 1]).unwrap();
    assert_eq!(folder.load().1, ["routing.toml: the file is larger than 1 MiB"]);
    fs::write(folder.0.join("routing.toml"), vec![b'#'; 1 << 20]).unwrap();
    assert_eq!(folder.load().1, [] as [&str; 0]);
}

#[test]
fn a_folder_of_includes_that_cannot_be_read_is_a_mistake() {
    let folder = Folder::with("folders", &[("routing.toml", ""), ("file", "")]);
    std::os::unix::fs::symlink("loop", folder.0.join("loop")).unwrap();
    for (include, reported) in [
        ("none.d/*.toml", vec![]),
        ("file/*.toml", vec!["file cannot be read: Not a directory (os error 20)"]),
        (
            "loop/*.toml",
            vec!["loop cannot be read: Too many levels of symbolic links (os error 40)"],
        ),
        (
            "loop/a.toml",
            vec!["loop cannot be read: Too many levels of symbolic links (os error 40)"],
        ),
    ] {
        fs::write(folder.0.join("routing.toml"), format!("include = [\"{include}\"]")).unwrap();
        let reported: Vec<_> =
            reported.iter().map(|reported| format!("routing.toml:1:12: {reported}")).collect();
        assert_eq!(folder.load().1, reported, "{include}");
    }
}
