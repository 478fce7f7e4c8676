//! Addresses of a Redis server in `[layer] url`: TLS, users with few rights, unix sockets, and
//! sentinels that name another server after a failover.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::time::timeout;

use crate::util::{
    Client, PATIENCE, Page, Redis, RedisKind, Service, ends, flat, picture_table, root, waterway,
};

const CHAT: &str = "\
[consumer.enter]
use = 'group.join'
group = 'room'
[consumer.say]
use = 'group.send'
group = 'room'
[[route]]
channel = 'websocket.connect'
path = '/room'
consumer = 'enter'
[[route]]
channel = 'websocket.receive'
path = '/room'
consumer = 'say'
";

/// The rights that docs/scale.md gives a user of the server.
const RIGHTS: &str = "~asgi* &asgi* +@all -@admin -@dangerous";

/// A table with a queue and a chat over the server of this address.
fn table(url: &str) -> String {
    let layer = format!("[layer]\nbackend = 'redis'\nurl = '{url}'\nlease = '2s'\n");
    layer + CHAT + &picture_table("", "")
}

fn start(url: &str) -> Service {
    Service::start_with(&table(url), |command| {
        command.env("SSL_CERT_FILE", root().join("tests/webhook/ca.pem"));
    })
}

/// What one process says, a client of the other hears; and a picture is done.
async fn both_work(here: &Service, there: &Service) {
    let mut listener = Client::connect(&there.ws("/room")).await;
    let mut speaker = Client::connect(&here.ws("/room")).await;
    speaker.send_text("hello").await;
    assert_eq!(speaker.text().await, "hello");
    assert_eq!(listener.text().await, "hello");
    let mut page = Page::open(here).await;
    page.send_all(&[(1, 0)]).await;
    assert_eq!(ends(&page.answers(1).await), [(1, "done")]);
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

#[tokio::test]
async fn a_server_is_reached_over_tls_a_unix_socket_and_as_a_user_with_few_rights() {
    let text = fs::read_to_string(root().join("docs/scale.md")).unwrap();
    assert!(text.contains(RIGHTS), "docs/scale.md has these rights: {RIGHTS}");
    let certificates = root().join("tests/webhook");
    let file = |name: &str| certificates.join(name).to_str().unwrap().to_owned();
    let tls_port = free_port().to_string();
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("redis.sock").to_str().unwrap().to_owned();
    let (certificate, key, authority) = (file("localhost.pem"), file("key.pem"), file("ca.pem"));
    let mut arguments = vec!["--tls-port", &tls_port, "--tls-cert-file", &certificate];
    arguments.extend(["--tls-key-file", &key, "--tls-ca-cert-file", &authority]);
    arguments.extend(["--tls-auth-clients", "no", "--unixsocket", &socket]);
    arguments.extend(["--user", "waterway", "on", ">sec:ret@"]);
    arguments.extend(RIGHTS.split(' '));
    arguments.extend(["--user", "default", "off"]);
    let redis = Redis::start_with(RedisKind::Redis, &arguments);
    let login = "waterway:sec:ret%40";
    for url in [
        format!("redis://{login}@127.0.0.1:{}", redis.port()),
        format!("rediss://{login}@localhost:{tls_port}"),
        format!("redis+unix://{login}@{socket}"),
    ] {
        let services = [start(&url), start(&url)];
        both_work(&services[0], &services[1]).await;
        for service in services {
            let log = service.log();
            assert!(!log.contains("sec") && !log.contains("Redis is away"), "{log}");
        }
    }
}

#[tokio::test]
async fn check_says_why_a_server_does_not_answer_and_never_shows_the_password() {
    let redis = Redis::start_with(RedisKind::Redis, &["--requirepass", "right"]);
    let port = redis.port();
    let folder = tempfile::tempdir().unwrap();
    for (url, why) in [
        (format!("redis://127.0.0.1:{port}"), "NOAUTH"),
        (format!("redis://:wrong-secret@127.0.0.1:{port}"), "Password authentication failed"),
        (format!("redis://127.0.0.1:{}", free_port()), "refused"),
    ] {
        fs::write(folder.path().join("routing.toml"), table(&url)).unwrap();
        let output = waterway(folder.path(), &["check", "--start"]);
        let said =
            String::from_utf8_lossy(&output.stderr) + String::from_utf8_lossy(&output.stdout);
        assert!(!output.status.success() && said.contains(why), "{url}: {said}");
        assert!(!said.contains("wrong-secret"), "{said}");
    }
}

/// A sentinel that watches one server. It is killed when it is dropped.
struct Sentinel(Child);

impl Sentinel {
    fn start(folder: &Path, port: u16, master: u16) -> Self {
        let config = folder.join("sentinel.conf");
        let lines = format!(
            "port {port}\nbind 127.0.0.1\ndir {}\nsentinel monitor main 127.0.0.1 {master} 1\n\
             sentinel down-after-milliseconds main 500\nsentinel failover-timeout main 3000\n",
            folder.display()
        );
        fs::write(&config, lines).unwrap();
        let mut command = Command::new("redis-server");
        command.arg(&config).arg("--sentinel").stdin(Stdio::null()).stdout(Stdio::null());
        Self(command.spawn().unwrap())
    }
}

impl Drop for Sentinel {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Whether a replica has all that its server has, so that it can take its place.
fn is_in_step(replica: &Redis) -> bool {
    replica.info("replication").contains("master_link_status:up")
}

#[tokio::test]
async fn after_a_failover_the_server_that_sentinels_name_is_used() {
    let mut master = Redis::start(RedisKind::Redis);
    let of = format!("127.0.0.1 {}", master.port());
    let replica = Redis::start_with(RedisKind::Redis, &["--replicaof", &of]);
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let _sentinel = Sentinel::start(folder.path(), port, master.port());
    let url = format!("redis+sentinel://127.0.0.1:{port}/main");
    let services = [start(&url), start(&url)];
    both_work(&services[0], &services[1]).await;
    services[0].wait_until(|| is_in_step(&replica));
    // The sentinel learns of replicas from their server, every ten seconds.
    let knows =
        || Redis::command(port, "SENTINEL REPLICAS main").contains(&replica.port().to_string());
    services[0].wait_until(knows);
    let mut page = Page::open(&services[0]).await;
    page.send(json!({"uuid": 1, "rType": "slow", "progress": true}), &flat(300, 300)).await;
    master.kill();
    services[0].wait_until(|| replica.info("replication").contains("role:master"));
    page.send(json!({"uuid": 2}), &flat(300, 300)).await;
    let patience = Instant::now() + PATIENCE;
    let mut answered = Vec::new();
    while answered.len() < 2 {
        assert!(Instant::now() < patience, "{answered:?}");
        let answer = page.answer().await;
        match answer["code"].as_str() {
            // New tasks are refused for as long as no server is known.
            Some("refused") => page.send(json!({"uuid": answer["uuid"]}), &flat(300, 300)).await,
            None if answer["url"].is_string() => answered.push(answer["uuid"].clone()),
            code => assert!(code.is_none(), "{answer}"),
        }
    }
    // Each process finds the new server when it next uses it. Until then its messages reach its own
    // clients alone.
    let mut listener = Client::connect(&services[1].ws("/room")).await;
    let mut speaker = Client::connect(&services[0].ws("/room")).await;
    while timeout(Duration::from_secs(1), listener.text()).await.is_err() {
        assert!(Instant::now() < patience, "the processes do not find each other");
        speaker.send_text("hello").await;
    }
    both_work(&services[0], &services[1]).await;
}
