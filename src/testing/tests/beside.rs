//! Connections beside each other: none holds up another for long.

use std::sync::{Arc, Mutex};

use super::super::TestClient;
use crate::consumer::Registry;
use crate::extract::Text;
use crate::routing::Router;

/// A client that sends much, and one that sends a single message after it.
#[tokio::test]
async fn a_client_that_sends_without_end_lets_others_have_their_turn() {
    let handled = Arc::<Mutex<Vec<char>>>::default();
    let log = Arc::clone(&handled);
    let registry = Registry::new().function("note", move |Text(text): Text| {
        log.lock().unwrap().extend(text.chars().next());
        async {}
    });
    let table = "[[route]]\nchannel = \"websocket.receive\"\nconsumer = \"note\"\n\
                 limits = { inbox = \"4MiB\" }\n";
    let router = Router::parse(table, &registry).unwrap();
    // How many messages the first client sends, of how many bytes, and how many at most are
    // handled before the other's.
    for (count, size, before) in [(20, 60 << 10, 2), (40, 4 << 10, 9)] {
        let flooding = TestClient::connect(&router, "/").await.unwrap();
        let other = TestClient::connect(&router, "/").await.unwrap();
        for _ in 0..count {
            flooding.send("f".repeat(size)).await;
        }
        other.send("o").await;
        flooding.disconnect(1000).await;
        other.disconnect(1000).await;
        let handled = std::mem::take(&mut *handled.lock().unwrap());
        assert_eq!(handled.len(), count + 1);
        let turn = handled.iter().position(|client| *client == 'o').unwrap();
        assert!(turn <= before, "{turn} messages of {size} bytes came before the other client's");
    }
}
