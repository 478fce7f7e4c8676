//! Webhooks: events go to an HTTP endpoint, and its answers to the client.
//!
//! `tests/webhook` has certificates for the tests: of `localhost`, of another host, and one that no
//! authority has signed.

mod bad;
mod example;
mod tasks;

use std::sync::{Arc, Condvar, Mutex};

use serde_json::json;

use crate::util::{Client, Posted, Receiver, Service, answered, post, request, waterway};

/// A table with one webhook for everything below `/hook`.
fn table(receiver: &Receiver, options: &str) -> String {
    format!(
        r#"
        [consumer.hook]
        http  = "{}"
        hosts = ["127.0.0.1", "localhost"]
        {options}

        [[route]]
        channel  = ["websocket.connect", "websocket.receive", "http.request"]
        path     = "/hook"
        consumer = "hook"
        "#,
        receiver.url()
    )
}

/// Sends the text of the event back, and accepts everything else.
fn echo(posted: &Posted, stream: &mut dyn crate::util::Stream) -> bool {
    let event = posted.event();
    let answer = match &event["text"] {
        serde_json::Value::Null => answered("204 No Content", ""),
        text => answered("200 OK", &json!({"actions": [{"send": {"text": text}}]}).to_string()),
    };
    stream.write_all(&answer).is_ok()
}

/// A gate that holds answers back until it is opened.
#[derive(Clone, Default)]
struct Held(Arc<(Mutex<bool>, Condvar)>);

impl Held {
    fn wait(&self) {
        let (open, changed) = &*self.0;
        let _open = changed.wait_while(open.lock().unwrap(), |open| !*open).unwrap();
    }

    fn open(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }
}

#[tokio::test]
async fn an_event_is_one_signed_post_over_a_kept_connection() {
    let receiver = Receiver::start(echo);
    // "0123456789abcdef01234567" in base64.
    let options = "secret = 'whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3'\nheaders = ['cookie']";
    let service = Service::start(&table(&receiver, options));
    let headers = [("cookie", "a=1"), ("x-other", "secret")];
    let mut client = Client::try_connect(&service.ws("/hook?q=1"), &headers).await.unwrap();
    for n in 0..10 {
        client.send_text(format!("text {n}")).await;
        assert_eq!(client.text().await, format!("text {n}"));
    }
    assert_eq!(receiver.connections(), 1, "the connection is kept");
    let requests = receiver.requests();
    assert_eq!(requests.len(), 11);
    for posted in &requests {
        let event = posted.event();
        assert_eq!(posted.line, "POST /events?key=word HTTP/1.1");
        assert_eq!(event["headers"], json!({"cookie": "a=1"}), "only listed headers are passed on");
        assert_eq!(posted.headers["content-type"], "application/json");
        assert_eq!(event["id"], posted.headers["webhook-id"]);
        assert!(posted.headers["webhook-signature"].starts_with("v1,"));
        assert!(!posted.headers.contains_key("cookie"), "{posted:?}");
    }
    assert_eq!(requests[0].event()["channel"], "websocket.connect");
    assert_eq!(requests[1].event()["text"], "text 0");
    assert_ne!(requests[1].headers["webhook-id"], requests[2].headers["webhook-id"]);
}

#[tokio::test]
async fn while_a_secret_is_replaced_events_have_both_signatures() {
    let receiver = Receiver::start(echo);
    let service = Service::start(&table(&receiver, "secret = ['the new one', 'the old one']"));
    assert_eq!(post(&service.url("/hook"), "hi").status, 204);
    let signatures = receiver.requests()[0].headers["webhook-signature"].clone();
    let signatures: Vec<_> = signatures.split(' ').collect();
    assert!(signatures.len() == 2 && signatures[0] != signatures[1], "{signatures:?}");
}

#[test]
fn a_request_gets_the_webhooks_response() {
    let response = json!({"actions": [{"respond": {"status": 201, "headers": {"x-a": "1"}, "json": {"n": 1}}}]});
    let receiver = Receiver::answering(answered("200 OK", &response.to_string()));
    let service = Service::start(&table(&receiver, ""));
    let answer = post(&service.url("/hook"), "body");
    assert_eq!((answer.status, answer.header("x-a"), answer.text()), (201, "1", "{\"n\": 1}"));
    assert_eq!(receiver.requests()[0].event()["bytes"], "Ym9keQ==");
}

#[test]
fn over_tls_the_certificate_is_checked_against_the_systems_authorities() {
    let receiver = Receiver::start_tls("localhost.pem", echo);
    let table = table(&receiver, "").replace("https://127.0.0.1", "https://localhost");
    let service = Service::start_with(&table, |command| {
        command.env("SSL_CERT_FILE", crate::util::root().join("tests/webhook/ca.pem"));
    });
    assert_eq!(post(&service.url("/hook"), "hi").status, 204);
    assert_eq!(post(&service.url("/hook"), "hi").status, 204);
    assert_eq!(receiver.connections(), 1, "the connection is kept");
}

#[test]
fn without_authorities_no_https_webhook_starts() {
    let receiver = Receiver::start_tls("localhost.pem", echo);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("routing.toml"), table(&receiver, "")).unwrap();
    std::fs::write(folder.path().join("none.pem"), "").unwrap();
    let mut command = crate::util::program(folder.path());
    command.env("SSL_CERT_FILE", "none.pem").env_remove("SSL_CERT_DIR");
    let output = command.args(["serve", "--listen", "127.0.0.1:0"]).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && errors.contains("SSL_CERT_FILE"), "{errors}");
}

#[test]
fn check_refuses_hosts_that_are_not_public_unless_the_table_names_them() {
    for (url, hosts, mistake) in [
        ("http://127.0.0.1:9/", "", "127.0.0.1 is not a public address"),
        ("http://localhost:9/", "", "localhost is not a public address"),
        ("https://[::ffff:8.8.8.8]/", "", "[::ffff:808:808] is not a public address"),
        ("http://169.254.169.254/latest", "", "169.254.169.254 is not a public address"),
        ("https://crm.example/", "hosts = 'other.example'", "`hosts` does not name crm.example"),
        ("https://crm.example/", "hosts = '*.crm.example'", "`hosts` does not name crm.example"),
        ("https://a.crm.example/", "hosts = '*.crm.example'", ""),
        ("https://crm.example/", "", ""),
        ("http://10.0.0.1/", "hosts = ['10.0.0.1']", ""),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let table = format!(
            "[consumer.hook]\nhttp = \"{url}\"\n{hosts}\n\
             [[route]]\nchannel = 'websocket.receive'\npath = '/'\nconsumer = 'hook'\n"
        );
        std::fs::write(folder.path().join("routing.toml"), table).unwrap();
        let output = waterway(folder.path(), &["check"]);
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert_eq!(output.status.success(), mistake.is_empty(), "{url} {hosts}: {text}");
        assert!(text.contains(mistake), "{url} {hosts}: {text}");
    }
}

#[tokio::test]
async fn no_more_exchanges_than_the_table_allows_run_at_a_time() {
    let held = Held::default();
    let receiver = Receiver::start({
        let held = held.clone();
        move |posted, stream| {
            held.wait();
            echo(posted, stream)
        }
    });
    let options = "concurrency = 2\npending = { events = 1 }";
    let accepting =
        "\n[[route]]\nchannel = 'websocket.receive'\npath = '/messages'\nconsumer = 'hook'\n";
    let service = Service::start(&(table(&receiver, options) + accepting));
    let mut clients = Vec::new();
    for n in 0..5 {
        let mut client = Client::connect(&service.ws("/messages")).await;
        client.send_text(n.to_string()).await;
        clients.push(client);
    }
    receiver.wait_for(2);
    // Two are sent and one waits; the other two wait in their inboxes. A request would wait too long.
    service.wait_until(|| request("POST", &service.url("/hook"), &[], "hi").status == 503);
    let refused = post(&service.url("/hook"), "hi");
    assert_eq!((refused.status, refused.header("retry-after")), (503, "1"));
    assert_eq!(refused.json()["code"], "refused");
    assert_eq!(Client::try_connect(&service.ws("/hook"), &[]).await.err(), Some(503));
    assert_eq!(receiver.requests().len(), 2);
    held.open();
    for (n, client) in clients.iter_mut().enumerate() {
        assert_eq!(client.text().await, n.to_string());
    }
    assert!(receiver.connections() <= 3, "{}", receiver.connections());
}

#[tokio::test]
async fn an_event_larger_than_what_may_wait_is_too_big() {
    let receiver = Receiver::start(echo);
    let options = "pending = { bytes = '64KiB' }";
    let service = Service::start(&(table(&receiver, options) + "limits = { message = '1MiB' }\n"));
    let mut client = Client::connect(&service.ws("/hook")).await;
    client.send_text("x".repeat(70_000)).await;
    assert_eq!(client.json().await["code"], "too_big");
    client.send_text("x".repeat(60_000)).await;
    assert_eq!(client.text().await.len(), 60_000);
}
