//! Nothing that happens to the log hurts the service, and no client fills the disk through it.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;

use rustix::fs::{CWD, Mode, mkfifoat};
use rustix::pipe::fcntl_setpipe_size;
use serde_json::{Value, json};

use crate::util::{Client, Log, Page, Service, flat, picture_table};

/// A picture service whose log keeps little and leaves nothing out.
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
    // Opened for one direction alone, each end would wait for the other.
    let both = File::options().read(true).write(true).open(path).unwrap();
    let ends = (File::open(path).unwrap(), File::options().write(true).open(path).unwrap());
    drop(both);
    ends
}

#[tokio::test]
async fn a_log_on_a_full_disk_hurts_nobody() {
    let full = File::options().write(true).open("/dev/full").unwrap();
    let service = Service::start_logging_to(&table(), full);
    serves_200(&service).await;
    assert_eq!(service.stop_gracefully().code(), Some(0));
}

#[tokio::test]
async fn a_log_whose_reader_leaves_hurts_nobody_and_tells_the_next_reader_what_was_lost() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let (reader, writer) = named_pipe(&path);
    let service = Service::start_logging_to(&table(), writer);
    let mut first = String::new();
    BufReader::new(reader).read_line(&mut first).unwrap();
    assert!(first.contains("listening"), "{first}");
    serves_200(&service).await;

    let log = Log::keep(File::open(&path).unwrap());
    let told = log.wait("line with the lost records", lost);
    assert!(told >= 200, "a line for each client was lost: {told}");
    assert_eq!(service.stop_gracefully().code(), Some(0));
    assert!(log.wait_for_end());
    assert!(log.text().contains("stopped"), "{}", log.text());
}

#[tokio::test]
async fn a_log_that_nobody_reads_hurts_nobody_and_tells_a_late_reader_what_was_lost() {
    for read_late in [true, false] {
        let (reader, writer) = std::io::pipe().unwrap();
        fcntl_setpipe_size(&writer, 4096).unwrap();
        let service = Service::start_logging_to(&table(), Stdio::from(writer));
        serves_200(&service).await;
        if read_late {
            let log = Log::keep(reader);
            let told = log.wait("line with the lost records", lost);
            assert!(told >= 100, "4 KiB in the pipe and 4 KiB behind it hold no more: {told}");
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
        let told =
            text.lines().find(|line| line.contains("left out") && line.contains("connected"));
        let told = told.unwrap_or_else(|| panic!("the others are told of: {text}"));
        assert!(told.contains("records=40") || told.contains("\"records\":40"), "{told}");
    }
}

#[test]
fn the_warnings_of_a_table_that_is_served_are_records() {
    let route = "[[route]]\nchannel = 'http.request'\nconsumer = 'page'\n";
    let service = Service::start_with(&route.repeat(2), |command| {
        command.args(["--log", "json"]);
    });
    let told = service.wait_for_log("never reached");
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!((&told["level"], &told["place"]), (&json!("WARN"), &json!("routing.toml:4:1")));
    assert!(told["help"].as_str().unwrap().contains("routing.toml:1:1"), "{told}");
}

/// How many records a line says were lost.
fn lost(line: &str) -> Option<u64> {
    let (_, counts) = line.split_once("log records were lost ")?;
    let counts = counts.split(' ').filter_map(|count| count.split_once('=')?.1.parse::<u64>().ok());
    Some(counts.sum())
}
