//! A channel layer that processes of waterway and of Django share.

use std::net::SocketAddr;
use std::ops::Deref;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::time::sleep;

use crate::util::{Client, PATIENCE, Peer, Redis, RedisKind, Service, request};

/// How the layer works.
#[derive(Debug, Clone, Copy)]
pub(super) struct Way {
    kind: RedisKind,
    servers: usize,
    /// Whether it is like `channels_redis.core`, and not like `channels_redis.pubsub`.
    pub(super) has_sets: bool,
    is_encrypted: bool,
    capacity: usize,
}

impl Way {
    pub(super) fn new(kind: RedisKind) -> Self {
        Self { kind, servers: 1, has_sets: true, is_encrypted: false, capacity: 100 }
    }

    pub(super) fn published(self) -> Self {
        Self { has_sets: false, ..self }
    }

    pub(super) fn encrypted(self) -> Self {
        Self { is_encrypted: true, ..self }
    }

    pub(super) fn over(self, servers: usize) -> Self {
        Self { servers, ..self }
    }

    pub(super) fn with_capacity(self, capacity: usize) -> Self {
        Self { capacity, ..self }
    }
}

/// The servers of a layer.
pub(super) struct Shared {
    pub(super) servers: Vec<Redis>,
    way: Way,
}

/// The secret of encrypted messages.
const SECRET: &str = "a secret of sixteen bytes or more";

impl Shared {
    pub(super) fn start(way: Way) -> Self {
        let servers = (0..way.servers).map(|_| Redis::start(way.kind)).collect();
        Self { servers, way }
    }

    /// A process of waterway.
    pub(super) fn waterway(&self) -> Waterway {
        let urls: Vec<String> = self.servers.iter().map(Redis::url).collect();
        let way = if self.way.has_sets {
            format!("capacity = {}", self.way.capacity)
        } else {
            "channels_redis = 'pubsub'".to_owned()
        };
        let keys = if self.way.is_encrypted { vec![SECRET] } else { Vec::new() };
        let table = format!("url = {urls:?}\n{way}\nsymmetric_encryption_keys = {keys:?}\n");
        Waterway::start(&TABLE.replace(URL, &table))
    }

    /// A site of Django.
    pub(super) fn site(&self) -> Peer {
        Peer::start_with("channels_redis_site.py", &[("LAYER", &self.settings())])
    }

    /// `manage.py runworker` for this channel.
    pub(super) fn worker(&self, channel: &str) -> Peer {
        let settings = self.settings();
        Peer::start_with("channels_redis_site.py", &[("LAYER", &settings), ("WORKER", channel)])
    }

    /// Connects. A worker that publishes and subscribes hears nothing until it has subscribed, so its
    /// clients are refused until then.
    pub(super) async fn connect_when_listening(
        &self,
        url: &str,
        headers: &[(&str, &str)],
    ) -> Client {
        let began = Instant::now();
        loop {
            match Client::try_connect(url, headers).await {
                Ok(client) => return client,
                Err(status) => assert!(
                    !self.way.has_sets && status == 503 && began.elapsed() < PATIENCE,
                    "refused with {status} after {:?}",
                    began.elapsed()
                ),
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// `CHANNEL_LAYERS["default"]`.
    fn settings(&self) -> String {
        let hosts: Vec<String> = self.servers.iter().map(Redis::url).collect();
        let mut config = json!({"hosts": hosts});
        if self.way.is_encrypted {
            config["symmetric_encryption_keys"] = json!([SECRET]);
        }
        let backend = if self.way.has_sets {
            config["capacity"] = self.way.capacity.into();
            "channels_redis.core.RedisChannelLayer"
        } else {
            "channels_redis.pubsub.RedisPubSubChannelLayer"
        };
        json!({"BACKEND": backend, "CONFIG": config}).to_string()
    }
}

/// A process of waterway with a chat room, a worker of Django, and an admin listener.
pub(super) struct Waterway {
    service: Service,
    admin: SocketAddr,
}

pub(super) const TABLE: &str = r#"
[server]
listen = "127.0.0.1:0"
[admin]
listen = "127.0.0.1:0"
[layer]
backend = "redis"
url     = "redis://127.0.0.1"
forward = "chat.news"
[consumer.enter]
use   = "group.join"
group = "room"
[consumer.say]
use   = "group.send"
group = "room"
[[route]]
channel  = "websocket.connect"
path     = "/room"
consumer = "enter"
[[route]]
channel  = "websocket.receive"
path     = "/room"
consumer = "say"
[consumer.worker]
django = "app"
[[route]]
channel  = "websocket.*"
path     = "/app/{name}"
consumer = "worker"
"#;

/// The line of the table that is replaced by the servers of the test.
pub(super) const URL: &str = "url     = \"redis://127.0.0.1\"\n";

impl Waterway {
    fn start(table: &str) -> Self {
        let service = Service::start(table);
        let line = service.wait_for_log("the admin listener answers");
        let address = line.split("http://").nth(1).unwrap().split(['"', ' ']).next().unwrap();
        let admin = address.parse().unwrap();
        Self { service, admin }
    }

    /// The name of the only client on a path.
    pub(super) fn client_on(&self, path: &str) -> String {
        let line = self.service.wait_for_log(&format!("path=\"{path}\""));
        line.split("client=").nth(1).unwrap().split(' ').next().unwrap().to_owned()
    }

    /// Applies actions; returns the status.
    pub(super) fn act(&self, body: &Value) -> u16 {
        let url = format!("http://{}/v1/actions", self.admin);
        request("POST", &url, &[], body.to_string()).status
    }

    /// What the admin listener says of the layer.
    pub(super) fn report(&self) -> Value {
        request("GET", &format!("http://{}/v1/layer", self.admin), &[], "").json()
    }
}

impl Deref for Waterway {
    type Target = Service;

    fn deref(&self) -> &Service {
        &self.service
    }
}

/// A browser that is connected to a site of Django.
pub(super) struct Browser {
    client: Client,
    /// The channel of its consumer.
    pub(super) channel: String,
}

impl Browser {
    pub(super) async fn open(site: &Peer) -> Self {
        let mut client = Client::connect(&format!("ws://{}/member", site.address)).await;
        let channel = client.json().await["channel"].as_str().unwrap().to_owned();
        Self { client, channel }
    }

    /// Has the site call this method of its channel layer.
    pub(super) async fn ask(&mut self, method: &str, arguments: Value) {
        self.client.send_text(json!({method: arguments}).to_string()).await;
    }

    /// The next message.
    pub(super) async fn next(&mut self) -> Value {
        self.client.json().await
    }

    /// The content of the next message, which must be `websocket.send`.
    pub(super) async fn got(&mut self) -> Value {
        self.next().await["got"].take()
    }
}
