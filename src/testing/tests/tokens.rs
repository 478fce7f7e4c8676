//! Tests of expiring tokens, with a paused clock.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;
use tokio::time::{Duration, Instant, sleep};

use super::*;
use crate::auth::{Algorithm, sign};
use crate::testing::Received;

/// A token that is valid for this number of seconds.
fn token(secret: &str, seconds: u64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let claims = json!({"exp": now + seconds});
    sign(Algorithm::HS256, secret, claims.as_object().unwrap()).unwrap()
}

async fn served(more: &str) -> (Service, Calls) {
    let table = format!(
        r#"
        [auth.user]
        secret = "user"
        from   = "query:user"
        {more}
        [auth.admin]
        secret = "admin"
        from   = "query:admin"
        leeway = "0s"
        [[route]]
        channel  = "websocket.*"
        path     = "/"
        auth     = "user"
        consumer = "hang"
        [[route]]
        channel  = "websocket.receive"
        path     = "/"
        when     = {{ as = "admin" }}
        auth     = "admin"
        consumer = "hang"
        "#
    );
    let calls = Calls::default();
    let noted = calls.clone();
    let registry = Registry::new().function("hang", move |message: Message| {
        let calls = noted.clone();
        async move {
            calls.note(message.channel().name());
            if message.size() > 0 {
                message.cancellation.cancelled().await;
            }
        }
    });
    (start(&table, &registry).await, calls)
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_closed_when_the_first_of_its_tokens_expires() {
    for (more, user, admin, seconds) in [
        ("leeway = \"0s\"", 9, None, 9),
        ("leeway = \"3s\"", 9, None, 12),
        ("", 9, None, 14),
        ("", 20, Some(7), 7),
        ("close_at_exp = false", 5, Some(8), 8),
    ] {
        let (service, calls) = served(more).await;
        let mut target = format!("/?user={}", token("user", user));
        if let Some(admin) = admin {
            target = format!("{target}&admin={}", token("admin", admin));
        }
        let begun = Instant::now();
        let mut client = TestClient::connect(&service, &target).await.unwrap();
        // The consumer never finishes the first message, and the second one waits for it.
        client.send("first").await;
        client.send("second").await;
        let Received::Close(close) = client.receive().await else { panic!("{more}: no close") };
        assert_eq!((close.code, &*close.reason), (3000, "token expired"), "{more}");
        let passed = begun.elapsed().as_secs_f64();
        // Tokens count whole seconds, while the clock has fractions.
        let seconds = f64::from(seconds);
        assert!((seconds - 2.0..=seconds).contains(&passed), "{more}: {passed} s");
        client.disconnect(1000).await;
        let events = ["websocket.connect", "websocket.receive", "websocket.disconnect"];
        assert_eq!(calls.taken(), events, "{more}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_outlives_its_token_where_the_table_says_so() {
    let (service, calls) = served("close_at_exp = false").await;
    let target = format!("/?user={}", token("user", 5));
    let client = TestClient::connect(&service, &target).await.unwrap();
    sleep(Duration::from_secs(3600)).await;
    client.send("").await;
    client.disconnect(1000).await;
    assert_eq!(calls.taken(), ["websocket.connect", "websocket.receive", "websocket.disconnect"]);
}
