//! Pictures that are too large for the server travel through a store that the processes share.

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use image::codecs::png::PngEncoder;
use image::{Rgb, RgbImage};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use rustix::process::Signal;
use serde_json::json;

use super::{KINDS, LEASE, Worker, node_of};
use crate::util::{
    Log, Page, Redis, RedisKind, Service, ends, flat, picture_table, program, waterway,
};

/// The store of most tests, in the folder of the service.
const FOLDER: &str = "store = { folder = 'transit' }";

/// A process that holds sockets, with this store and these keys of its queue.
fn node(redis: &Redis, store: &str, queue: &str) -> Service {
    let (url, lease) = (redis.url(), LEASE.as_secs());
    let layer = format!("[layer]\nbackend = 'redis'\nurl = '{url}'\nlease = '{lease}s'\n{store}\n");
    node_of(&(layer + &picture_table(queue, "")))
}

/// A picture that cannot be compressed, of about 120 kB: above the default of `inline`.
fn large() -> Vec<u8> {
    let mut state = 1_u32;
    let picture = RgbImage::from_fn(200, 200, |_, _| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let [one, two, three, _] = state.to_be_bytes();
        Rgb([one, two, three])
    });
    let mut file = Vec::new();
    picture.write_with_encoder(PngEncoder::new(&mut file)).unwrap();
    assert!(file.len() > 100_000);
    file
}

/// The files in the store.
fn stored(node: &Service) -> Vec<PathBuf> {
    let names = node.names_within("transit").into_iter();
    names.map(|name| node.folder().join("transit").join(name)).collect()
}

/// The memory of the largest value in the server, in bytes.
fn largest_value(redis: &Redis) -> u64 {
    let script = "local most = 0 for _, key in ipairs(redis.call('keys', '*')) do most = \
                  math.max(most, redis.call('memory', 'usage', key)) end return most";
    let answer = redis.ask(&format!("EVAL \"{script}\" 0"));
    answer.strip_prefix(':').unwrap_or_else(|| panic!("{answer}")).parse().unwrap()
}

#[tokio::test]
async fn a_large_picture_is_in_the_folder_until_it_is_answered_and_not_in_the_server() {
    for kind in KINDS {
        let redis = Redis::start(kind);
        let node = node(&redis, FOLDER, "");
        let mut page = Page::open(&node).await;
        let file = large();
        page.send(json!({"uuid": 1, "offset_top": 0}), &file).await;
        page.send(json!({"uuid": 2, "offset_top": 1}), &flat(8, 8)).await;
        page.settle().await;
        let [path] = &stored(&node)[..] else { panic!("{:?}", stored(&node)) };
        assert!(fs::metadata(path).unwrap().len() > file.len() as u64, "with its header");
        assert!(largest_value(&redis) < 16 << 10, "{kind:?}: {}", largest_value(&redis));
        let _worker = Worker::start(&node);
        assert_eq!(ends(&page.answers(2).await), [(1, "done"), (2, "done")], "{kind:?}");
        node.wait_until(|| stored(&node).is_empty());
    }
}

#[tokio::test]
async fn without_a_store_a_large_picture_is_in_the_server() {
    let redis = Redis::start(RedisKind::Redis);
    let node = node(&redis, "", "");
    let mut page = Page::open(&node).await;
    page.send(json!({"uuid": 1}), &large()).await;
    page.settle().await;
    assert!(largest_value(&redis) > 100_000);
}

#[tokio::test]
async fn a_large_picture_outlasts_a_server_that_comes_back_empty() {
    let mut redis = Redis::start(RedisKind::Redis);
    let node = node(&redis, FOLDER, "");
    let mut page = Page::open(&node).await;
    page.send(json!({"uuid": 1}), &large()).await;
    page.settle().await;
    redis.kill();
    page.send(json!({"uuid": 2}), &large()).await;
    assert_eq!(ends(&[page.answer().await]), [(2, "refused")]);
    node.wait_until(|| stored(&node).len() == 1);
    redis.restart();
    let _worker = Worker::start(&node);
    assert_eq!(ends(&[page.answer().await]), [(1, "done")]);
    node.wait_until(|| stored(&node).is_empty());
}

#[tokio::test]
async fn a_large_picture_that_is_not_wanted_any_more_leaves_the_folder() {
    let redis = Redis::start(RedisKind::Redis);
    let node = node(&redis, FOLDER, "");
    for cancels in [true, false] {
        let mut page = Page::open(&node).await;
        page.send(json!({"uuid": 1}), &large()).await;
        page.settle().await;
        assert_eq!(stored(&node).len(), 1);
        if cancels {
            page.say(json!({"type": "cancel", "uuid": 1})).await;
            assert_eq!(ends(&[page.answer().await]), [(1, "cancelled")]);
        } else {
            page.0.close(1000).await;
        }
        node.wait_until(|| stored(&node).is_empty());
    }
}

#[tokio::test]
async fn a_process_that_stops_leaves_no_picture_in_the_folder() {
    let redis = Redis::start(RedisKind::Redis);
    let mut node = node(&redis, &format!("{FOLDER}\n[server]\ndrain = '100ms'"), "");
    let mut page = Page::open(&node).await;
    page.send(json!({"uuid": 1}), &large()).await;
    page.settle().await;
    assert_eq!(stored(&node).len(), 1);
    node.stop();
    assert_eq!(ends(&[page.answer().await]), [(1, "refused")]);
    assert!(stored(&node).is_empty(), "{:?}", stored(&node));
}

#[tokio::test]
async fn a_folder_that_hangs_holds_no_worker_whose_task_is_cancelled_or_which_stops() {
    for stops in [false, true] {
        let redis = Redis::start(RedisKind::Redis);
        let node = node(&redis, FOLDER, "");
        let mut page = Page::open(&node).await;
        page.send(json!({"uuid": 1}), &large()).await;
        page.settle().await;
        // A worker that opens it to read waits for a writer.
        let [path] = &stored(&node)[..] else { panic!("{:?}", stored(&node)) };
        fs::remove_file(path).unwrap();
        let mode = Mode::RUSR | Mode::WUSR;
        mknodat(CWD, path, FileType::Fifo, mode, 0).unwrap();
        let mut worker = Worker::start(&node);
        let leases = || redis.ask("ZCARD asgi:waterway:1:{images}:lease");
        node.wait_until(|| leases() == ":1");
        if stops {
            worker.signal(Signal::TERM);
            assert!(worker.log.wait_for_end());
            assert_eq!(leases(), ":0", "the task is given back, and not only when its lease ends");
            worker = Worker::start(&node);
            node.wait_until(|| leases() == ":1");
        }
        page.say(json!({"type": "cancel", "uuid": 1})).await;
        assert_eq!(ends(&[page.answer().await]), [(1, "cancelled")]);
        page.send(json!({"uuid": 2}), &flat(8, 8)).await;
        assert_eq!(ends(&[page.answer().await]), [(2, "done")], "the one worker is free");
        drop(worker);
    }
}

#[tokio::test]
async fn another_process_removes_the_picture_of_one_that_was_killed_once_its_time_is_over() {
    const DEADLINE: Duration = Duration::from_secs(5);
    let redis = Redis::start(RedisKind::Redis);
    let node = node(&redis, FOLDER, "deadline = '5s'");
    let mut page = Page::open(&node).await;
    // Files of others stay, whatever their names and times.
    let foreign = node.folder().join("transit/0000000000000001-notes.txt");
    fs::write(&foreign, "").unwrap();
    let since = Instant::now();
    page.send(json!({"uuid": 1}), &large()).await;
    page.settle().await;
    node.signal(Signal::KILL);
    assert_eq!(stored(&node).len(), 2);
    let worker = Worker::start(&node);
    node.wait_until(|| stored(&node) == [foreign.clone()]);
    assert!(since.elapsed() >= DEADLINE + LEASE, "{:?}", since.elapsed());
    worker.log.wait("a line about the orphan", |text| text.contains("removed=1").then_some(()));
}

#[tokio::test]
async fn a_picture_that_is_missing_in_the_folder_or_cut_off_fails() {
    let redis = Redis::start(RedisKind::Redis);
    let node = node(&redis, FOLDER, "");
    let mut page = Page::open(&node).await;
    for uuid in [1, 2] {
        page.send(json!({"uuid": uuid}), &large()).await;
    }
    page.settle().await;
    let [missing, cut] = &stored(&node)[..] else { panic!("{:?}", stored(&node)) };
    fs::remove_file(missing).unwrap();
    fs::write(cut, "cut off").unwrap();
    let worker = Worker::start(&node);
    let mut answers = page.answers(2).await;
    answers.sort_by_key(|answer| answer["uuid"].as_u64());
    assert_eq!(ends(&answers), [(1, "failed"), (2, "failed")]);
    for path in [missing, cut] {
        let name = path.file_name().unwrap().to_str().unwrap();
        let folder = node.folder().join("transit");
        let line = worker.log.wait("a line with the name", |text| {
            text.lines().find(|line| line.contains(name)).map(str::to_owned)
        });
        assert!(line.contains(folder.to_str().unwrap()), "{line}");
        assert!(!answers.iter().any(|answer| answer.to_string().contains("transit")));
    }
    page.send(json!({"uuid": 3}), &large()).await;
    assert_eq!(ends(&[page.answer().await]), [(3, "done")], "the worker goes on");
    node.wait_until(|| stored(&node).is_empty());
}

#[tokio::test]
async fn what_the_folder_cannot_take_is_refused_and_the_log_and_check_say_why() {
    let redis = Redis::start(RedisKind::Redis);
    let node = node(&redis, FOLDER, "");
    let folder = node.folder().join("transit");
    let mut page = Page::open(&node).await;
    // Permissions do not keep the tests' user out everywhere; a file in the folder's place does.
    fs::remove_dir(&folder).unwrap();
    fs::write(&folder, "").unwrap();
    page.send(json!({"uuid": 1}), &large()).await;
    let answer = page.answer().await;
    assert_eq!(ends(std::slice::from_ref(&answer)), [(1, "storage")]);
    assert!(answer["retry_after_ms"].as_u64().is_some(), "{answer}");
    assert!(!answer.to_string().contains("transit"), "{answer}");
    let line = node.wait_for_log("could not be stored");
    assert!(line.contains(folder.to_str().unwrap()), "{line}");
    page.send(json!({"uuid": 2}), &flat(8, 8)).await;
    page.settle().await;

    let checked = waterway(node.folder(), &["check", "routing.toml"]);
    let report = String::from_utf8(checked.stderr).unwrap();
    assert!(report.contains("transit cannot be written: not a directory"), "{report}");
    let listed = String::from_utf8(checked.stdout).unwrap();
    assert!(listed.contains("transit: layer.store"), "{listed}");

    let tried = waterway(node.folder(), &["check", "--start", "routing.toml"]);
    let report = String::from_utf8(tried.stderr).unwrap();
    assert!(report.contains("nothing can be stored in") && !tried.status.success(), "{report}");

    let mut command = program(node.folder());
    command.args(["work", "routing.toml"]).stdin(Stdio::null()).stdout(Stdio::null());
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let log = Log::keep(child.stderr.take().unwrap());
    let has_ended = log.wait_for_end();
    let _ = child.kill();
    assert!(has_ended && !child.wait().unwrap().success(), "it does not start");
    assert!(log.text().contains("cannot be used"), "{}", log.text());
}

#[tokio::test]
async fn contents_in_the_folder_count_in_the_bounds_of_the_queue() {
    let redis = Redis::start(RedisKind::Redis);
    let bounds = "max_bytes = { client = '200KiB', total = '1MiB' }";
    let node = node(&redis, FOLDER, bounds);
    let mut page = Page::open(&node).await;
    page.send(json!({"uuid": 1, "offset_top": 0}), &large()).await;
    page.send(json!({"uuid": 2, "offset_top": 1}), &large()).await;
    assert_eq!(ends(&[page.answer().await]), [(2, "refused")]);
    let too_big = [large(), vec![0; 200 << 10]].concat();
    page.send(json!({"uuid": 3}), &too_big).await;
    assert_eq!(ends(&[page.answer().await]), [(3, "too_big")]);
    node.wait_until(|| stored(&node).len() == 1);
}

#[cfg(feature = "s3")]
#[tokio::test]
async fn a_bucket_is_a_store_too() {
    let bucket = crate::util::Bucket::start();
    let redis = Redis::start(RedisKind::Redis);
    let node = node(&redis, &format!("inline = '0B'\n{}", bucket.store()), "deadline = '10s'");
    let tried = waterway(node.folder(), &["check", "--start", "routing.toml"]);
    assert!(tried.status.success(), "{}", String::from_utf8_lossy(&tried.stderr));
    let worker = Worker::start(&node);
    let mut page = Page::open(&node).await;
    page.send(json!({"uuid": 1}), &flat(8, 8)).await;
    assert_eq!(ends(&[page.answer().await]), [(1, "done")]);
    bucket.wait_until_empty().await;
    drop(worker);

    page.send(json!({"uuid": 2}), &flat(8, 8)).await;
    page.settle().await;
    assert_eq!(bucket.names().len(), 1);
    assert!(largest_value(&redis) < 16 << 10);
    node.signal(Signal::KILL);
    let _worker = Worker::start(&node);
    bucket.wait_until_empty().await;
}

#[test]
fn check_refuses_a_store_that_makes_no_sense() {
    let folder = tempfile::tempdir().unwrap();
    for (keys, report) in [
        ("store = 'transit'", "5:9: this is no store"),
        ("store = {}", "5:9: the store has no place"),
        ("store = { folder = 'a', s3 = {} }", "5:9: a store is in one place"),
        ("store = { foldr = 'a' }", "did you mean \"folder\"?"),
        ("store = { folder = 5 }", "5:20: expected"),
        ("inline = '1KiB'", "without a store, all contents travel through the server"),
        ("store = { s3 = { region = 'x' } }", "missing key \"bucket\""),
        #[cfg(feature = "s3")]
        (
            "store = { s3 = { bucket = 'abc', region = 'x' } }",
            "the contents of tasks need a prefix of their own in the bucket",
        ),
        #[cfg(not(feature = "s3"))]
        ("store = { s3 = { bucket = 'abc', region = 'x', prefix = 'a/' } }", "--features s3"),
    ] {
        let table = format!("\n[layer]\nbackend = 'redis'\nurl = 'redis://h'\n{keys}\n");
        fs::write(folder.path().join("routing.toml"), table).unwrap();
        let checked = waterway(folder.path(), &["check", "routing.toml"]);
        let text = String::from_utf8(checked.stderr).unwrap();
        assert!(!checked.status.success() && text.contains(report), "{keys}: {text}");
        assert!(text.contains("1 mistake"), "{keys}: {text}");
    }
}
