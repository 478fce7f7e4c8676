//! Faults of `channels_redis` that waterway does not share, and what it does while the server is away.

use std::fs;
use std::time::Duration;

use serde_json::json;
use tokio::time::sleep;

use super::layer::{Browser, Shared, TABLE, URL, Way};
use crate::util::{Client, PATIENCE, RedisKind, waterway};

#[test]
fn check_start_names_a_server_that_does_not_answer() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("routing.toml"),
        TABLE.replace(URL, "url = 'redis://127.0.0.1:1'\n"),
    )
    .unwrap();
    assert!(waterway(folder.path(), &["check"]).status.success());
    let tried = waterway(folder.path(), &["check", "--start"]);
    let said = String::from_utf8_lossy(&tried.stderr).into_owned();
    assert!(!tried.status.success(), "{said}");
    assert!(said.contains("the layer does not reach redis://127.0.0.1:1: Redis is away"), "{said}");
}

#[tokio::test]
async fn messages_that_nobody_reads_are_refused_counted_and_logged() {
    let shared = Shared::start(Way::new(RedisKind::Redis).with_capacity(3));
    let waterway = shared.waterway();
    let actions = json!([{"send": {"text": "work"}}]);
    for _ in 0..5 {
        // The result of an action for a client is in the log, as for clients of this process.
        assert_eq!(waterway.act(&json!({"client": "nobody", "actions": actions})), 204);
    }
    assert_eq!(waterway.report()["over_capacity"], 2);
    waterway.wait_for_log("messages beyond the capacity of their channel were dropped");
    // A client of a worker that is away is told so, and not left to wait.
    for status in [503, 503, 503, 503] {
        assert_eq!(Client::try_connect(&waterway.ws("/app/carl"), &[]).await.err(), Some(status));
    }
    assert!(waterway.report()["over_capacity"].as_u64().unwrap() > 2);
}

#[tokio::test]
async fn no_message_is_lost_when_clients_come_and_go() {
    let shared = Shared::start(Way::new(RedisKind::Redis).with_capacity(10_000));
    let waterway = shared.waterway();
    let site = shared.site();
    let mut dora = Browser::open(&site).await;
    let mut anna = Client::connect(&waterway.ws("/room")).await;
    for number in 0..200 {
        let text = format!("message {number}");
        let message = json!({"type": "websocket.send", "text": text});
        dora.ask("group_send", json!(["room", message])).await;
        if number % 10 == 0 {
            // In channels_redis, a receiver that is cancelled may take messages of others with it.
            drop(Client::connect(&waterway.ws("/room")).await);
        }
    }
    for number in 0..200 {
        assert_eq!(anna.text().await, format!("message {number}"));
        assert_eq!(dora.got().await, format!("message {number}"));
    }
}

#[tokio::test]
async fn clients_stay_while_the_server_is_away_and_groups_come_back_with_it() {
    for way in [Way::new(RedisKind::Redis), Way::new(RedisKind::Valkey).published()] {
        let mut shared = Shared::start(way);
        let (one, two) = (shared.waterway(), shared.waterway());
        let mut anna = Client::connect(&one.ws("/room")).await;
        let mut ben = Client::connect(&two.ws("/room")).await;
        anna.send_text("before").await;
        assert_eq!((anna.text().await, ben.text().await), ("before".into(), "before".into()));

        shared.servers[0].kill();
        let mut cleo = Client::connect(&one.ws("/room")).await;
        anna.send_text("here").await;
        assert_eq!((anna.text().await, cleo.text().await), ("here".into(), "here".into()));
        assert_eq!(Client::try_connect(&one.ws("/app/carl"), &[]).await.err(), Some(503));
        one.wait_for_log("Redis is away");

        // It comes back without anything that it knew.
        shared.servers[0].restart();
        one.wait_for_log("Redis is back");
        let mut tries = 0;
        loop {
            cleo.send_text(format!("after {tries}")).await;
            assert_eq!(anna.text().await, format!("after {tries}"));
            assert_eq!(cleo.text().await, format!("after {tries}"));
            if two.report()["received"].as_u64().unwrap() > 1 {
                break;
            }
            tries += 1;
            assert!(tries < 300, "the groups do not come back within {PATIENCE:?}");
            sleep(Duration::from_millis(100)).await;
        }
        assert!(ben.text().await.starts_with("after "));
    }
}
