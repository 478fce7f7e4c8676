//! Programs that use the admin listener: Django, and the lines of the documents.

use std::fs;
use std::process::Command;

use serde_json::json;
use tempfile::TempDir;

use super::{Administered, ROOMS, TOKEN};
use crate::util::{Browser, Peer, Screen, Service, get, request, root};

/// The folder of the example of a chat, in a folder of its own, and its table.
fn chat() -> (TempDir, String) {
    let (folder, example) = (tempfile::tempdir().unwrap(), root().join("examples/chat"));
    fs::create_dir(folder.path().join("web")).unwrap();
    for entry in fs::read_dir(example.join("web")).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), folder.path().join("web").join(entry.file_name())).unwrap();
    }
    (folder, fs::read_to_string(example.join("routing.toml")).unwrap())
}

#[test]
fn a_view_of_django_sends_to_a_browser() {
    let (folder, table) = chat();
    let listen = "listen = '127.0.0.1:0'\n";
    let table = format!("{table}\n[server]\n{listen}[admin]\n{listen}token = '{TOKEN}'\n");
    let service = Service::start_in(folder, &table, |_| {});
    let line = service.wait_for_log("the admin listener answers");
    let url = line.split("address=").nth(1).unwrap().trim_matches('"').to_owned();
    let site = Peer::start_with("django_site.py", &[("ADMIN", TOKEN), ("ADMIN_URL", &url)]);

    let browser = Browser::start(Screen::DESKTOP);
    browser.open(&service.url("/rooms/d%C3%A9n?name=anna"));
    browser.wait("document.querySelector('#here').textContent === '1 here'");
    let view = format!("http://{}/announce/d%C3%A9n/", site.address);
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let answer = request("POST", &view, &form, "text=lunch+is+ready");
    assert_eq!((answer.status, answer.json()), (200, json!({"sent": 1})));
    browser.wait("document.querySelector('#said').textContent.includes('djangolunch is ready')");
    assert_eq!(browser.complaints(), [""; 0]);
}

#[test]
fn the_lines_of_the_documents_work() {
    let admin = Administered::start(ROOMS, &format!("token = '{TOKEN}'"));
    let document = fs::read_to_string(root().join("docs/admin.md")).unwrap();
    let mut lines: Vec<String> = Vec::new();
    let mut in_shell = false;
    for line in document.lines() {
        match line {
            "```sh" => in_shell = true,
            "```" => in_shell = false,
            line if in_shell && line.starts_with("curl ") => lines.push(line.to_owned()),
            line if in_shell && lines.last().is_some_and(|last| last.ends_with('\\')) => {
                let last = lines.last_mut().unwrap();
                last.pop();
                last.push_str(line.trim());
            }
            _ => {}
        }
    }
    assert!(lines.len() >= 8, "{lines:?}");
    for line in lines {
        let here = line.replace("127.0.0.1:8001", &admin.address.to_string());
        let mut command = Command::new("sh");
        command.args([
            "-c",
            &format!(
                "{here} --silent --show-error --output /dev/null --write-out '%{{http_code}}'"
            ),
        ]);
        let output = command.env("ADMIN", TOKEN).output().unwrap();
        let status = String::from_utf8_lossy(&output.stdout).into_owned();
        let expected: &[&str] =
            if line.contains("/v1/clients/waterway") || line.contains("\"client\"") {
                // The client of the document is not connected here.
                &["404"]
            } else {
                &["200", "204"]
            };
        assert!(expected.contains(&status.as_str()), "{line}: {status} {output:?}");
    }
}

#[test]
fn a_webhook_shows_its_breaker() {
    let table = r#"
        [consumer.hook]
        http    = "http://127.0.0.1:9/"
        hosts   = ["127.0.0.1"]
        breaker = { failures = 1 }
        [[route]]
        channel  = "http.request"
        path     = "/hook"
        consumer = "hook"
    "#;
    let admin = Administered::start(table, "");
    let hook = || {
        let consumers = admin.get("/v1/consumers").json();
        consumers.as_array().unwrap().iter().find(|it| it["name"] == "hook").unwrap().clone()
    };
    assert_eq!(hook()["status"], json!({"breaker": "closed", "sending": 0, "waiting": 0}));
    // Nobody listens there.
    assert!(get(&admin.service.url("/hook")).status >= 500);
    assert_eq!(hook()["status"]["breaker"], "open");
}
