//! Programs as consumers: the good ones, and those that write garbage, die or stay.

mod cancel;
mod examples;
mod helpers;
mod keys;
mod tornado;

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;

use crate::util::{Client, PATIENCE, Service, get, root, waterway};

/// The table of a program of the tests, with further options.
fn table(options: &str) -> String {
    let script = root().join("tests/programs/child.py");
    format!(
        "[consumer.child]\nexec = ['python3', '-u', '{}']\ngrace = '1s'\n\
         backoff = {{ first = '10ms', longest = '100ms' }}\n\
         breaker = {{ failures = 1000 }}\n{options}\n\
         [[route]]\nchannel = 'websocket.*'\npath = '/'\nconsumer = 'child'\n\
         [[route]]\nchannel = 'http.request'\npath = '/'\nconsumer = 'child'\n",
        script.display()
    )
}

async fn client(service: &Service) -> Client {
    Client::connect(&service.ws("/")).await
}

/// The text with which the program answers.
async fn ask(client: &mut Client, message: &str) -> String {
    client.send_text(message.to_owned()).await;
    client.text().await
}

/// The processes that the service has started.
fn children(service: &Service) -> Vec<i32> {
    let tasks = Path::new("/proc").join(service.pid().to_string()).join("task");
    let mut children = Vec::new();
    for task in fs::read_dir(tasks).unwrap() {
        // The file of a thread that has just ended does not exist.
        let pids = fs::read_to_string(task.unwrap().path().join("children")).unwrap_or_default();
        children.extend(pids.split_whitespace().flat_map(str::parse::<i32>));
    }
    children
}

/// The answer of the admin listener, which listens at `admin.sock`.
fn report(service: &Service, path: &str) -> Value {
    let mut admin = UnixStream::connect(service.folder().join("admin.sock")).unwrap();
    admin.set_read_timeout(Some(PATIENCE)).unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    admin.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    admin.read_to_string(&mut answer).unwrap();
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}

/// Whether the process runs. A process that has ended stays in `/proc` as a zombie until its parent
/// asks for its status. Without the service that is the first process, which may take seconds.
fn is_alive(pid: &str) -> bool {
    let status = fs::read_to_string(Path::new("/proc").join(pid).join("status"));
    status.is_ok_and(|status| !status.contains("\nState:\tZ") && !status.contains("\nState:\tX"))
}

fn wait_until_gone(pid: &str, within: Duration) {
    let began = Instant::now();
    while is_alive(pid) {
        assert!(began.elapsed() < within, "{pid} lives on");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A mistake of a program, the answer to its client, and a line of the log.
const BAD: &[(&str, &str, &str)] = &[
    ("garbage", "after garbage", "a line of a program is ignored"),
    ("half a line", "failed", "it ended within a line"),
    ("long line", "failed", "the line is longer than 1048576 bytes, which `line` allows"),
    ("unknown action", "failed", "there is no action"),
    ("two answers", "1", "the line is for an event that has ended"),
    ("another client", "mine", "the client has left"),
    ("die", "failed", "it ended: exit status: 7"),
    ("die after more", "begun", "a program is over"),
    ("die once", "second try", "a program is over"),
    ("close output", "failed", "it closed its output"),
    ("sleep", "expired", "an event took longer than 5s"),
    ("errors", "said", "a program writes too much to standard error"),
];

#[tokio::test]
async fn whatever_a_program_does_badly_has_an_answer_a_log_line_and_an_end() {
    let service = Service::start(&table("timeout = '5s'"));
    for (bad, seen, logged) in BAD {
        let mut client = client(&service).await;
        let answer = ask(&mut client, bad).await;
        let answer = match serde_json::from_str::<Value>(&answer) {
            Ok(Value::Object(error)) => error["code"].as_str().unwrap().to_owned(),
            _ => answer,
        };
        assert_eq!(answer, *seen, "{bad}");
        if *bad == "die after more" {
            assert_eq!(client.json().await["code"], "failed", "it is not given again");
        }
        // Nothing else is harmed: the connection and the consumer go on.
        assert_eq!(ask(&mut client, "group").await, "True", "{bad}");
        if logged != &"a program writes too much to standard error" {
            service.wait_for_log(logged);
        }
    }
    let memory = service.memory("VmHWM");
    assert!(memory < 300 << 10, "{memory} KiB");
}

#[tokio::test]
async fn a_program_ends_with_all_that_it_has_started() {
    let mut service = Service::start(&table(""));
    let mut first = client(&service).await;
    let grandchild = ask(&mut first, "fork").await;
    assert!(is_alive(&grandchild));
    first.send_text("die").await;
    first.text().await;
    wait_until_gone(&grandchild, PATIENCE);
    let stubborn = ask(&mut first, "ignore the end").await;
    assert!(service.stop().success());
    assert!(!is_alive(&stubborn), "it is killed after its grace");
}

#[tokio::test]
async fn a_service_that_is_killed_leaves_no_program() {
    let service = Service::start(&table("instances = 2"));
    let mut pids = Vec::new();
    for _ in 0..2 {
        let mut client = client(&service).await;
        pids.push(ask(&mut client, "pid").await);
    }
    let stubborn = ask(&mut client(&service).await, "ignore the end").await;
    service.signal(Signal::KILL);
    for pid in pids.iter().chain([&stubborn]) {
        wait_until_gone(pid, Duration::from_secs(2));
    }
}

#[tokio::test]
async fn the_programs_start_anew_when_their_file_changes_and_operators_see_them() {
    let folder = tempfile::tempdir().unwrap();
    let program = |word: &str| {
        format!(
            "import json, sys\nprint('{{\"ready\":true}}', flush=True)\n\
             for line in sys.stdin:\n    print(json.dumps({{'id': json.loads(line)['id'], \
             'actions': [{{'send': {{'text': '{word}'}}}}]}}), flush=True)\n"
        )
    };
    let file = folder.path().join("word.py");
    fs::write(&file, program("old")).unwrap();
    let table = "[server]\nlisten = ['127.0.0.1:0']\n[admin]\nlisten = 'unix:admin.sock'\n\
                 [consumer.word]\nexec = ['python3', 'word.py']\nreload = 'watch'\n\
                 [[route]]\nchannel = 'websocket.receive'\npath = '/'\nconsumer = 'word'\n";
    let service = Service::start_in(folder, table, |_| {});
    let mut client = client(&service).await;
    assert_eq!(ask(&mut client, "a word").await, "old");
    fs::write(&file, program("new word")).unwrap();
    let began = Instant::now();
    while ask(&mut client, "a word").await != "new word" {
        assert!(began.elapsed() < PATIENCE, "the program is the former one");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let status = report(&service, "/v1/consumers")[0].to_string();
    for part in ["\"pid\":", "\"breaker\":\"closed\"", "\"restarts\":0"] {
        assert!(status.contains(part), "{status}");
    }
}

#[tokio::test]
async fn a_connection_stays_with_its_program() {
    let service = Service::start(&table("instances = 4"));
    for _ in 0..8 {
        let mut client = client(&service).await;
        let pid = ask(&mut client, "pid").await;
        for _ in 0..5 {
            assert_eq!(ask(&mut client, "pid").await, pid);
        }
    }
}

#[tokio::test]
async fn programs_grow_under_load_and_are_replaced_after_their_events() {
    let options =
        "instances = { min = 1, max = 3 }\nconcurrency = 1\ntimeout = '20s'\nmax_events = 20";
    let service = Service::start(&table(options));
    let mut pids = std::collections::BTreeSet::new();
    let began = Instant::now();
    while pids.len() < 3 {
        assert!(began.elapsed() < PATIENCE, "{pids:?}");
        let mut client = client(&service).await;
        for _ in 0..10 {
            pids.insert(ask(&mut client, "pid").await);
        }
    }
}

#[tokio::test]
async fn a_program_has_a_clean_environment_and_its_limits() {
    let options = "env = { MODEL = 's' }\nlimits = { memory = '512MiB', open_files = 64 }";
    let service = Service::start_with(&table(options), |command| {
        command.env("SECRET", "1").env("LANG", "C.UTF-8");
    });
    let mut client = client(&service).await;
    let environment = ask(&mut client, "environment").await;
    let names: Vec<_> = environment.split(' ').collect();
    assert!(names.contains(&"MODEL") && names.contains(&"PATH"), "{names:?}");
    assert!(!names.contains(&"SECRET"), "{names:?}");
    let refused = ask(&mut client, "allocate").await;
    assert!(refused.contains("failed"), "{refused}");
    service.wait_for_log("MemoryError");
}

#[tokio::test]
async fn a_program_that_never_starts_keeps_the_service_from_starting() {
    for (exec, why) in [
        ("['./missing']", "there is no program ./missing"),
        ("['false']", "it ended: exit status: 1"),
        ("['sleep', '600']", "it did not write {\"ready\":true} within 500ms"),
    ] {
        let table = format!(
            "[consumer.child]\nexec = {exec}\nstart = '500ms'\ngrace = '100ms'\n\
             [[route]]\nchannel = 'websocket.*'\npath = '/'\nconsumer = 'child'\n"
        );
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("routing.toml"), table).unwrap();
        let listen = ["serve", "--listen", "127.0.0.1:0", "routing.toml"];
        let output = waterway(folder.path(), &listen);
        let log = String::from_utf8_lossy(&output.stderr).replace('\\', "");
        assert!(!output.status.success() && log.contains(why), "{exec}\n{log}");
    }
}

#[tokio::test]
async fn a_program_that_fails_again_and_again_is_given_a_pause() {
    let options = "instances = 1";
    let table =
        table(options).replace("failures = 1000", "failures = 3, first = '1m', longest = '1m'");
    let service = Service::start(&table);
    let mut client = client(&service).await;
    let mut codes = Vec::new();
    for _ in 0..6 {
        let answer: Value = serde_json::from_str(&ask(&mut client, "die").await).unwrap();
        codes.push(answer["code"].as_str().unwrap().to_owned());
        if answer["code"] == "refused" {
            assert!(answer["retry_after_ms"].as_u64().unwrap() > 1000, "{answer}");
            break;
        }
    }
    assert_eq!(codes.last().map(String::as_str), Some("refused"), "{codes:?}");
    let answer = get(&service.url("/"));
    assert_eq!((answer.status, answer.header("retry-after").is_empty()), (503, false));
}

#[tokio::test]
async fn each_of_ten_thousand_events_ends_once_while_programs_die_at_random() {
    const CLIENTS: usize = 50;
    const EVENTS: usize = 200;
    /// How many events kill their program, and the program that is given the event next.
    const DEADLY: usize = 25;
    let service = Service::start(&table("instances = 3\nmax_events = 2000"));
    let url = service.ws("/");
    let clients = (0..CLIENTS).map(|client| {
        let url = url.clone();
        tokio::spawn(async move {
            let mut socket = Client::connect(&url).await;
            let mut failed = 0;
            for event in 0..EVENTS {
                let is_deadly = (client * EVENTS + event) % (CLIENTS * EVENTS / DEADLY) == 7;
                let asked = if is_deadly { "die".to_owned() } else { format!("echo {event}") };
                // An event without an answer, or with two, would show at once.
                let answer = ask(&mut socket, &asked).await;
                let has_failed = answer.contains("\"code\": \"failed\"");
                assert!(has_failed || answer == asked, "{answer:?} to {asked:?}");
                failed += usize::from(has_failed);
            }
            failed
        })
    });
    let mut failed = 0;
    for client in clients.collect::<Vec<_>>() {
        failed += client.await.unwrap();
    }
    // Two programs die of each; the other events of both may have died twice.
    assert!((DEADLY..CLIENTS * EVENTS / 10).contains(&failed), "{failed} events failed");
}

#[tokio::test]
async fn a_program_of_a_connection_that_fails_closes_it_with_1011() {
    for (exit, closed) in [("0", (1000, "")), ("3", (1011, "the consumer failed"))] {
        let service = Service::start(&format!(
            "[consumer.shell]\nexec = ['sh', '-c', 'read -r line; echo $line; exit {exit}']\n\
             mode = 'lines'\n[[route]]\nchannel = 'websocket.*'\npath = '/'\nconsumer = 'shell'\n"
        ));
        let mut client = client(&service).await;
        assert_eq!(ask(&mut client, "hello").await, "hello");
        assert_eq!(client.closed().await, (closed.0, closed.1.to_owned()));
        if exit != "0" {
            assert!(service.wait_for_log("a program failed").contains("exit status: 3"));
        }
    }
}
