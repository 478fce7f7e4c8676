//! Tests of the results of consumers and the replies that their clients get.

use http::{HeaderValue, Method, StatusCode, header};

use super::super::{Handshake, TestClient, start};
use crate::consumer::Registry;
use crate::error::Error;
use crate::extract::{Headers, Json, Text};
use crate::message::Channel;
use crate::reply::{Reply, ReplyChannel};
use crate::routing::Router;
use crate::service::Service;

/// A service with one consumer at `/`, for this event.
async fn routed(registry: &Registry, channel: Channel) -> Service {
    let table = format!("[[route]]\nchannel = '{channel}'\npath = '/'\nconsumer = 'it'");
    start(&table, registry).await
}

async fn requested(registry: Registry) -> Reply {
    let service = routed(&registry, Channel::Request).await;
    TestClient::request(&service, Method::PUT, "/", "body").await
}

#[tokio::test]
async fn a_tuple_is_a_response_with_its_status_and_headers() {
    let it = Registry::new;
    let text = |reply: &Reply| {
        let content = reply.content.as_ref().map(|content| content.as_bytes().to_vec());
        String::from_utf8(content.unwrap_or_default()).unwrap()
    };
    let table = [
        (it().function("it", async || StatusCode::ACCEPTED), 202, None, ""),
        (it().function("it", async || (StatusCode::CREATED, "made")), 201, None, "made"),
        (it().function("it", async || (StatusCode::CREATED, Json(7))), 201, None, "7"),
        (it().function("it", async || (StatusCode::GONE, [("x", "y")], "")), 410, Some("y"), ""),
        (
            it().function("it", async || Ok::<_, Error>((StatusCode::OK, [("x", 5)], vec![65]))),
            200,
            Some("5"),
            "A",
        ),
        (it().function("it", async |method: Method| method.to_string()), 0, None, "PUT"),
        (it().function("it", async || Reply::text("r").with_header("x", "z")), 0, Some("z"), "r"),
    ];
    for (at, (registry, status, x, body)) in table.into_iter().enumerate() {
        let reply = requested(registry).await;
        assert_eq!(reply.status.map_or(0, |status| status.as_u16()), status, "{at}");
        assert_eq!(reply.headers().get("x").map(|x| x.to_str().unwrap()), x, "{at}");
        assert_eq!(text(&reply), body, "{at}");
    }
}

#[tokio::test]
async fn an_invalid_header_is_a_failure_and_not_a_panic() {
    fn broken() -> Reply {
        Reply::text("r").with_header("x", "a\nb")
    }
    let it = Registry::new;
    for registry in [
        it().function("it", async || broken()),
        it().function("it", async || (StatusCode::OK, [("no name", "v")], "")),
        it().function("it", async |client: ReplyChannel| client.send(broken())),
    ] {
        let reply = requested(registry).await;
        assert_eq!(reply.status, Some(StatusCode::INTERNAL_SERVER_ERROR));
        assert!(reply.headers().get("x").is_none());
    }
}

#[tokio::test]
async fn a_handshake_that_is_answered_with_a_status_is_refused() {
    let registry =
        Registry::new().function("it", async || (StatusCode::PAYMENT_REQUIRED, "pay first"));
    let refused = TestClient::connect(&routed(&registry, Channel::Connect).await, "/").await;
    assert_eq!(refused.err(), Some(StatusCode::PAYMENT_REQUIRED));
}

#[tokio::test]
async fn an_open_socket_ignores_a_status() {
    let registry =
        Registry::new().function("it", async |Text(text): Text| (StatusCode::CREATED, text));
    let service = routed(&registry, Channel::Receive).await;
    let mut client = TestClient::connect(&service, "/").await.unwrap();
    client.send("hello").await;
    assert_eq!(client.receive().await.text(), "hello");
}

#[tokio::test]
async fn a_consumer_sees_the_headers_of_its_request_and_of_its_handshake() {
    let agent = async |headers: Headers| {
        headers
            .get(header::USER_AGENT)
            .map(|agent: &HeaderValue| agent.to_str().unwrap().to_owned())
    };
    let registry = Registry::new().function("it", agent);
    let from = || Handshake::new("/").header("user-agent", "curl");
    let reply = from().request(&routed(&registry, Channel::Request).await, Method::GET, "").await;
    assert_eq!(reply.content.unwrap().as_text(), Some("curl"));
    let mut client = from().connect(&routed(&registry, Channel::Receive).await).await.unwrap();
    client.send("who am I?").await;
    assert_eq!(client.receive().await.text(), "curl");
}

#[test]
fn only_a_consumer_of_requests_can_take_a_method() {
    let registry = Registry::new().function("it", async |_: Method| ());
    let table = "[[route]]\nchannel = 'websocket.receive'\npath = '/'\nconsumer = 'it'";
    let report = Router::parse(table, &registry).unwrap_err().report().to_string();
    assert!(report.contains("it cannot serve websocket.receive"), "{report}");
}

#[test]
fn an_error_code_may_be_made_at_run_time() {
    let error = Error::new(format!("room_{}", 7), "full");
    assert_eq!((error.code(), &error.to_json()["code"]), ("room_7", &"room_7".into()));
}
