//! `waterway new`: each deployment runs as it is, and passes its own tests.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::util::{Service, get, post, program, waterway};

/// Writes a deployment into `demo` in this folder, and returns the listing that the command prints.
fn new(folder: &Path, template: &str) -> String {
    let output = waterway(folder, &["new", "demo", "--template", template]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Runs the tests of the deployment in this folder, with these variables.
fn test(folder: &Path, variables: &[(&str, String)]) -> (bool, String) {
    let variables = variables.iter().map(|(name, value)| (name, value));
    let output = program(folder).arg("test").envs(variables).output().expect("it starts");
    let said = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    (output.status.success(), said.concat())
}

/// The template's program outside of the service, if it has one. Dropping it ends the program.
struct Outside(Option<Child>, Vec<(&'static str, String)>);

impl Outside {
    /// Starts it in the deployment's folder, at a free port.
    fn start(template: &str, folder: &Path) -> Self {
        if template != "webhook" {
            return Self(None, Vec::new());
        }
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port().to_string();
        drop(free);
        let mut command = Command::new("python3");
        command.arg("receiver.py").current_dir(folder).env("RECEIVER_PORT", &port);
        let child = command.stdout(Stdio::piped()).spawn().expect("Python starts");
        let mut outside = Self(Some(child), vec![("RECEIVER_PORT", port)]);
        let child = outside.0.as_mut().and_then(|child| child.stdout.as_mut());
        let mut line = String::new();
        BufReader::new(child.unwrap()).read_line(&mut line).unwrap();
        assert!(line.starts_with("listening"), "{line}");
        outside
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            // Both fail only if it has ended already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Each template, with its meaning and the title of its page.
const TEMPLATES: [(&str, &str, &str); 5] = [
    ("pictures", "a picture service, with a page that sends pictures to it", "Pictures"),
    ("chat", "a service of chat rooms, with a page for them", "Chat"),
    ("program", "a service whose events a program in Python answers", "Program"),
    ("webhook", "a service whose events a program in Python answers over HTTP", "Webhook"),
    ("web", "a web application of one page, with a socket and a health check", "Cursors"),
];

#[test]
fn each_deployment_is_written_whole() {
    for (template, served, _) in TEMPLATES {
        let folder = tempfile::tempdir().unwrap();
        let listing = new(folder.path(), template);
        assert!(listing.starts_with(&format!("demo is {served}:\n")), "{listing}");
        let told = "\nServe it: cd demo && waterway\nTest it: cd demo && waterway test\n";
        assert!(listing.ends_with(told), "{listing}");
        let demo = folder.path().join("demo");
        for file in listing.lines().filter_map(|line| line.strip_prefix("  ")) {
            let content = fs::read_to_string(demo.join(file)).unwrap();
            assert!(!content.contains("@name@"), "{template}, {file}");
        }
        let unit = fs::read_to_string(demo.join("demo.service")).unwrap();
        assert!(unit.contains("\nWorkingDirectory=/srv/demo\n"), "{unit}");
        let schema = fs::read_to_string(demo.join("routing.schema.json")).unwrap();
        assert_eq!(schema.as_bytes(), waterway(&demo, &["schema"]).stdout);
    }
}

#[test]
fn each_deployment_runs_and_passes_its_own_tests() {
    for (template, _, title) in TEMPLATES {
        let folder = tempfile::tempdir().unwrap();
        new(folder.path(), template);
        // A service of the tests runs in a folder of its own.
        let demo = folder.path().join("demo");
        for entry in fs::read_dir(&demo).unwrap() {
            let name = entry.unwrap().file_name();
            fs::rename(demo.join(&name), folder.path().join(&name)).unwrap();
        }
        let outside = Outside::start(template, folder.path());
        let (passed, said) = test(folder.path(), &outside.1);
        assert!(passed && said.ends_with(" tests passed\n"), "{template}: {said}");
        let table = fs::read_to_string(folder.path().join("routing.toml")).unwrap();
        let at_any_port = table.replace("127.0.0.1:8000\"]", "127.0.0.1:0\"]");
        assert_ne!(table, at_any_port, "{template}");
        let service = Service::start_in(folder, &at_any_port, |command| {
            command.envs(outside.1.iter().map(|(name, value)| (name, value)));
        });
        let page = get(&service.url("/"));
        assert!(page.text().contains(&format!("<title>{title}</title>")), "{}", page.text());
        assert_eq!(service.stop_gracefully().code(), Some(0), "{template}");
    }
}

/// As `docs/start.md` proposes.
#[test]
fn an_edited_program_of_a_deployment_is_served_at_once() {
    let folder = tempfile::tempdir().unwrap();
    new(folder.path(), "program");
    let demo = folder.path().join("demo");
    for file in ["answer.py", "waterway.py", "web"] {
        fs::rename(demo.join(file), folder.path().join(file)).unwrap();
    }
    let table = fs::read_to_string(demo.join("routing.toml")).unwrap();
    let table = table.replace("127.0.0.1:8000", "127.0.0.1:0");
    let service = Service::start_in(folder, &table, |_| {});
    let said = || post(&service.url("/rooms/den"), "hello").text().to_owned();
    assert!(said().contains("\"HELLO\""), "{}", said());
    let program = service.folder().join("answer.py");
    let text = fs::read_to_string(&program).unwrap();
    let edited = text.replace("event.text.upper()", "event.text[::-1]");
    assert_ne!(text, edited);
    fs::write(program, edited).unwrap();
    service.wait_until(|| said().contains("\"olleh\""));
}

#[test]
fn the_tests_of_a_deployment_find_what_is_wrong_with_it() {
    let folder = tempfile::tempdir().unwrap();
    new(folder.path(), "web");
    let demo = folder.path().join("demo");
    let table = fs::read_to_string(demo.join("routing.toml")).unwrap();
    let wrong = table.replacen("status = \"ok\"", "status = \"ill\"", 1);
    assert_ne!(table, wrong);
    fs::write(demo.join("routing.toml"), wrong).unwrap();
    let (passed, said) = test(&demo, &[]);
    let failure = "test \"the health check\": expected the JSON {\"status\":\"ok\"}, ";
    assert!(!passed && said.contains(failure), "{said}");
}

#[test]
fn new_writes_into_an_empty_folder_alone() {
    let folder = tempfile::tempdir().unwrap();
    let said = |arguments: &[&str]| {
        let output = waterway(folder.path(), arguments);
        assert!(!output.status.success(), "{arguments:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    fs::create_dir(folder.path().join("demo")).unwrap();
    new(folder.path(), "chat");
    let before = fs::read_to_string(folder.path().join("demo/routing.toml")).unwrap();
    assert!(said(&["new", "demo"]).contains("the folder demo is not empty\nname a new one"));
    let after = fs::read_to_string(folder.path().join("demo/routing.toml")).unwrap();
    assert_eq!(before, after);
    assert!(said(&["new", "demo/routing.toml"]).contains("cannot use demo/routing.toml"));
    let unknown = said(&["new", "other", "--template", "chta"]);
    assert!(unknown.contains("no template \"chta\"\ndid you mean \"chat\"?"), "{unknown}");
    assert!(!folder.path().join("other").exists());
}

#[test]
fn completions_come_from_the_commands() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = waterway(folder.path(), &["completions", shell]);
        let script = String::from_utf8(output.stdout).unwrap();
        for word in ["allow-missing-env", "consumers", "steps", "template"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
}
