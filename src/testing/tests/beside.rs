//! Tests that no connection delays another for long.

use std::sync::{Arc, Mutex};

use super::super::{TestClient, start};
use crate::consumer::Registry;
use crate::extract::Text;

/// A client sends many messages, and another client then sends a single one.
#[tokio::test]
async fn a_client_that_sends_without_end_does_not_delay_others() {
    let handled = Arc::<Mutex<Vec<char>>>::default();
    let log = Arc::clone(&handled);
    let registry = Registry::new().function("note", move |Text(text): Text| {
        log.lock().unwrap().extend(text.chars().next());
        async {}
    });
    let table = "[[route]]\nchannel = \"websocket.receive\"\nconsumer = \"note\"\n\
                 limits = { inbox = \"4MiB\" }\n";
    let service = start(table, &registry).await;
    // The number of messages of the first client, their size, and how many of them may be handled
    // before the other client's message.
    for (count, size, before) in [(20, 60 << 10, 2), (40, 4 << 10, 9)] {
        let flooding = TestClient::connect(&service, "/").await.unwrap();
        let other = TestClient::connect(&service, "/").await.unwrap();
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
