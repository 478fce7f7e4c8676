//! Webhooks that do not answer as they should. Each has a named answer, one line in the log and a
//! bound, and harms nothing else.

use std::thread;
use std::time::Duration;

use crate::util::{Client, Posted, Receiver, Service, Stream, answered, post};

/// A webhook that misbehaves, the code that its client gets, and the reason in the log.
struct Bad {
    name: &'static str,
    receiver: Receiver,
    code: &'static str,
    logged: &'static str,
}

impl Bad {
    fn new(
        name: &'static str,
        (code, logged): (&'static str, &'static str),
        answer: impl Fn(&Posted, &mut dyn Stream) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self { name, receiver: Receiver::start(answer), code, logged }
    }

    /// A webhook with one answer, after which it closes the connection.
    fn says(name: &'static str, logged: &'static str, answer: impl Into<Vec<u8>>) -> Self {
        let answer = answer.into();
        Self::new(name, ("failed", logged), move |_, stream| {
            let _ = stream.write_all(&answer);
            false
        })
    }
}

/// Writes this again and again, until the other side closes the connection.
fn endless(
    beginning: &'static str,
    again: &'static [u8],
) -> impl Fn(&Posted, &mut dyn Stream) -> bool {
    move |_, stream| {
        let _ = stream.write_all(beginning.as_bytes());
        while stream.write_all(again).is_ok() {}
        false
    }
}

/// Writes this again and again, with pauses.
fn dribble(
    beginning: &'static str,
    again: &'static str,
) -> impl Fn(&Posted, &mut dyn Stream) -> bool {
    move |_, stream| {
        let _ = stream.write_all(beginning.as_bytes());
        while stream.write_all(again.as_bytes()).is_ok() {
            thread::sleep(Duration::from_millis(20));
        }
        false
    }
}

fn all() -> Vec<Bad> {
    const SLOW: (&str, &str) = ("expired", "did not answer within 500ms (`timeout`)");
    const HTML: &str =
        "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 13\r\n\r\n<html></html>";
    const CHUNKED: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    const CHUNK: &[u8] = b"10\r\n0123456789abcdef\r\n";
    let large = ("failed", "answered with more than 64KiB (`line`)");
    let broken = ("failed", "broke off the exchange");
    let ok = |content: &str| answered("200 OK", content);
    vec![
        Bad::new("silent", SLOW, |_, stream| {
            // Returns when the other side closes.
            let _ = stream.read(&mut [0]);
            false
        }),
        Bad::new("slow-head", SLOW, dribble("HTTP/1.1 200 OK\r\n", "x-a: b\r\n")),
        Bad::new("slow-body", SLOW, dribble(CHUNKED, "1\r\n \r\n")),
        Bad::new("informs", SLOW, dribble("", "HTTP/1.1 103 Early Hints\r\n\r\n")),
        Bad::says(
            "redirects",
            "redirects to \"http://127.0.0.1:1/\" (307 Temporary Redirect)",
            "HTTP/1.1 307 Temporary Redirect\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n",
        ),
        Bad::says(
            "fails",
            "answered with the status 500",
            answered("500 Oh No", "{\"actions\": []}"),
        ),
        Bad::says("missing", "answered with the status 404", answered("404 Not Found", "")),
        Bad::says(
            "switches",
            "answered with the status 101",
            "HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
        ),
        Bad::says("html", "of type \"text/html\"", HTML),
        Bad::says("half-json", "answered with the wrong content", ok("{\"actions\": [")),
        Bad::says(
            "misspelt",
            "did you mean \"send\"",
            ok(r#"{"actions": [{"sned": {"text": "x"}}]}"#),
        ),
        Bad::says(
            "other-key",
            "answered with the wrong content",
            ok(r#"{"id": "e1", "actions": []}"#),
        ),
        Bad::says(
            "wrong-place",
            "actions[0].answer",
            ok(r#"{"actions": [{"answer": {"text": "x"}}]}"#),
        ),
        Bad::says(
            "not-utf8",
            "answered with the wrong content",
            b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n\xff\xfe".to_vec(),
        ),
        Bad::new(
            "ten-gigabytes",
            large,
            endless("HTTP/1.1 200 OK\r\ncontent-length: 10000000000\r\n\r\n", &[b' '; 1 << 16]),
        ),
        Bad::new("endless", large, endless(CHUNKED, CHUNK)),
        Bad::new(
            "endless-error",
            ("failed", "answered with the status 503"),
            endless("HTTP/1.1 503 No\r\n\r\n", &[b' '; 1 << 16]),
        ),
        Bad::new("endless-head", broken, endless("HTTP/1.1 200 OK\r\n", b"x-a: b\r\n")),
        Bad::says(
            "cut",
            "broke off the exchange",
            "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"actions\"",
        ),
        Bad::says("cut-chunk", "broke off the exchange", CHUNKED.to_owned() + "ff\r\n{"),
        Bad::says("closes", "broke off the exchange", ""),
        Bad::says("speaks-ssh", "broke off the exchange", "SSH-2.0-OpenSSH_9.2\r\n"),
        Bad {
            name: "unknown",
            receiver: Receiver::start_tls("unknown.pem", |_, _| false),
            code: "failed",
            logged: "has a wrong certificate",
        },
        Bad {
            name: "other-host",
            receiver: Receiver::start_tls("other.pem", |_, _| false),
            code: "failed",
            logged: "has a wrong certificate",
        },
        Bad {
            name: "no-tls",
            receiver: Receiver::answering(ok("{}")),
            code: "failed",
            logged: "cannot be reached",
        },
    ]
}

#[tokio::test]
async fn each_bad_webhook_has_a_named_answer_and_one_line_in_the_log() {
    let bad = all();
    let mut table = String::new();
    for Bad { name, receiver, .. } in &bad {
        let url = receiver.url().replace("127.0.0.1", "localhost");
        let url = if *name == "no-tls" { url.replace("http:", "https:") } else { url };
        let webhook = format!(
            "[consumer.{name}]\nhttp = '{url}'\nhosts = 'localhost'\ntimeout = '500ms'\nline = '64KiB'\n\
             breaker = {{ failures = 1000 }}\n\
             [[route]]\nchannel = ['websocket.receive', 'http.request']\npath = '/{name}'\nconsumer = '{name}'\n"
        );
        table += &webhook;
    }
    table += "[[route]]\nchannel = 'websocket.*'\npath = '/echo'\nconsumer = 'echo'\n";
    let service = Service::start_with(&table, |command| {
        command.env("SSL_CERT_FILE", crate::util::root().join("tests/webhook/ca.pem"));
    });
    let mut other = Client::connect(&service.ws("/echo")).await;
    assert_eq!(other.text().await, "connected!");
    let before = service.memory("VmRSS");
    for Bad { name, code, logged, receiver } in &bad {
        let mut client = Client::connect(&service.ws(&format!("/{name}"))).await;
        client.send_text("hi").await;
        let answer = client.json().await;
        assert_eq!(answer["code"], *code, "{name}: {answer}");
        let words = answer["error"].as_str().unwrap();
        let plain = ["the consumer failed", "the consumer did not answer in time"];
        assert!(plain.contains(&words), "a client learns no detail: {answer}");
        let detail = |line: &&str| line.contains(logged) && line.contains(name);
        let told = || service.log().lines().filter(detail).count();
        service.wait_until(|| told() > 0);
        assert_eq!(told(), 1, "{name}: {}", service.log());
        assert!(!service.log().contains("key=word"), "the log shows no secret of a URL");
        let status = post(&service.url(&format!("/{name}")), "hi").status;
        assert_eq!(status, if *code == "expired" { 504 } else { 500 }, "{name}");
        assert!(receiver.connections() <= 4, "{name}");
        other.send_text("still there").await;
        assert_eq!(other.text().await, "still there");
    }
    let grown = service.memory("VmRSS").saturating_sub(before);
    assert!(grown < 64 << 10, "{grown} KiB more");
}

#[tokio::test]
async fn a_host_that_nobody_listens_at_cannot_be_reached() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let table = format!(
        "[consumer.hook]\nhttp = 'http://{free}/'\nhosts = '127.0.0.1'\nbreaker = {{ failures = 2, first = '10m', longest = '10m' }}\n\
         [[route]]\nchannel = ['websocket.connect', 'http.request']\npath = '/'\nconsumer = 'hook'\n"
    );
    let service = Service::start(&table);
    for _ in 0..2 {
        assert_eq!(post(&service.url("/"), "hi").status, 500);
    }
    service.wait_for_log("cannot be reached");
    service.wait_for_log("is given a pause");
    // The breaker answers at once, and says when it tries again.
    let refused = post(&service.url("/"), "hi");
    let seconds: u64 = refused.header("retry-after").parse().unwrap();
    assert_eq!(refused.status, 503);
    assert!((300..=600).contains(&seconds), "{seconds}");
    assert_eq!(Client::try_connect(&service.ws("/"), &[]).await.err(), Some(503));
}

/// A client whose events make the webhook fail does not keep others from it.
#[test]
fn failures_of_single_events_open_no_breaker() {
    let receiver = Receiver::start(|posted, stream| {
        let is_bad = posted.event()["bytes"] == "YmFk";
        let answer =
            if is_bad { answered("500 Oh No", "") } else { answered("204 No Content", "") };
        stream.write_all(&answer).is_ok()
    });
    let service = Service::start(&super::table(&receiver, "breaker = { failures = 1 }"));
    for (body, status) in [("bad", 500), ("bad", 500), ("good", 204), ("bad", 500), ("good", 204)] {
        assert_eq!(post(&service.url("/hook"), body).status, status, "{body}");
    }
}
