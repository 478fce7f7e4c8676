//! Faults while tasks of a queue in a server are under way.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::json;

use super::{KINDS, LEASE, Worker, done, node, node_of, pictures, table};
use crate::util::{Page, Redis, RedisKind, ends, flat};

/// The longest time until a task goes on whose worker has died.
const RECOVERY: Duration = LEASE.saturating_add(Duration::from_secs(1));

/// Sends a picture that takes some seconds, and waits until a worker has begun it.
async fn send_long(page: &mut Page, uuid: u32) {
    let header = json!({"uuid": uuid, "rType": "slow", "progress": true});
    page.send(header, &flat(900, 900)).await;
    wait_for_stage(page, "rotate").await;
}

/// Waits until a worker begins this stage of a picture.
async fn wait_for_stage(page: &mut Page, stage: &str) {
    loop {
        let reply = page.0.json().await;
        assert!(reply.get("progress").is_some(), "no answer is due: {reply}");
        if reply["stage"] == stage {
            return;
        }
    }
}

/// How many members a key of the queue has.
fn count(redis: &Redis, command: &str, key: &str) -> u64 {
    let answer = redis.ask(&format!("{command} asgi:waterway:1:{{images}}:{key}"));
    answer.strip_prefix(':').and_then(|count| count.parse().ok()).expect("a number")
}

#[tokio::test]
async fn the_picture_of_a_worker_that_is_killed_is_done_by_another() {
    for kind in KINDS {
        let redis = Redis::start(kind);
        let node = node(&redis);
        let killed = Worker::start(&node);
        let mut page = Page::open(&node).await;
        send_long(&mut page, 1).await;
        let since = Instant::now();
        drop(killed);
        let _other = Worker::start(&node);
        wait_for_stage(&mut page, "decode").await;
        let recovered = since.elapsed();
        assert_eq!(ends(&[page.answer().await]), [(1, "done")], "{kind:?}");
        page.settle().await;
        assert!(recovered < RECOVERY, "{recovered:?}, {kind:?}");
    }
}

#[tokio::test]
async fn a_picture_that_kills_three_workers_has_failed_and_is_a_dead_letter() {
    for kind in KINDS {
        let redis = Redis::start(kind);
        let node = node(&redis);
        let mut page = Page::open(&node).await;
        let mut worker = Some(Worker::start(&node));
        send_long(&mut page, 1).await;
        for _ in 0..2 {
            drop(worker.take());
            worker = Some(Worker::start(&node));
            wait_for_stage(&mut page, "decode").await;
        }
        drop(worker);
        let failed = page.answer().await;
        assert_eq!(ends(std::slice::from_ref(&failed)), [(1, "failed")], "{failed}, {kind:?}");
        assert_eq!(count(&redis, "ZCARD", "dead"), 1, "{kind:?}");
        assert_eq!(count(&redis, "HLEN", "tasks"), 0, "{kind:?}");
        let _worker = Worker::start(&node);
        page.send_all(&[(2, 0)]).await;
        assert_eq!(ends(&[page.answer().await]), [(2, "done")], "{kind:?}");
        page.settle().await;
    }
}

#[tokio::test]
async fn a_worker_that_stood_still_for_longer_than_its_lease_gives_no_second_answer() {
    let redis = Redis::start(RedisKind::Redis);
    let node = node(&redis);
    let stopped = Worker::start(&node);
    let mut page = Page::open(&node).await;
    send_long(&mut page, 1).await;
    stopped.signal(Signal::STOP);
    let other = Worker::start(&node);
    wait_for_stage(&mut page, "decode").await;
    assert_eq!(ends(&[page.answer().await]), [(1, "done")]);
    drop(other);
    stopped.signal(Signal::CONT);
    // The worker that goes on is the only one, and has one thread: it has finished the first picture
    // before it does the second.
    page.send_all(&[(2, 0)]).await;
    assert_eq!(ends(&[page.answer().await]), [(2, "done")]);
    page.settle().await;
    assert_eq!(count(&redis, "HLEN", "tasks"), 0);
}

#[tokio::test]
async fn the_tasks_of_a_process_that_dies_are_forgotten_and_those_of_others_are_done() {
    let redis = Redis::start(RedisKind::Redis);
    let (killed, node) = (node(&redis), node(&redis));
    let mut gone = Page::open(&killed).await;
    gone.send_all(&pictures(300)).await;
    gone.settle().await;
    let mut page = Page::open(&node).await;
    page.send_all(&pictures(10)).await;
    page.settle().await;
    let since = Instant::now();
    drop(killed);
    node.wait_until(|| count(&redis, "HLEN", "tasks") == 10);
    let forgotten = since.elapsed();
    // Its last beat was a while before its death.
    assert!(forgotten > LEASE && forgotten < LEASE + RECOVERY, "{forgotten:?}");
    let _worker = Worker::start(&node);
    let mut answers = page.answers(10).await;
    page.settle().await;
    answers.sort_by_key(|answer| answer["uuid"].as_u64());
    assert_eq!(ends(&answers), done(10));
}

#[tokio::test]
async fn tasks_that_a_server_loses_while_it_is_connected_are_soon_pushed_again() {
    let redis = Redis::start(RedisKind::Redis);
    let node = node(&redis);
    let mut page = Page::open(&node).await;
    page.send_all(&pictures(10)).await;
    page.settle().await;
    let since = Instant::now();
    assert_eq!(redis.ask("FLUSHALL"), "+OK");
    node.wait_until(|| count(&redis, "HLEN", "tasks") == 10);
    let recovered = since.elapsed();
    assert!(recovered < RECOVERY, "{recovered:?}");
    let _worker = Worker::start(&node);
    let mut answers = page.answers(10).await;
    page.settle().await;
    answers.sort_by_key(|answer| answer["uuid"].as_u64());
    assert_eq!(ends(&answers), done(10));
}

#[tokio::test]
async fn a_process_that_claims_its_own_lost_task_again_answers_it() {
    let redis = Redis::start(RedisKind::Redis);
    let table = table(&redis).replace("workers = 1", "workers = 2\nnice = 0");
    let node = node_of(&table.replace("'image.work'", "'image.work'\nlimits = { time = '2m' }"));
    let _worker = Worker::start(&node);
    let mut page = Page::open(&node).await;
    let header = json!({"uuid": 1, "rType": "slow", "progress": true});
    page.send(header, &flat(2000, 2000)).await;
    wait_for_stage(&mut page, "rotate").await;
    // A beat finds the former claim invalid, before or after the new claim.
    for _ in 0..3 {
        assert_eq!(redis.ask("FLUSHALL"), "+OK");
        node.wait_until(|| count(&redis, "ZCARD", "lease") == 1);
    }
    assert_eq!(ends(&[page.answer().await]), [(1, "done")]);
    page.settle().await;
}
