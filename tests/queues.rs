//! `waterway queues` and `GET /v1/queues`: the numbers of queues in memory and in Redis, and what
//! operators do with dead letters.

use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::util::{
    Gate, PATIENCE, Page, Redis, RedisKind, Service, Worker, flat, get, picture_table, waterway,
};

/// A table whose tasks may lose two leases of a second.
fn table(redis: &Redis) -> String {
    let layer = format!("[layer]\nbackend = 'redis'\nurl = '{}'\nlease = '1s'\n", redis.url());
    layer + &picture_table("attempts = 2", "")
}

/// A process that holds sockets, without workers.
fn node(table: &str) -> Service {
    Service::start_with(table, |command| {
        command.args(["--workers", "none"]);
    })
}

/// The output of `waterway queues` with these arguments, its errors, and its exit code.
fn queues(folder: &Path, arguments: &[&str]) -> (String, String, Option<i32>) {
    let output = waterway(folder, &[&["queues"], arguments].concat());
    let [printed, told] =
        [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    (printed, told, output.status.code())
}

fn printed(folder: &Path, arguments: &[&str]) -> String {
    let (printed, told, code) = queues(folder, arguments);
    assert_eq!(code, Some(0), "{arguments:?}: {told}");
    printed
}

/// The numbers of the only queue.
fn numbers(folder: &Path) -> Value {
    let mut reports: Value = serde_json::from_str(&printed(folder, &["--json"])).unwrap();
    assert_eq!(reports.as_array().unwrap().len(), 1);
    reports[0].take()
}

fn dead(folder: &Path) -> Vec<Value> {
    serde_json::from_str(&printed(folder, &["dead", "images", "--json"])).unwrap()
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// How many bytes the server has of the only dead letter.
fn letter_size(folder: &Path, redis: &Redis) -> usize {
    let id = dead(folder)[0]["id"].as_str().unwrap().to_owned();
    let size = redis.ask(&format!("STRLEN asgi:waterway:1:{{images}}:letter:{id}"));
    size.strip_prefix(':').unwrap().parse().unwrap()
}

/// Kills workers until the page's picture of this uuid is a dead letter.
async fn give_up(node: &Service, page: &mut Page, uuid: u32) {
    let header = json!({"uuid": uuid, "rType": "slow", "progress": true});
    page.send(header, &flat(900, 900)).await;
    for _ in 0..2 {
        let mut worker = Worker::start(node);
        // The first stage of each attempt.
        while page.0.json().await["stage"] != "decode" {}
        worker.kill();
    }
    let answer = page.answer().await;
    assert_eq!((&answer["uuid"], &answer["code"]), (&json!(uuid), &json!("failed")));
}

#[tokio::test]
async fn the_numbers_of_a_queue_in_redis_need_no_process() {
    for kind in [RedisKind::Redis, RedisKind::Valkey] {
        let redis = Redis::start(kind);
        let node = node(&table(&redis));
        let mut page = Page::open(&node).await;
        page.send_all(&[(1, 0), (2, 0), (3, 0)]).await;
        page.settle().await;
        let folder = node.folder().to_owned();
        let queue = numbers(&folder);
        let own = ["name", "consumer", "engine"].map(|key| queue[key].as_str().unwrap());
        assert_eq!(own, ["images", "pictures", "redis"]);
        for (key, number) in
            [("queued", 3), ("running", 0), ("clients", 1), ("reclaimed", 0), ("dead_letters", 0)]
        {
            assert_eq!(queue[key], json!(number), "{key}: {queue}");
        }
        assert!(queue["bytes"].as_u64().unwrap() > 1500, "{queue}");
        assert!(queue["oldest_ms"].as_u64().unwrap() < 30_000, "{queue}");
        let shown = printed(&folder, &[]);
        let cells: Vec<&str> = shown.lines().nth(1).unwrap().split_whitespace().collect();
        assert_eq!(cells[..6], ["images", "pictures", "redis", "3", "0", "1"], "{shown}");
        assert_eq!(shown.lines().count(), 2, "{shown}");
        node.signal(Signal::KILL);
        assert_eq!(numbers(&folder)["queued"], 3, "no process of the table runs");
    }
}

#[tokio::test]
async fn dead_letters_are_listed_requeued_and_dropped() {
    let redis = Redis::start(RedisKind::Redis);
    let node = node(&table(&redis));
    let folder = node.folder();
    assert_eq!(printed(folder, &["dead", "images"]), "the queue \"images\" has no dead letters\n");
    assert_eq!(printed(folder, &["dead", "images", "--json"]), "[]\n");
    assert_eq!(
        printed(folder, &["drop", "images", "--all"]),
        "dropped 0 dead letters of \"images\"\n"
    );
    let mut page = Page::open(&node).await;
    for uuid in [7, 8] {
        give_up(&node, &mut page, uuid).await;
    }
    let queue = numbers(folder);
    let seen = ["queued", "running", "reclaimed", "dead_letters"].map(|key| queue[key].as_u64());
    assert_eq!(seen, [0, 0, 2, 2].map(Some), "{queue}");
    assert!(queue["oldest_ms"].is_null(), "{queue}");

    let letters = dead(folder);
    let [first, second] = &letters[..] else { panic!("{letters:?}") };
    assert_eq!((&first["uuid"], &second["uuid"]), (&json!("7"), &json!("8")));
    assert_eq!(first["attempts"], 2);
    assert!(first["client"].as_str().unwrap().starts_with("waterway."), "{first}");
    assert!(first["dead_ms"].as_u64() >= second["dead_ms"].as_u64(), "{letters:?}");
    let (id, other) = (first["id"].as_str().unwrap(), second["id"].as_str().unwrap());
    assert!(printed(folder, &["dead", "images"]).lines().nth(1).unwrap().starts_with(id));

    // One is known, and one is not.
    let (done, told, code) = queues(folder, &["drop", "images", "--id", other, "--id", "x"]);
    assert_eq!((&*done, code), ("dropped 1 dead letter of \"images\"\n", Some(1)));
    assert!(told.contains("no dead letter \"x\"\nwaterway queues dead images lists"), "{told}");
    let requeued = printed(folder, &["requeue", "images", "--id", id]);
    assert_eq!(requeued, "requeued 1 dead letter of \"images\"\n");
    assert_eq!(numbers(folder)["queued"], 1);
    assert_eq!(dead(folder), [] as [Value; 0]);
    assert!(!node.media_names().iter().any(|name| name.contains("rb_")), "no result yet");

    let _worker = Worker::start(&node);
    wait_until("the picture is done", || {
        node.media_names().iter().any(|name| name.contains("rb_"))
            && numbers(folder)["running"] == 0
    });
    // Its client has had its one answer.
    page.settle().await;
    assert_eq!(numbers(folder)["queued"], 0);
}

/// Large contents are in the server, or in a store, from which they are removed with the answer.
#[tokio::test]
async fn a_dead_letter_outlives_the_process_of_its_client() {
    for store in ["", "inline = '0B'\nstore = { folder = 'transit' }\n"] {
        outlive(store).await;
    }
}

async fn outlive(store: &str) {
    let redis = Redis::start(RedisKind::Valkey);
    let node = node(&table(&redis).replace("lease =", &format!("{store}lease =")));
    let mut page = Page::open(&node).await;
    give_up(&node, &mut page, 1).await;
    if !store.is_empty() {
        wait_until("the content is in the server alone", || {
            let size = letter_size(node.folder(), &redis);
            node.names_within("transit").is_empty() && size > flat(900, 900).len()
        });
    }
    node.signal(Signal::KILL);
    let results = || node.media_names().iter().filter(|name| name.contains("rb_")).count();
    assert_eq!(results(), 0);
    // The worker's process forgets the other one.
    let mut worker = Worker::start(&node);
    let nodes = "ZCARD asgi:waterway:1:{images}:nodes";
    wait_until("the process is forgotten", || redis.ask(nodes) == ":1");
    assert_eq!(
        printed(node.folder(), &["requeue", "images", "--all"]),
        "requeued 1 dead letter of \"images\"\n"
    );
    wait_until("the picture is done", || results() == 1);
    worker.kill();
}

#[tokio::test]
async fn the_admin_listener_shows_the_numbers_of_both_engines() {
    let server = "[server]\nlisten = '127.0.0.1:0'\n";
    let admin = "[admin]\nlisten = 'unix:admin.sock'\ntoken = '0123456789abcdef'\n";
    let service = Service::start(&(picture_table("", "") + server + admin));
    let _gate = Gate::closed(&service).await;
    let mut page = Page::open(&service).await;
    page.send_all(&[(1, 0), (2, 0)]).await;
    page.settle().await;
    // For a queue in memory the command asks the process.
    let queue = numbers(service.folder());
    let seen = ["queued", "running", "clients", "workers"].map(|key| queue[key].as_u64());
    assert_eq!(seen, [2, 1, 2, 1].map(Some), "{queue}");
    assert_eq!(queue["engine"], "memory");
    assert!(queue["bytes"].as_u64().unwrap() > 1500 && queue["dead_letters"].is_null(), "{queue}");
    let shown = printed(service.folder(), &[]);
    let cells: Vec<&str> = shown.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(cells[..7], ["images", "pictures", "memory", "2", "1", "2", "-"], "{shown}");

    let mut redis = Redis::start(RedisKind::Redis);
    let node = node(&(table(&redis) + server + "[admin]\nlisten = '127.0.0.1:0'\n"));
    let line = node.wait_for_log("the admin listener answers");
    let address = line.split("http://").nth(1).unwrap().split(['"', ' ']).next().unwrap();
    let mut page = Page::open(&node).await;
    page.send_all(&[(1, 0), (2, 0)]).await;
    page.settle().await;
    let report = || get(&format!("http://{address}/v1/queues")).json()[0].take();
    let queue = report();
    let same = ["name", "consumer", "engine", "connected", "queued", "running", "clients", "bytes"];
    let of_command = numbers(node.folder());
    for key in same {
        assert_eq!(queue[key], of_command[key], "{key}");
    }
    assert_eq!((&queue["connected"], &queue["queued"]), (&json!(true), &json!(2)));
    redis.kill();
    let away = report();
    assert_eq!((&away["connected"], &away["queued"]), (&json!(false), &json!(2)));
    assert!(away["clients"].is_null(), "{away}");
}

#[test]
fn a_wrong_command_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let mut redis = Redis::start(RedisKind::Redis);
    let url = redis.url();
    redis.kill();
    let queue = "[queue.images]\nconsumer = 'image.work'\n";
    write("memory.toml", queue);
    write("admin.toml", &format!("{queue}[admin]\nlisten = 'unix:none.sock'\n"));
    write("away.toml", &format!("[layer]\nbackend = 'redis'\nurl = '{url}'\n{queue}"));
    write("broken.toml", &format!("[layer]\nbackend = 'reddis'\n{queue}"));
    write("empty.toml", "");
    let away = format!("the queues of away.toml are in {url}: Redis is away: ");
    for (arguments, code, said) in [
        (
            &["memory.toml"][..],
            1,
            "the queues of memory.toml are in the memory of the process that serves it\nwrite \
             [admin], and this command asks that process (GET /v1/queues)",
        ),
        (&["admin.toml"], 1, "none answers at unix:none.sock, where its [admin] listens: "),
        (&["admin.toml"], 1, "\nstart it: waterway serve admin.toml"),
        (&["away.toml"], 1, &away),
        (&["away.toml"], 1, "\nstart it, or change [layer] url in away.toml"),
        (&["dead", "images", "away.toml"], 1, &away),
        (
            &["dead", "imagse", "away.toml"],
            1,
            "no queue \"imagse\" in away.toml\ndid you mean \"im",
        ),
        (
            &["dead", "images", "empty.toml"],
            1,
            "no queue \"images\" in empty.toml\nit has no queues",
        ),
        (
            &["drop", "images", "memory.toml", "--all"],
            1,
            "and has no dead letters: it ends with its workers\nqueues in Redis have some: [layer]",
        ),
        (&["broken.toml"], 1, "did you mean \"redis\"?\n1 mistake"),
        (&["none.toml"], 1, "there is no file none.toml"),
        (&["empty.toml"], 0, "empty.toml has no queues"),
        (&["empty.toml", "--json"], 0, "[]"),
        (&["requeue", "images", "away.toml"], 2, "--id <ID>"),
        (&["requeue", "images", "--all", "--id", "1"], 2, "cannot be used with"),
        (&["dead"], 2, "<QUEUE>"),
    ] {
        let (printed, told, exit) = queues(folder.path(), arguments);
        assert_eq!(exit, Some(code), "{arguments:?}: {printed}{told}");
        assert!(format!("{printed}{told}").contains(said), "{arguments:?}: {printed}{told}");
    }
}
