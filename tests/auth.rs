//! Which messages and requests the service handles for clients without the right token, over real
//! sockets. The test's own consumers write down every event that they get.

use std::net::SocketAddr;

use serde_json::{Map, Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_tungstenite::tungstenite::Message as Frame;
use waterway::auth::{Algorithm, sign};
use waterway::{Message, Registry, server, testing};

use crate::util::{Client, post};

const AUTH: &str = "[auth.user]\nsecret = 'a secret for users alone, long enough'\n\
     from = 'query:user'\n\
     [auth.admin]\nsecret = 'a secret for admins alone, long enough'\nfrom = 'query:admin'\n";

/// A query parameter with a token of this kind, `user` or `admin`.
fn shown(kind: &str, claims: Value) -> String {
    let Value::Object(claims) = claims else { panic!("claims are an object") };
    let secret = format!("a secret for {kind}s alone, long enough");
    let token = sign(Algorithm::HS256, &secret, &claims).expect("HS256 signs");
    format!("{kind}={token}")
}

/// A service, and the events and claims that its one consumer, `note`, has seen.
struct Noted {
    address: SocketAddr,
    notes: UnboundedReceiver<(&'static str, Option<Map<String, Value>>)>,
}

impl Noted {
    async fn serve(table: &str) -> Self {
        let (writer, notes) = unbounded_channel();
        let registry = Registry::new().function("note", move |message: Message| {
            let event = message.channel().name();
            let _ = writer.send((event, message.claims().cloned()));
            async move { event }
        });
        let service = testing::start(table, &registry).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("it listens");
        tokio::spawn(server::run(listener, service, std::future::pending()));
        Self { address, notes }
    }

    async fn connect(&self, target: &str) -> Client {
        Client::connect(&format!("ws://{}{target}", self.address)).await
    }

    /// The events that the consumer has seen since the last call.
    fn events(&mut self) -> Vec<&'static str> {
        std::iter::from_fn(|| self.notes.try_recv().ok()).map(|(event, _)| event).collect()
    }
}

fn route(channel: &str, more: &str) -> String {
    format!("[[route]]\nchannel = 'websocket.{channel}'\nconsumer = 'note'\n{more}\n")
}

/// How the service treats a client that connects and sends `{}`.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    /// Refused at the handshake.
    Refused,
    /// Refused when it sends.
    RefusedToSend,
    /// Its message is answered.
    Handled,
}

async fn outcome(service: &mut Noted, target: &str) -> Outcome {
    let mut client = service.connect(target).await;
    // The service may have closed already; its last messages can be read all the same.
    client.try_send(Frame::Text("{}".into())).await;
    let mut reported = client.text().await;
    if reported == "websocket.connect" {
        reported = client.text().await;
    }
    let outcome = match reported.as_str() {
        "websocket.receive" => {
            service.events();
            return Outcome::Handled;
        }
        r#"{"error": "enter correct token"}"# => Outcome::Refused,
        r#"{"error": "enter correct token", "code": "auth"}"# => Outcome::RefusedToSend,
        other => panic!("{target}: {other}"),
    };
    assert_eq!(client.closed().await, (3000, "enter correct token".to_owned()), "{target}");
    let seen = service.events();
    assert!(!seen.contains(&"websocket.receive"), "{target}: {seen:?}");
    if outcome == Outcome::Refused {
        assert_eq!(seen, [""; 0], "{target}");
    }
    outcome
}

#[tokio::test]
async fn a_message_is_handled_only_if_its_client_has_shown_the_token_of_its_route() {
    use Outcome::{Handled, Refused, RefusedToSend};

    let (user, admin) = (shown("user", json!({})), shown("admin", json!({})));
    let (both, forged) = (format!("{user}&{admin}"), user.replace("user=", "admin="));
    let (user, admin, both, none) = (user.as_str(), admin.as_str(), both.as_str(), "");
    let (connect, receive) =
        (|more: &str| route("connect", more), |more: &str| route("receive", more));
    for (table, tries) in [
        // Messages need the token of their path's connect route.
        (
            connect("path = '/ws/{page}'\nauth = 'user'") + &receive("path = '/ws/{page}'"),
            vec![("/ws/1", none, Refused), ("/ws/1", admin, Refused), ("/ws/1", user, Handled)],
        ),
        // The messages' path includes that of a connect route with a token, so they need that
        // token, even from clients of the open connect route.
        (
            connect("path = '/ws/secret'\nauth = 'user'")
                + &connect("path = '/ws/{page}'")
                + &receive("path = '/ws/{page}'"),
            vec![("/ws/1", none, RefusedToSend), ("/ws/1", user, Handled)],
        ),
        // A route without `path` takes every path. The first connect route hides the second, whose
        // token the messages need all the same.
        (
            connect("") + &connect("path = '/{*rest}'\nauth = 'user'") + &receive(""),
            vec![
                ("/", none, RefusedToSend),
                ("/%FF", none, RefusedToSend),
                ("/a/b", user, Handled),
            ],
        ),
        // A route with `when` does not take connect events, so the connect route after it decides.
        (
            route("*", "path = '/a'\nwhen = { type = 'x' }")
                + &connect("path = '/{*rest}'\nauth = 'user'")
                + &receive("path = '/a'"),
            vec![("/a", none, Refused), ("/a", user, Handled)],
        ),
        // Messages need the tokens of all connect routes that share a path with their route.
        (
            connect("path = '/a/{x}'\nauth = 'user'")
                + &connect("path = '/{x}/b'\nauth = 'admin'")
                + &connect("path = '/{*rest}'")
                + &receive("path = '/{*rest}'"),
            vec![
                ("/c", none, RefusedToSend),
                ("/c", user, RefusedToSend),
                ("/c", admin, RefusedToSend),
                ("/c", both, Handled),
                ("/a/b", admin, Refused),
                ("/a/b", both, Handled),
            ],
        ),
        // A route's own token replaces that of the connect route.
        (
            connect("path = '/ws'\nauth = 'user'") + &receive("path = '/ws'\nauth = 'admin'"),
            vec![
                ("/ws", admin, Refused),
                ("/ws", user, RefusedToSend),
                ("/ws", &format!("{user}&{forged}"), RefusedToSend),
                ("/ws", both, Handled),
            ],
        ),
        // A route for messages without any connect route.
        (
            receive("path = '/ws'\nauth = 'user'"),
            vec![("/ws", none, RefusedToSend), ("/ws", user, Handled)],
        ),
        // `auth = false` opens a route on purpose.
        (
            connect("path = '/ws'\nauth = 'user'") + &receive("path = '/{page}'\nauth = false"),
            vec![("/ws", none, Refused), ("/elsewhere", none, Handled)],
        ),
    ] {
        let mut service = Noted::serve(&format!("{AUTH}{table}")).await;
        for (path, query, expected) in tries {
            let outcome = outcome(&mut service, &format!("{path}?{query}")).await;
            assert_eq!(outcome, expected, "{path} {query}\n{table}");
        }
    }
}

#[tokio::test]
async fn a_consumer_sees_the_claims_of_the_token_that_its_route_needs() {
    let table = format!(
        "{AUTH}{}{}{}{}",
        route("connect", "path = '/'\nauth = 'user'"),
        route("receive", "path = '/'\nwhen = { as = 'admin' }\nauth = 'admin'"),
        route("receive", "path = '/'\nwhen = { as = 'anybody' }\nauth = false"),
        route("receive", "path = '/'"),
    );
    let mut service = Noted::serve(&table).await;
    let query = [shown("user", json!({"sub": "anna"})), shown("admin", json!({"sub": "root"}))];
    let mut client = service.connect(&format!("/?{}", query.join("&"))).await;
    assert_eq!(client.text().await, "websocket.connect");
    for message in [r#"{"as": "admin"}"#, r#"{"as": "anybody"}"#, "{}"] {
        client.send_text(message).await;
        assert_eq!(client.text().await, "websocket.receive");
    }
    for sub in ["anna", "root", "anna", "anna"] {
        let (event, claims) = service.notes.recv().await.expect("four events");
        assert_eq!(claims.expect("there are claims")["sub"], sub, "{event}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_needs_the_token_of_the_route_that_takes_it_and_no_other() {
    let table = format!(
        "{AUTH}{}{}{}",
        "[[route]]\nchannel = 'http.request'\nconsumer = 'note'\npath = '/work'\n\
         when = { as = 'admin' }\nauth = 'admin'\n",
        "[[route]]\nchannel = 'http.request'\nconsumer = 'note'\npath = '/work'\nauth = 'user'\n",
        "[[route]]\nchannel = 'http.request'\nconsumer = 'note'\npath = '/open'\nauth = false\n",
    );
    let service = Noted::serve(&table).await;
    let (user, admin) = (shown("user", json!({})), shown("admin", json!({})));
    for (target, body, status) in [
        (format!("/work?{user}"), "{}", 200),
        (format!("/work?{user}"), r#"{"as": "admin"}"#, 401),
        (format!("/work?{admin}"), r#"{"as": "admin"}"#, 200),
        (format!("/work?{admin}"), "{}", 401),
        ("/open".to_owned(), "{}", 200),
    ] {
        let url = format!("http://{}{target}", service.address);
        let answer = tokio::task::spawn_blocking(move || post(&url, body)).await.expect("it ends");
        assert_eq!(answer.status, status, "{target} {body}");
    }
}
