//! The consumers as clients meet them, by this crate's own `routing.toml`.

use serde_json::json;
use waterway::Service;
use waterway::testing::{self, TestClient};

/// The service, with its own table.
async fn service() -> Service {
    testing::start(include_str!("../routing.toml"), &own_crate::registry()).await
}

#[tokio::test]
async fn connections_share_the_count_of_a_poll() {
    let service = service().await;
    let mut anna = TestClient::connect(&service, "/lunch").await.unwrap();
    let mut ben = TestClient::connect(&service, "/lunch").await.unwrap();
    let none = json!({"soup": 0, "salad": 0, "bread": 0});
    assert_eq!(anna.receive().await.json(), none);
    assert_eq!(ben.receive().await.json(), none);

    anna.send("soup").await;
    assert_eq!(ben.receive().await.json()["soup"], 1);
    ben.send("soup").await;
    assert_eq!(ben.receive().await.json()["soup"], 2);

    ben.send("pizza").await;
    assert_eq!(ben.receive().await.json()["code"], "bad_message");

    // The count stays when everyone has left.
    anna.disconnect(1000).await;
    ben.disconnect(1000).await;
    let mut late = TestClient::connect(&service, "/lunch").await.unwrap();
    assert_eq!(late.receive().await.json()["soup"], 2);
}

#[tokio::test]
async fn a_room_tells_who_is_present() {
    let service = service().await;
    let mut anna = TestClient::connect(&service, "/rooms/blue?name=anna").await.unwrap();
    assert_eq!(anna.receive().await.json(), json!({"present": ["anna"]}));

    let mut ben = TestClient::connect(&service, "/rooms/blue?name=ben").await.unwrap();
    for client in [&mut anna, &mut ben] {
        assert_eq!(client.receive().await.json(), json!({"present": ["anna", "ben"]}));
    }
    // Another room is another group.
    let mut cleo = TestClient::connect(&service, "/rooms/red?name=cleo").await.unwrap();
    assert_eq!(cleo.receive().await.json(), json!({"present": ["cleo"]}));

    anna.send("hi").await;
    assert_eq!(ben.receive().await.json(), json!({"from": "anna", "text": "hi"}));

    anna.disconnect(1000).await;
    assert_eq!(ben.receive().await.json(), json!({"present": ["ben"]}));
}

#[tokio::test]
async fn a_slow_task_tells_its_progress_and_answers() {
    let service = service().await;
    let mut client = TestClient::connect(&service, "/primes").await.unwrap();
    client.send(json!({"uuid": "a", "below": 100}).to_string()).await;
    for part in 0..10 {
        let told = client.receive().await.json();
        assert_eq!(told, json!({"uuid": "a", "progress": f64::from(part) / 10.0}));
    }
    assert_eq!(client.receive().await.json(), json!({"uuid": "a", "primes": 25}));
    service.stop().await;
}

#[tokio::test]
async fn a_slow_task_can_be_cancelled() {
    let service = service().await;
    let mut client = TestClient::connect(&service, "/primes").await.unwrap();
    client.send(json!({"uuid": "a", "below": 2_000_000}).to_string()).await;
    // It is running when it tells its progress.
    assert_eq!(client.receive().await.json()["progress"], 0.0);
    client.send(json!({"uuid": "a", "cancel": true}).to_string()).await;
    let last = loop {
        let told = client.receive().await.json();
        if told.get("progress").is_none() {
            break told;
        }
    };
    assert_eq!((&last["uuid"], &last["code"]), (&json!("a"), &json!("cancelled")));
    service.stop().await;
}
