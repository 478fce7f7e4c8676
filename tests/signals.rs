//! Which signals stop the service, which one reloads its table, and which it ignores.

use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::Instant;

use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat, open};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use serde_json::json;

use crate::util::{
    Gate, Log, PATIENCE, Page, Service, flat, get, photo, picture_table, post, program, through,
};

const ECHO: &str = "[[route]]\nchannel = 'websocket.*'\npath = '/echo'\nconsumer = 'echo'\n\
                    [server]\nlisten = '127.0.0.1:0'\n";

/// A terminal: the window's end, and the end for the programs in it.
fn terminal() -> (OwnedFd, File) {
    let window = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&window).unwrap();
    unlockpt(&window).unwrap();
    let inner = ptsname(&window, Vec::new()).unwrap();
    let inner =
        open(inner, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty()).unwrap();
    (window, inner.into())
}

/// A service that was started from this terminal, or from none.
fn started_from(terminal: Option<&File>) -> Service {
    Service::start_with(&picture_table("", ""), |command| {
        if let Some(terminal) = terminal {
            command.stdin(terminal.try_clone().unwrap());
        }
    })
}

/// A page whose picture the service is working on.
async fn working(service: &Service) -> Page {
    let mut page = Page::open(service).await;
    page.send(json!({"uuid": 1, "rType": "slow", "progress": true}), &flat(400, 400)).await;
    while page.0.json().await["stage"] != "rotate" {}
    page
}

/// Checks that the service ends, and that it answers the picture in work before.
async fn drains(service: Service, mut page: Page) {
    let answer = page.answer().await;
    assert!(answer["url"].is_string(), "the picture was running: {answer}");
    assert_eq!(page.0.closed().await.0, 1012);
    drop(page);
    assert_eq!(service.end().code(), Some(0));
}

#[tokio::test]
async fn a_stopping_signal_lets_running_tasks_finish() {
    for (name, signal) in
        [("SIGTERM", Signal::TERM), ("SIGINT", Signal::INT), ("SIGQUIT", Signal::QUIT)]
    {
        let service = started_from(None);
        let page = working(&service).await;
        service.signal(signal);
        service.wait_for_log(&format!("a signal stops the service signal=\"{name}\""));
        drains(service, page).await;
    }
}

#[tokio::test]
async fn closing_the_terminal_lets_running_tasks_finish() {
    let (window, terminal) = terminal();
    let service = Service::start_with(&picture_table("", ""), |command| {
        through(command, "setsid", &["--ctty"]);
        command.stdin(terminal);
    });
    let page = working(&service).await;
    drop(window);
    service.wait_for_log("a signal stops the service signal=\"SIGHUP\"");
    // The shell in the terminal may send it too.
    service.signal(Signal::HUP);
    service.wait_for_log("signal ignored signal=\"SIGHUP\"");
    drains(service, page).await;
}

#[tokio::test]
async fn a_hangup_reloads_the_table_while_there_is_no_terminal_or_it_is_open() {
    let (_window, terminal) = terminal();
    for from in [None, Some(&terminal)] {
        let service = started_from(from);
        let mut page = working(&service).await;
        service.signal(Signal::HUP);
        let line = service.wait_for_log("table read again: nothing has changed");
        assert!(line.contains("trigger=SIGHUP"), "{line}");
        assert!(page.answer().await["url"].is_string());
        assert_eq!(service.stop_gracefully().code(), Some(0));
    }
}

#[tokio::test]
async fn a_signal_without_a_meaning_is_logged() {
    let (_window, terminal) = terminal();
    for (name, signal, from) in [
        ("SIGUSR1", Signal::USR1, None),
        ("SIGUSR2", Signal::USR2, None),
        ("SIGUSR1", Signal::USR1, Some(&terminal)),
    ] {
        let service = started_from(from);
        let mut page = working(&service).await;
        service.signal(signal);
        service.wait_for_log(&format!("signal ignored signal=\"{name}\""));
        assert!(page.answer().await["url"].is_string(), "{name}");
        assert_eq!(get(&service.url("/none")).status, 404, "{name}");
        assert_eq!(service.stop_gracefully().code(), Some(0), "{name}");
    }
}

#[tokio::test]
async fn a_second_stopping_signal_ends_the_service_at_once() {
    for (first, second) in [(Signal::INT, Signal::TERM), (Signal::TERM, Signal::QUIT)] {
        let service = started_from(None);
        let _gate = Gate::closed(&service).await;
        service.signal(first);
        service.wait_for_log("stopping: no new connections");
        service.signal(second);
        assert_eq!(service.end().code(), Some(130), "{first:?} {second:?}");
    }
}

#[test]
fn signals_count_while_the_table_is_still_being_read() {
    for (signals, table, code, line) in [
        (&[Signal::TERM][..], ECHO, 0, "a signal stops the service signal=\"SIGTERM\""),
        (&[Signal::USR1, Signal::QUIT], ECHO, 0, "signal ignored signal=\"SIGUSR1\""),
        (&[Signal::INT, Signal::TERM], "", 130, "stopped at once"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("routing.toml");
        mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        let mut command = program(folder.path());
        command.arg("routing.toml").stdin(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let log = Log::keep(child.stderr.take().unwrap());
        let mut pipe = being_read(&pipe);
        for signal in signals {
            kill_process(Pid::from_child(&child), *signal).unwrap();
        }
        log.wait(line, |written| written.contains(line).then_some(()));
        if !table.is_empty() {
            pipe.write_all(table.as_bytes()).unwrap();
            drop(pipe);
        }
        assert!(log.wait_for_end(), "{signals:?}: the service did not end");
        assert_eq!(child.wait().unwrap().code(), Some(code), "{signals:?}: {}", log.text());
    }
}

/// A named pipe, as soon as the service has opened it to read it.
fn being_read(pipe: &Path) -> File {
    let begun = Instant::now();
    loop {
        match open(pipe, OFlags::WRONLY | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty()) {
            Err(Errno::NXIO) => {
                assert!(begun.elapsed() < PATIENCE, "{} is not read", pipe.display());
            }
            opened => return opened.unwrap().into(),
        }
        thread::yield_now();
    }
}

#[test]
fn a_file_over_the_size_limit_fails_only_its_own_picture() {
    let service = Service::start_with(&picture_table("", ""), |command| {
        // In blocks of 512 bytes, or of 1,024 bytes where `sh` is bash.
        through(command, "sh", &["-c", "ulimit -f 8; exec \"$0\" \"$@\""]);
    });
    let large = photo(800, 600);
    assert!(large.len() > 8192, "{}", large.len());
    let answer = post(&service.url("/work?uuid=1"), large);
    assert_eq!((answer.status, &answer.json()["code"]), (507, &json!("storage")));
    assert_eq!(post(&service.url("/work?uuid=2"), flat(8, 8)).status, 200);
    assert_eq!(service.stop_gracefully().code(), Some(0));
}
