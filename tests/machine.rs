//! The limit on open files, and a shortage of descriptors.

use std::fs;

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};
use serde_json::json;

use crate::util::{Client, Page, Service, ends, flat, picture_table, through};

const ECHO: &str = "[[route]]\nchannel = 'websocket.*'\npath = '/echo'\nconsumer = 'echo'\n";

/// Part of the warning that there are fewer descriptors than connections.
const NO_ROOM: &str = "the hard limit on open files is too low";

/// A service with these soft and hard limits on open files.
fn with_open_files(soft: u64, hard: u64, table: &str) -> Service {
    let script = format!("ulimit -Sn {soft} && ulimit -Hn {hard} && exec \"$0\" \"$@\"");
    Service::start_with(table, |command| through(command, "sh", &["-c", &script]))
}

/// The soft limit on open files of a service.
fn open_files(service: &Service) -> u64 {
    let limits = fs::read_to_string(format!("/proc/{}/limits", service.pid())).unwrap();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn the_limit_on_open_files_is_raised_to_what_the_connections_need() {
    for (soft, hard, connections, raised, room) in [
        (300, 600, 50, 300, None),
        (300, 600, 100, 328, None),
        (300, 600, 236, 600, None),
        (300, 600, 400, 600, None),
        (300, 600, 1000, 600, Some("open_files=600 room=472")),
        (600, 600, 1000, 600, Some("open_files=600 room=472")),
    ] {
        let table = format!("{ECHO}[server]\nconnections = {connections}\n");
        let service = with_open_files(soft, hard, &table);
        let mut client = Client::connect(&service.ws("/echo")).await;
        assert_eq!(client.text().await, "connected!");
        assert_eq!(open_files(&service), raised, "{soft} {hard} {connections}");
        let log = service.log();
        let reported: Vec<&str> = log.lines().filter(|line| line.contains(NO_ROOM)).collect();
        match room {
            None => assert!(reported.is_empty(), "{reported:?}"),
            Some(room) => {
                assert!(reported.len() == 1 && reported[0].contains(room), "{reported:?}");
            }
        }
    }
}

#[tokio::test]
async fn connections_leave_descriptors_for_the_pictures() {
    // Connections may use half of the 64 descriptors.
    let service = with_open_files(64, 64, &(picture_table("", "") + ECHO));
    let mut page = Page::open(&service).await;
    let mut others = Vec::new();
    for _ in 1..32 {
        others.push(Client::connect(&service.ws("/echo")).await);
    }
    let url = service.ws("/echo");
    let late = tokio::spawn(async move { Client::connect(&url).await.text().await });
    for uuid in 0..20 {
        page.send(json!({"uuid": uuid}), &flat(8, 8)).await;
        assert_eq!(ends(&[page.answer().await]), [(uuid, "done")]);
    }
    assert!(!late.is_finished(), "there is room for 32");
    assert!(!service.log().contains("cannot be accepted"), "{}", service.log());
    drop(others.pop());
    assert_eq!(late.await.unwrap(), "connected!");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shortage_of_descriptors_is_logged_when_it_begins_and_when_it_ends() {
    const BEGINS: &str = "connections cannot be accepted";
    const OVER: &str = "connections are accepted again";
    let service = Service::start(ECHO);
    let mut first = Client::connect(&service.ws("/echo")).await;
    assert_eq!(first.text().await, "connected!");
    let process = Pid::from_raw(service.pid().try_into().unwrap());
    let usual = prlimit(process, Resource::Nofile, getrlimit(Resource::Nofile)).unwrap();
    prlimit(process, Resource::Nofile, Rlimit { current: Some(3), ..usual }).unwrap();
    let url = service.ws("/echo");
    let second = tokio::spawn(async move { Client::connect(&url).await.text().await });
    service.wait_for_log(BEGINS);
    // The service tries to accept some hundred times, and the first client does not notice.
    let begun = std::time::Instant::now();
    while begun.elapsed().as_millis() < 1000 {
        first.send_text("hello").await;
        assert_eq!(first.text().await, "hello");
    }
    assert!(!second.is_finished());
    prlimit(process, Resource::Nofile, usual).unwrap();
    assert_eq!(second.await.unwrap(), "connected!");
    service.wait_for_log(OVER);
    for line in [BEGINS, OVER] {
        assert_eq!(service.log().matches(line).count(), 1, "{}", service.log());
    }
}
