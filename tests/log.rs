//! Nothing that happens to the log hurts the service, and no client fills the disk through it.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;

use rustix::fs::{CWD, Mode, mkfifoat};
use rustix::pipe::fcntl_setpipe_size;
use serde_json::{Value, json};
use waterway::auth::{Algorithm, sign};

use crate::util::{Client, Gate, Log, Page, Service, ends, flat, get, picture_table, post};

/// A picture service whose log has a small queue and no limit on its rate.
fn table() -> String {
    picture_table("", "") + LOG
}

const LOG: &str = "[log]\nbuffer = '4KiB'\nrate = 'off'\n";

/// 200 clients connect, and each has its picture answered.
async fn serves_200(service: &Service) {
    let file = flat(8, 8);
    let mut pages = Vec::new();
    for uuid in 0..200 {
        let mut page = Page::open(service).await;
        page.send(json!({"uuid": uuid}), &file).await;
        let answer = page.answer().await;
        assert!(answer["uuid"] == uuid && answer["url"].is_string(), "{answer}");
        pages.push(page);
    }
}

/// A named pipe and its two ends.
fn named_pipe(path: &Path) -> (File, File) {
    mkfifoat(CWD, path, Mode::RUSR | Mode::WUSR).unwrap();
    // Opened for one direction only, each end would wait for the other.
    let both = File::options().read(true).write(true).open(path).unwrap();
    let ends = (File::open(path).unwrap(), File::options().write(true).open(path).unwrap());
    drop(both);
    ends
}

#[tokio::test]
async fn a_log_on_a_full_disk_does_not_disturb_the_service() {
    let full = File::options().write(true).open("/dev/full").unwrap();
    let service = Service::start_logging_to(&table(), full);
    serves_200(&service).await;
    assert_eq!(service.stop_gracefully().code(), Some(0));
}

#[tokio::test]
async fn a_log_whose_reader_leaves_does_not_disturb_the_service_and_counts_lost_records() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let (reader, writer) = named_pipe(&path);
    let service = Service::start_logging_to(&table(), writer);
    let mut first = String::new();
    BufReader::new(reader).read_line(&mut first).unwrap();
    assert!(first.contains("listening"), "{first}");
    serves_200(&service).await;

    let log = Log::keep(File::open(&path).unwrap());
    let reported = log.wait("line with the lost records", lost);
    assert!(reported >= 200, "a line for each client was lost: {reported}");
    assert_eq!(service.stop_gracefully().code(), Some(0));
    assert!(log.wait_for_end());
    assert!(log.text().contains("stopped"), "{}", log.text());
}

#[tokio::test]
async fn a_log_without_a_reader_does_not_disturb_the_service_and_counts_lost_records() {
    for read_late in [true, false] {
        let (reader, writer) = std::io::pipe().unwrap();
        fcntl_setpipe_size(&writer, 4096).unwrap();
        let service = Service::start_logging_to(&table(), Stdio::from(writer));
        serves_200(&service).await;
        if read_late {
            let log = Log::keep(reader);
            let reported = log.wait("line with the lost records", lost);
            assert!(
                reported >= 100,
                "only 4 KiB in the pipe and 4 KiB in the queue are kept: {reported}"
            );
            assert_eq!(service.stop_gracefully().code(), Some(0));
        } else {
            assert_eq!(service.stop_gracefully().code(), Some(0));
            drop(reader);
        }
    }
}

#[tokio::test]
async fn a_client_cannot_fill_the_disk() {
    for form in ["human", "json"] {
        let table = picture_table("", "") + "[log]\nrate = '10/d'\n";
        let mut service = Service::start_with(&table, |command| {
            command.args(["--log", form]);
        });
        for _ in 0..50 {
            let long = "x".repeat(60_000);
            Client::connect(&service.ws(&format!("/ws/{long}"))).await.close(1000).await;
        }
        service.stop();
        let text = service.log();
        let longest = text.lines().map(str::len).max().unwrap();
        assert!((300..700).contains(&longest), "{longest} bytes: {text}");
        let written = |what: &str| text.lines().filter(|line| line.contains(what)).count();
        assert_eq!(written("client connected"), 11, "10 and how many more there were: {text}");
        let reported =
            text.lines().find(|line| line.contains("left out") && line.contains("connected"));
        let reported = reported.unwrap_or_else(|| panic!("the log reports the others: {text}"));
        assert!(
            reported.contains("records=40") || reported.contains("\"records\":40"),
            "{reported}"
        );
    }
}

#[tokio::test]
async fn text_of_clients_cannot_change_the_form_of_the_log() {
    let secret = "a secret of more than 32 bytes, as it has to be";
    let service = Service::start(&format!(
        "[auth.user]\nsecret = '{secret}'\nbind_ip = true\n\
         [[route]]\nchannel = 'websocket.*'\npath = '/echo'\nconsumer = 'echo'\nauth = 'user'\n"
    ));
    // An override of direction, an isolate, a mark and a separator of lines.
    let claims = json!({"ip": "a\u{202e}b\u{2066}c\u{200f}d\u{2028}e"});
    let token = sign(Algorithm::HS256, secret, claims.as_object().unwrap()).unwrap();
    let mut client = Client::connect(&service.ws(&format!("/echo?{token}"))).await;
    assert_eq!(client.json().await["error"], "ip mismatch");
    let line = service.wait_for_log("client refused");
    assert!(line.contains(r"a\u{202e}b\u{2066}c\u{200f}d\u{2028}e"), "{line:?}");
}

#[test]
fn the_warnings_of_a_table_that_is_served_are_records() {
    let route = "[[route]]\nchannel = 'http.request'\nconsumer = 'page'\n";
    let service = Service::start_with(&route.repeat(2), |command| {
        command.args(["--log", "json"]);
    });
    let reported = service.wait_for_log("never reached");
    let reported: Value = serde_json::from_str(&reported).unwrap();
    assert_eq!(
        (&reported["level"], &reported["place"]),
        (&json!("WARN"), &json!("routing.toml:4:1"))
    );
    assert!(reported["help"].as_str().unwrap().contains("routing.toml:1:1"), "{reported}");
}

#[tokio::test]
async fn each_queue_reports_how_many_of_its_tasks_ended_with_errors() {
    let bounds = "max_tasks = { client = 1, total = 1 }";
    let table = picture_table(bounds, "") + "[log]\nsummary = '50ms'\n";
    let mut service = Service::start(&table);
    let mut page = Page::open(&service).await;
    page.send_all(&[(0, 0)]).await;
    page.answer().await;
    let gate = Gate::closed(&service).await;
    page.send_all(&[(1, 10), (2, 20), (3, 30), (1, 10)]).await;
    let answers = page.answers(3).await;
    assert_eq!(ends(&answers), [(2, "refused"), (3, "refused"), (1, "duplicate")]);
    gate.open().await;
    page.answer().await;
    page.send(json!({"uuid": 4}), b"no picture").await;
    page.answer().await;
    service.stop();
    let text = service.log();
    let reports = || text.lines().filter(|line| line.contains("tasks ended with errors"));
    assert!(reports().all(|line| line.contains("WARN") && line.contains("queue=\"images\"")));
    let sum = |name: &str| -> u64 {
        let words = reports().flat_map(|line| line.split(' '));
        let counts = words.filter_map(|word| word.strip_prefix(name)?.strip_prefix('='));
        counts.map(|count| count.parse::<u64>().unwrap()).sum()
    };
    let sums = ["refused", "duplicate", "cancelled", "other", "expired", "failed"].map(sum);
    assert_eq!(sums, [2, 1, 1, 1, 0, 0], "{text}");
}

#[test]
fn a_failed_request_is_logged_once_and_a_storage_error_names_the_file() {
    let service = Service::start(&picture_table("", ""));
    fs::remove_dir(service.media()).unwrap();
    fs::write(service.media(), "no folder any more").unwrap();
    assert_eq!(post(&service.url("/work"), flat(8, 8)).status, 507);
    assert_eq!(get(&service.url("/nothing")).status, 404);
    let line = service.wait_for_log("request failed");
    for part in ["WARN", "method=POST", "path=\"/work\"", "status=507", "the picture could not be"]
    {
        assert!(line.contains(part), "{part}: {line}");
    }
    let task = service.wait_for_log("task failed");
    assert!(task.contains("(storage): media/") && task.contains("irectory"), "{task}");
    assert_eq!(service.log().matches("request failed").count(), 1, "{}", service.log());
}

/// The number of lost records that a line reports.
fn lost(line: &str) -> Option<u64> {
    let (_, counts) = line.split_once("log records were lost ")?;
    let counts = counts.split(' ').filter_map(|count| count.split_once('=')?.1.parse::<u64>().ok());
    Some(counts.sum())
}
