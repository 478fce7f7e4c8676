//! Many processes over a Redis or a Valkey server: one holds the sockets, others do the tasks.

mod faults;
mod transit;

use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::util::{
    Gate, Page, Redis, RedisKind, Service, Worker, ends, flat, picture_table, worked_order,
};

const KINDS: [RedisKind; 2] = [RedisKind::Redis, RedisKind::Valkey];

/// The lease of these tests.
const LEASE: Duration = Duration::from_secs(2);

fn table(redis: &Redis) -> String {
    let (url, lease) = (redis.url(), LEASE.as_secs());
    let layer = format!("[layer]\nbackend = 'redis'\nurl = '{url}'\nlease = '{lease}s'\n");
    layer + &picture_table("", "")
}

/// A process that holds sockets, without workers.
fn node(redis: &Redis) -> Service {
    node_of(&table(redis))
}

fn node_of(table: &str) -> Service {
    Service::start_with(table, |command| {
        command.args(["--workers", "none"]);
    })
}

/// The uuids of pictures, each with its offset.
fn pictures(count: u32) -> Vec<(u32, i64)> {
    (0..count).map(|uuid| (uuid, i64::from(count - uuid))).collect()
}

fn done(count: u32) -> Vec<(u64, &'static str)> {
    (0..count).map(|uuid| (uuid.into(), "done")).collect()
}

#[tokio::test]
async fn workers_of_other_processes_do_each_picture_once() {
    for kind in KINDS {
        let redis = Redis::start(kind);
        let node = node(&redis);
        let _workers = [Worker::start(&node), Worker::start(&node)];
        let mut page = Page::open(&node).await;
        page.send_all(&pictures(40)).await;
        let mut answers = page.answers(40).await;
        page.settle().await;
        answers.sort_by_key(|answer| answer["uuid"].as_u64());
        assert_eq!(ends(&answers), done(40), "{kind:?}");
        assert_eq!(node.media_names().len(), 80, "an original and a result each, {kind:?}");
    }
}

#[tokio::test]
async fn pictures_are_done_in_the_order_of_the_page() {
    let redis = Redis::start(RedisKind::Redis);
    let node = node(&redis);
    let mut page = Page::open(&node).await;
    page.send_all(&pictures(10)).await;
    page.settle().await;
    let _worker = Worker::start(&node);
    let answers = page.answers(10).await;
    let order: Vec<_> = worked_order(&answers).into_iter().map(Value::as_u64).collect();
    assert_eq!(order, (0..10).rev().map(Some).collect::<Vec<_>>());
}

#[tokio::test]
async fn progress_and_a_cancel_reach_the_other_process() {
    for kind in KINDS {
        let redis = Redis::start(kind);
        let node = node(&redis);
        let _worker = Worker::start(&node);
        let gate = Gate::closed(&node).await;
        let mut page = Page::open(&node).await;
        page.send_all(&pictures(3)).await;
        page.settle().await;
        gate.open().await;
        // The gate's picture takes longer than any wait of this test.
        assert_eq!(page.answers(3).await.len(), 3, "{kind:?}");
    }
}

#[tokio::test]
async fn pictures_outlast_a_restart_of_the_server_with_or_without_its_data() {
    for durable in [true, false] {
        let kind = RedisKind::Redis;
        let mut redis = if durable { Redis::durable(kind) } else { Redis::start(kind) };
        let node = node(&redis);
        let mut page = Page::open(&node).await;
        page.send_all(&pictures(10)).await;
        page.settle().await;
        redis.kill();
        page.send_all(&[(99, 0)]).await;
        let refused = page.answer().await;
        assert_eq!((&refused["code"], &refused["uuid"]), (&json!("refused"), &json!(99)));
        assert!(refused["retry_after_ms"].as_u64().is_some(), "{refused}");
        redis.restart();
        let _worker = Worker::start(&node);
        let mut answers = page.answers(10).await;
        page.settle().await;
        answers.sort_by_key(|answer| answer["uuid"].as_u64());
        assert_eq!(ends(&answers), done(10), "durable: {durable}");
    }
}

#[tokio::test]
async fn the_picture_of_a_worker_that_stops_is_done_by_another() {
    let redis = Redis::start(RedisKind::Valkey);
    let table = format!("[server]\ndrain = '100ms'\n{}", table(&redis));
    let node = node_of(&table);
    let mut stopped = Worker::start(&node);
    let mut page = Page::open(&node).await;
    let header = json!({"uuid": 1, "rType": "slow", "progress": true});
    page.send(header, &flat(900, 900)).await;
    while page.0.json().await["stage"] != "rotate" {}
    stopped.signal(Signal::TERM);
    node.wait_until(|| stopped.has_ended());
    let _other = Worker::start(&node);
    assert_eq!(ends(&[page.answer().await]), [(1, "done")]);
}
