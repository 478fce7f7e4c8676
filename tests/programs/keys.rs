//! Keys of a program: its limits and its user, when it ends, whom it reaches, and what may wait for it.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::{ask, children, client, report, table, wait_until_gone};
use crate::util::{Client, Service, get, root, waterway};

/// An admin listener for [`report`].
const ADMIN: &str = "[admin]\nlisten = 'unix:admin.sock'\n[server]\nlisten = '127.0.0.1:0'";

/// How many events the programs have that take events.
fn events(service: &Service) -> u64 {
    let report = report(service, "/v1/consumers");
    let programs = report[0]["status"]["programs"].as_array().unwrap();
    programs.iter().map(|program| program["events"].as_u64().unwrap()).sum()
}

#[tokio::test]
async fn a_program_has_the_limits_of_its_table() {
    let service = Service::start(&table("limits = { cpu = '1s', open_files = 64 }"));
    let mut client = client(&service).await;
    let opened = ask(&mut client, "open files").await;
    let (count, why) = opened.split_once(' ').unwrap();
    assert!(count.parse::<usize>().unwrap() < 64, "{opened}");
    assert_eq!(why, "Too many open files");
    assert_eq!(ask(&mut client, "burn once").await, "second try");
    assert!(service.wait_for_log("a program is over").contains("signal"), "{}", service.log());
}

/// The table and the program in a folder that every user can read.
fn readable(user: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::copy(root().join("tests/programs/child.py"), folder.path().join("child.py")).unwrap();
    let route = "[[route]]\nchannel = 'websocket.receive'\npath = '/'\nconsumer = 'child'\n";
    let table = format!(
        "[consumer.child]\nexec = ['python3', 'child.py']\nuser = '{user}'\n\
         file_above = '20B'\n{route}"
    );
    (folder, table)
}

#[tokio::test]
async fn a_program_runs_as_another_user_if_the_service_may_change_it() {
    let (folder, table) = readable("65534:65534");
    if !rustix::process::geteuid().is_root() {
        fs::write(folder.path().join("routing.toml"), table).unwrap();
        let output = waterway(folder.path(), &["serve", "--listen", "127.0.0.1:0"]);
        let log = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && log.contains("Operation not permitted"), "{log}");
        return;
    }
    let service = Service::start_in(folder, &table, |_| {});
    let mut client = client(&service).await;
    assert_eq!(ask(&mut client, "who").await, "65534 65534 [65534]");
    let long = "a text that is given as a file";
    let answer = ask(&mut client, long).await;
    assert!(answer.ends_with(long), "the file is the user's own: {answer}");
    // It ends with the service, although a change of the user makes the kernel forget that.
    let program = children(&service)[0].to_string();
    service.signal(Signal::KILL);
    wait_until_gone(&program, Duration::from_secs(2));
}

#[tokio::test]
async fn an_unknown_user_is_reported_when_the_service_starts() {
    let (folder, table) = readable("nobody-of-this-name");
    fs::write(folder.path().join("routing.toml"), table).unwrap();
    let output = waterway(folder.path(), &["serve", "--listen", "127.0.0.1:0"]);
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && log.contains("no such user"), "{log}");
}

#[tokio::test]
async fn programs_above_the_lower_bound_end_when_they_are_idle() {
    let options = "instances = { min = 1, max = 3 }\nconcurrency = 1\nidle = '300ms'";
    let service = Service::start(&table(&format!("{options}\n{ADMIN}")));
    let closed = service.folder().join("closed");
    fs::write(&closed, "").unwrap();
    let mut clients = Vec::new();
    for running in 1..=3 {
        let mut client = client(&service).await;
        client.send_text("wait").await;
        // The next client stays with the program that takes its connect event, so all must be busy.
        service.wait_until(|| events(&service) == running);
        assert_eq!(children(&service).len() as u64, running);
        clients.push(client);
    }
    fs::remove_file(closed).unwrap();
    let mut pids = BTreeSet::new();
    for client in &mut clients {
        pids.insert(client.text().await);
    }
    assert_eq!(pids.len(), 3, "each has had a program of its own");
    service.wait_until(|| children(&service).len() == 1);
    for client in &mut clients {
        assert!(pids.contains(&ask(client, "pid").await), "the last one stays");
    }
    assert!(!service.log().contains("a program is over"), "{}", service.log());
}

#[tokio::test]
async fn a_program_that_has_lived_long_enough_is_replaced_and_ends_its_events() {
    let service = Service::start(&table(&format!("lifetime = '1s'\n{ADMIN}")));
    let closed = service.folder().join("closed");
    fs::write(&closed, "").unwrap();
    let mut waiting = client(&service).await;
    waiting.send_text("wait").await;
    service.wait_until(|| events(&service) == 1);
    // A program that has been replaced is not among them, because it gets no more events.
    service.wait_until(|| events(&service) == 0);
    let next = ask(&mut client(&service).await, "pid").await;
    fs::remove_file(closed).unwrap();
    assert_ne!(waiting.text().await, next, "the former program has ended its event");
    assert!(!service.log().contains("a program is over"), "{}", service.log());
}

#[tokio::test]
async fn the_program_of_a_connection_ends_after_its_lifetime() {
    let service = Service::start(
        "[consumer.cat]\nexec = ['cat']\nmode = 'lines'\nlifetime = '300ms'\n\
         [[route]]\nchannel = 'websocket.*'\npath = '/'\nconsumer = 'cat'\n",
    );
    let mut client = client(&service).await;
    assert_eq!(client.closed().await, (1012, "the time is over".to_owned()));
    service.wait_until(|| children(&service).is_empty());
}

#[tokio::test]
async fn a_program_acts_on_the_clients_that_it_may_reach() {
    let script = root().join("tests/programs/child.py");
    for (reach, arrives) in [("all", true), ("own", false)] {
        let other = format!(
            "reach = '{reach}'\n[consumer.other]\nexec = ['python3', '{}']\n\
             [[route]]\nchannel = 'websocket.receive'\npath = '/other'\nconsumer = 'other'",
            script.display()
        );
        let service = Service::start(&table(&other));
        let (mut own, mut teller) = (client(&service).await, client(&service).await);
        let mut foreign = Client::connect(&service.ws("/other")).await;
        let names = [ask(&mut own, "name").await, ask(&mut foreign, "name").await];
        for name in &names {
            assert_eq!(ask(&mut teller, &format!("tell {name}")).await, "told");
        }
        assert_eq!(own.text().await, "psst", "{reach}: a client whose events it has seen");
        let next = ask(&mut foreign, "pid").await;
        assert_eq!(next == "psst", arrives, "{reach}: {next}");
        if !arrives {
            service.wait_for_log("this consumer has seen no event of it");
        }
    }
}

#[tokio::test]
async fn content_above_a_size_is_a_file_for_as_long_as_its_event_lasts() {
    let service = Service::start(&table("file_above = '20B'\n[limits]\nmessage = '1MiB'"));
    let mut client = client(&service).await;
    for content in ["just twenty-one bytes", &"x".repeat(500_000)] {
        let answer = ask(&mut client, content).await;
        let (file, read) = answer.split_once(' ').unwrap();
        assert_eq!(read, content);
        service.wait_until(|| !fs::exists(file).unwrap());
    }
    assert_eq!(ask(&mut client, "echo twenty bytes at").await, "echo twenty bytes at");
}

#[tokio::test]
async fn when_nothing_more_may_wait_messages_and_tasks_wait_and_others_get_503() {
    let options = format!(
        "pending = {{ events = 2 }}\n{ADMIN}\n\
         [queue.work]\nconsumer = 'child'\nworkers = 1\n\
         [[route]]\nchannel = 'websocket.receive'\npath = '/push'\n\
         queue = 'work'\nconsumer = 'push'"
    );
    let service = Service::start(&table(&options));
    let closed = service.folder().join("closed");
    fs::write(&closed, "").unwrap();
    let mut waiting = Vec::new();
    for _ in 0..4 {
        waiting.push(client(&service).await);
    }
    let mut pushing = Client::connect(&service.ws("/push")).await;
    for client in &mut waiting[..2] {
        client.send_text("wait").await;
    }
    service.wait_until(|| events(&service) == 2);
    let refused = get(&service.url("/"));
    assert_eq!(refused.status, 503);
    assert_eq!(
        (refused.json()["code"].as_str(), refused.header("retry-after")),
        (Some("refused"), "1")
    );
    assert_eq!(Client::try_connect(&service.ws("/"), &[]).await.err(), Some(503));
    for client in &mut waiting[2..] {
        client.send_text("pid").await;
    }
    for uuid in 0..3 {
        pushing.send_text(json!({"uuid": uuid}).to_string()).await;
    }
    let depth = || {
        let queue = report(&service, "/v1/queues")[0].take();
        (queue["queued"].clone(), queue["running"].clone())
    };
    service.wait_until(|| depth() == (json!(2), json!(1)));
    for client in waiting[2..].iter_mut().chain([&mut pushing]) {
        let early = timeout(Duration::from_millis(100), client.message()).await;
        assert!(early.is_err(), "{early:?}");
    }
    fs::remove_file(closed).unwrap();
    for client in &mut waiting {
        assert!(client.text().await.parse::<u32>().is_ok());
    }
    let mut uuids: Vec<Value> = Vec::new();
    for _ in 0..3 {
        uuids.push(pushing.json().await["uuid"].take());
    }
    assert_eq!(uuids, [json!(0), json!(1), json!(2)]);
    assert_eq!(get(&service.url("/")).status, 204);
}

/// The niceness of the thread with this name.
fn niceness(service: &Service, thread: &str) -> Option<i32> {
    let tasks = fs::read_dir(format!("/proc/{}/task", service.pid())).unwrap();
    let stats = tasks.filter_map(|task| fs::read_to_string(task.unwrap().path().join("stat")).ok());
    stats.into_iter().find_map(|stat| {
        let (name, rest) = stat.split_once('(')?.1.split_once(") ")?;
        (name == thread).then(|| rest.split(' ').nth(16)?.parse().ok())?
    })
}

#[test]
fn workers_that_hand_tasks_over_to_a_program_do_not_yield() {
    let queues = "[queue.programs]\nconsumer = 'child'\n[queue.own]\nconsumer = 'image.work'\n\
                  [queue.set]\nconsumer = 'child'\nnice = 7\n";
    let service = Service::start(&table(queues));
    for (thread, nice) in [("programs-0", 0), ("own-0", 19), ("set-0", 7)] {
        service.wait_until(|| niceness(&service, thread) == Some(nice));
    }
}
