//! `check --start`: programs are started once, and webhooks connected to.

use std::fs;

use super::told_in;
use crate::util::{Receiver, answered, program, root, waterway};

/// A table of consumers with these options, each with a route. Each has one line before its options,
/// so that those of the first begin in line 2.
fn table(consumers: &[&str]) -> String {
    let consumer = |(number, options): (usize, &&str)| format!("[consumer.c{number}]\n{options}\n");
    let route = |number| {
        format!("[[route]]\nchannel = 'websocket.*'\npath = '/{number}'\nconsumer = 'c{number}'\n")
    };
    let declared: String = consumers.iter().enumerate().map(consumer).collect();
    declared + &(0..consumers.len()).map(route).collect::<String>()
}

/// Runs `check --start` on such a table: its diagnostics, and whether it is sound.
fn tried(consumers: &[&str]) -> (Vec<String>, bool) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("routing.toml"), table(consumers)).unwrap();
    told_in(folder.path(), &["check", "--start"])
}

/// The beginning of a webhook's URL.
fn origin(webhook: &Receiver) -> String {
    webhook.url().split('/').take(3).collect::<Vec<_>>().join("/")
}

/// A program that is ready, and writes its process into the file `pid`.
const READY: &str = r#"
import os, sys
with open("pid", "w") as pid:
    pid.write(str(os.getpid()))
print('{"ready":true}', flush=True)
sys.stdin.read()
"#;

#[test]
fn each_program_is_started_once_and_ended() {
    let folder = tempfile::tempdir().unwrap();
    let webhook = Receiver::start(|_, stream| stream.write_all(&answered("200 OK", "")).is_ok());
    let http = format!("http = '{}'\nhosts = '127.0.0.1'", webhook.url());
    fs::write(folder.path().join("ready.py"), READY).unwrap();
    fs::write(
        folder.path().join("routing.toml"),
        table(&[
            "exec = ['python3', 'ready.py']\ninstances = { min = 0, max = 4 }",
            &http,
            "exec = ['cat']\nmode = 'lines'",
            "use = 'echo'",
        ]),
    )
    .unwrap();
    let sound = waterway(folder.path(), &["check"]);
    assert!(sound.status.success() && !folder.path().join("pid").exists(), "nothing is started");
    let tried = waterway(folder.path(), &["check", "--start"]);
    let said = String::from_utf8(tried.stdout).unwrap();
    assert!(tried.status.success(), "{said}{}", String::from_utf8_lossy(&tried.stderr));
    for line in [
        "  consumer c0: python3 ready.py starts within ",
        &format!("  consumer c1: {} accepts connections\n", origin(&webhook)),
        "  consumer c2: cat starts within ",
    ] {
        assert!(said.contains(line), "{line:?} is not in {said}");
    }
    let pid = fs::read_to_string(folder.path().join("pid")).unwrap();
    assert!(!fs::exists(format!("/proc/{pid}")).unwrap(), "it has ended");
    assert_eq!(webhook.requests().len(), 0, "no event is sent");
}

#[test]
fn a_program_that_does_not_start_is_a_mistake_with_the_reason() {
    let first = ": its first line must be {\"ready\":true}; a program of plain lines needs mode = \
                 \"lines\"";
    let before = "before it wrote {\"ready\":true}";
    for (options, why, help) in [
        ("exec = ['./missing']", "there is no program ./missing", "/missing"),
        ("exec = ['false']", &*format!("false: it ended: exit status: 1, {before}"), first),
        ("exec = ['true']", &format!("true: it ended: exit status: 0, {before}"), first),
        (
            "exec = ['sleep', '600']\nstart = '300ms'\ngrace = '100ms'",
            "sleep 600: it did not write {\"ready\":true} within 300ms",
            first,
        ),
        (
            "exec = ['python3', '-c', 'import no_such_module']",
            &format!(
                "python3 -c import no_such_module: it ended: exit status: 1, {before}; it wrote to \
                 standard error: ModuleNotFoundError: No module named 'no_such_module'"
            ),
            first,
        ),
        (
            "exec = ['sh', '-c', 'echo Error: no disk >&2; echo v20 >&2']",
            &format!(
                "sh -c echo Error: no disk >&2; echo v20 >&2: it ended: exit status: 0, {before}; it \
                 wrote to standard error: Error: no disk"
            ),
            first,
        ),
        (
            "exec = ['sh', '-c', 'echo no disk >&2; exit 3']\nmode = 'lines'",
            "sh -c echo no disk >&2; exit 3: it ended: exit status: 3; it wrote to standard error: \
             no disk",
            "",
        ),
    ] {
        let (reported, is_sound) = tried(&[options]);
        let said = format!("2:8: the consumer c0 cannot start: {why} | ");
        assert!(!is_sound && reported.len() == 1, "{options}: {reported:?}");
        assert!(reported[0].starts_with(&said), "{reported:?}");
        assert!(reported[0].ends_with(help), "{reported:?}");
    }
    let (both, _) = tried(&["exec = ['false']", "exec = ['./missing']"]);
    assert_eq!(both.len(), 2, "no mistake hides another: {both:?}");
}

#[test]
fn a_webhook_that_cannot_be_reached_is_a_mistake_with_the_reason() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    let other = origin(&Receiver::start_tls("other.pem", |_, _| false));
    let start = "start the endpoint, or correct the URL";
    for (url, why, help) in [
        (&nobody, "cannot be reached: ", start),
        (&other, "has a wrong certificate: ", "SSL_CERT_FILE=FILE"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let webhook = format!("http = '{url}'\nhosts = ['127.0.0.1', 'localhost']");
        fs::write(folder.path().join("routing.toml"), table(&[&webhook])).unwrap();
        let mut command = program(folder.path());
        command.env("SSL_CERT_FILE", root().join("tests/webhook/ca.pem"));
        let output = command.args(["check", "--start"]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        let mistake =
            format!("routing.toml:2:8: the consumer c0 cannot start: the webhook at {url} {why}");
        assert_eq!(output.status.code(), Some(1));
        assert!(said.contains(&mistake) && said.contains(help), "{said}");
    }
}

#[test]
fn a_table_with_variables_that_are_not_set_cannot_be_started() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("routing.toml"), table(&["exec = ['${PROGRAM}']"])).unwrap();
    let output = waterway(folder.path(), &["check", "--start", "--allow-missing-env"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot be used with"));
}
