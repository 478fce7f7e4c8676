//! The arguments of a queue's consumer.

use std::sync::Arc;

use http::Method;
use serde_json::{Value, json};

use super::super::{Handshake, TestClient, start};
use crate::auth::{Algorithm, sign};
use crate::consumer::Registry;
use crate::error::Error;
use crate::extract::{Claims, CloseCode, Headers, Json, Path, Query, Text};
use crate::message::{Cancellation, Message, Scope, TaskPlace, TaskUuid};
use crate::queue::{Task, TaskQueue};
use crate::reply::ReplyChannel;
use crate::routing::Router;

const TABLE: &str = r#"
    [auth.user]
    secret = "0123456789abcdef0123456789abcdef"
    from   = "query:token"
    [queue.tasks]
    consumer = "work"
    headers  = ["accept-language"]
    [[route]]
    channel  = ["websocket.receive", "http.request"]
    path     = "/{room}"
    queue    = "tasks"
    auth     = "user"
    consumer = "receive"
"#;

async fn receive(message: Message, queue: TaskQueue) -> Result<(), Error> {
    assert!(message.scope().is_some() && message.task().is_none());
    let task = Task::new(TaskUuid::new(7)?, message).at(50, 20);
    queue.push(task).await;
    Ok(())
}

#[tokio::test]
async fn a_task_has_all_arguments_but_those_of_a_connection() {
    async fn work(
        message: Message,
        Path(room): Path<String>,
        Query(query): Query<Value>,
        Claims(claims): Claims,
        headers: Headers,
        Text(text): Text,
        place: TaskPlace,
    ) -> Json<Value> {
        assert!(message.scope().is_none());
        let headers: Vec<&str> = headers.keys().map(http::HeaderName::as_str).collect();
        Json(json!({
            "channel": message.channel(), "path": message.path(), "room": room, "x": query["x"],
            "address": message.address(), "url": &**message.public_url(), "sub": claims["sub"],
            "headers": headers, "text": &*text, "head": message.head(), "place": place,
        }))
    }
    let registry = Registry::new().function("receive", receive).function("work", work);
    let service = start(TABLE, &registry).await;
    let claims = json!({"sub": "anna"});
    let secret = "0123456789abcdef0123456789abcdef";
    let token = sign(Algorithm::HS256, secret, claims.as_object().unwrap()).unwrap();
    let handshake = || {
        Handshake::new(&format!("/attic?x=1&token={token}"))
            .header("accept", "text/html")
            .header("accept-language", "de")
            .header("cookie", "a=b")
    };
    let expected = json!({
        "channel": "task", "path": "/attic", "room": "attic", "x": "1", "address": "127.0.0.1",
        "url": "http://testserver", "sub": "anna", "headers": ["accept", "accept-language"],
        "text": "{}", "head": {},
        "place": {"uuid": 7, "queue": "tasks", "offset_top": 50, "height": 20},
    });
    let mut client = handshake().connect(&service).await.unwrap();
    client.send("{}").await;
    assert_eq!(client.receive().await.json(), expected);
    let reply = handshake().request(&service, Method::POST, "{}").await;
    let answer: Value = serde_json::from_slice(reply.content.unwrap().as_bytes()).unwrap();
    assert_eq!(answer, expected);
}

#[tokio::test]
async fn a_task_has_its_reply_channel_and_a_notice_of_its_own() {
    async fn work(client: ReplyChannel, notice: Cancellation) -> Result<&'static str, Error> {
        client.send("begun")?;
        notice.cancelled().await;
        Ok("never sent")
    }
    async fn receive(message: Message, queue: TaskQueue) -> Result<(), Error> {
        let uuid = TaskUuid::new("a")?;
        if !queue.cancel(&message.reply_channel, &uuid).await {
            queue.push(Task::new(uuid, message)).await;
        }
        Ok(())
    }
    let registry = Registry::new().function("receive", receive).function("work", work);
    let service = start(super::TASKS, &registry).await;
    let mut client = TestClient::connect(&service, "/").await.unwrap();
    client.send("push").await;
    assert_eq!(client.receive().await.text(), "begun");
    client.send("cancel").await;
    assert_eq!(client.receive().await.json()["code"], "cancelled");
}

#[test]
fn an_argument_that_only_a_connection_or_only_a_task_has_is_reported() {
    let it = |registry: Registry| registry.function("receive", receive);
    for (registry, reported) in [
        (it(Registry::new()).function("work", async |_: Arc<Scope>| ()), "a task has none"),
        (it(Registry::new()).function("work", async |_: TaskPlace| ()), ""),
        (it(Registry::new()).function("work", async |_: Method| ()), ""),
        (it(Registry::new()).function("work", async |_: CloseCode| ()), ""),
        (
            Registry::new()
                .function("receive", async |_: TaskPlace| ())
                .function("work", async || ()),
            "only the consumer of a queue can take tasks",
        ),
    ] {
        let report = match Router::parse(TABLE, &registry) {
            Ok(_) => String::new(),
            Err(loaded) => loaded.report().to_string(),
        };
        assert!(report.contains(reported) && report.is_empty() == reported.is_empty(), "{report}");
    }
}
