//! Tests of messages over their route's rate: when they are handled, and which messages do not wait
//! for them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::Instant;

use super::super::{TestClient, start};
use crate::consumer::{Precedence, Registry};
use crate::extract::Text;
use crate::message::Message;

/// A connected client. The rate applies to its messages that begin with `{"slow": true}`.
struct Limited {
    client: TestClient,
    begun: Instant,
    /// The handled messages, with the time of each in milliseconds.
    handled: Arc<Mutex<Vec<(String, u128)>>>,
}

impl Limited {
    async fn start(limits: &str) -> Self {
        let begun = Instant::now();
        let handled = Arc::<Mutex<Vec<(String, u128)>>>::default();
        let note = {
            let handled = Arc::clone(&handled);
            move |text: String| {
                let word = text.rsplit('}').next().unwrap_or_default().to_owned();
                handled.lock().unwrap().push((word, begun.elapsed().as_millis()));
                async {}
            }
        };
        let left = note.clone();
        let registry = Registry::new()
            .function("note", move |Text(text): Text| note(text.to_string()))
            .function("left", move || left("left".into()))
            .precedence("note", precedence);
        let table = format!(
            "[[route]]\nchannel = 'websocket.receive'\nwhen = {{ slow = true }}\n\
             consumer = 'note'\nlimits = {{ {limits} }}\n\
             [[route]]\nchannel = 'websocket.receive'\nconsumer = 'note'\n\
             [[route]]\nchannel = 'websocket.disconnect'\nconsumer = 'left'\n"
        );
        let service = start(&table, &registry).await;
        let client = TestClient::connect(&service, "/").await.unwrap();
        Self { client, begun, handled }
    }

    async fn send(&self, messages: &[&str]) {
        for message in messages {
            self.client.send((*message).to_owned()).await;
        }
    }

    /// The messages handled until `time`, with the time of each, in milliseconds.
    async fn handled_at(&self, time: u64) -> Vec<(String, u128)> {
        tokio::time::sleep_until(self.begun + Duration::from_millis(time)).await;
        self.handled.lock().unwrap().clone()
    }
}

fn precedence(message: &Message) -> Precedence {
    let field = |name| Some(message.head()?.get(name)?.as_str()?.to_owned());
    match field("do").as_deref() {
        Some("look") => Precedence::AtOnce { withdraws: None },
        Some("cancel") => Precedence::AtOnce { withdraws: field("id") },
        _ => Precedence::InTurn { name: field("id") },
    }
}

fn words(handled: &[(String, u128)]) -> Vec<&str> {
    handled.iter().map(|(word, _)| word.as_str()).collect()
}

#[tokio::test(start_paused = true)]
async fn messages_over_the_rate_wait_in_order_and_do_not_delay_other_routes() {
    let limited = Limited::start("rate = '2/s'").await;
    let sent = ["a", "b", "c", "d", "e"].map(|word| format!("{{\"slow\": true}}{word}"));
    limited.send(&sent.each_ref().map(String::as_str)).await;
    limited.send(&["other"]).await;
    let handled = limited.handled_at(5000).await;
    assert_eq!(words(&handled), ["a", "b", "other", "c", "d", "e"]);
    for ((word, at), due) in handled.iter().zip([0, 0, 0, 500, 1000, 1500]) {
        assert!((due..due + 10).contains(at), "{word} at {at} ms");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_does_not_wait_for_its_messages() {
    let limited = Limited::start("rate = '1/h'").await;
    limited.send(&[r#"{"slow": true}message"#; 100]).await;
    let (handled, begun) = (Arc::clone(&limited.handled), limited.begun);
    limited.client.disconnect(1001).await;
    assert_eq!(words(&handled.lock().unwrap()), ["message", "left"]);
    assert!(begun.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_handled_at_once_finds_the_messages_that_it_withdraws() {
    let limited = Limited::start("rate = '2/h'").await;
    limited
        .send(&[
            r#"{"slow": true, "id": "1"}one"#,
            r#"{"slow": true, "id": "2"}two"#,
            r#"{"slow": true, "id": "3"}three"#,
            r#"{"slow": true, "id": "4"}four"#,
            r#"{"slow": true, "do": "cancel", "id": "4"}cancel four"#,
            r#"{"slow": true, "do": "look"}look"#,
            // The third of the messages that are handled at once.
            r#"{"slow": true, "do": "look"}look again"#,
        ])
        .await;
    let at_once = ["one", "two", "four", "cancel four", "look"];
    assert_eq!(words(&limited.handled_at(1000).await), at_once);
    let later = limited.handled_at(3_600_000).await;
    assert_eq!(words(&later)[5..], ["three", "look again"]);
}

#[tokio::test(start_paused = true)]
async fn with_the_action_close_the_first_message_over_the_rate_closes() {
    let mut limited = Limited::start("rate = '2/h', rate_action = 'close'").await;
    limited.send(&[r#"{"slow": true}a"#, r#"{"slow": true, "do": "look"}b"#]).await;
    limited.send(&[r#"{"slow": true}c"#, r#"{"slow": true}d"#]).await;
    assert_eq!(limited.client.receive().await.json()["code"], "rate");
    assert_eq!(limited.client.receive().await.close_code(), 1008);
    assert_eq!(words(&limited.handled_at(1000).await), ["a", "b"]);
}
