//! Tests of reloads, in addition to those of `replace` and `state`: when a consumer counts as
//! unchanged, and the groups and envelopes of open connections.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;

use super::super::TestClient;
use crate::config::RoutingConfig;
use crate::consumer::{Registry, SocketConsumer};
use crate::error::Error;
use crate::extract::Text;
use crate::layer::ChannelLayer;
use crate::message::Message;
use crate::reply::{Payload, Reply, ReplyChannel};
use crate::routing::Router;
use crate::service::Service;
use crate::state::{Host, State, Stateful};

/// The number of states that have been made so far.
static MADE: AtomicUsize = AtomicUsize::new(0);

/// The states that are starting, and the most that have started at one time.
static STARTING: [AtomicUsize; 2] = [AtomicUsize::new(0), AtomicUsize::new(0)];

/// A state that starts when the gate of its number opens.
struct Gated(usize);

/// The gates, which are closed at first.
static GATES: [Semaphore; 3] = [const { Semaphore::const_new(0) }; 3];

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Gate {
    gate: usize,
}

impl Stateful for Gated {
    type Options = Gate;

    async fn start(options: Gate, _: &Host) -> Result<Self, Error> {
        let [starting, most] = &STARTING;
        most.fetch_max(starting.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
        GATES[options.gate].acquire().await?.forget();
        starting.fetch_sub(1, Ordering::Relaxed);
        Ok(Self(options.gate))
    }
}

/// A state that reads a file when it starts.
struct Words {
    text: String,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Options {
    file: PathBuf,
    #[serde(default)]
    twice: bool,
}

impl Stateful for Words {
    type Options = Options;

    async fn start(options: Options, _: &Host) -> Result<Self, Error> {
        MADE.fetch_add(1, Ordering::Relaxed);
        let text = fs::read_to_string(options.file).map_err(Error::failed)?;
        Ok(Self { text: if options.twice { text.repeat(2) } else { text } })
    }

    fn files(options: &Options) -> Vec<PathBuf> {
        vec![options.file.clone()]
    }
}

struct Sayer(State<Words>);

impl SocketConsumer for Sayer {
    async fn on_message(&mut self, socket: &ReplyChannel, _: Payload) -> Result<(), Error> {
        socket.send(self.0.text.clone())
    }
}

/// A temporary file, which is removed when the test ends.
struct File(PathBuf);

impl File {
    fn new(name: &str) -> Self {
        let name = format!("waterway-{}-reload-{name}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn registry() -> Registry {
    Registry::new()
        .function("words", async |words: State<Words>, Text(_): Text| words.text.clone())
        .state::<Words>("words")
        .socket("sayer", |words: State<Words>| Sayer(words))
        .state::<Words>("sayer")
        .function("join", async |client: ReplyChannel, layer: ChannelLayer| {
            layer.group("all").add(&client).await
        })
        .function("tell", async |Text(text): Text, layer: ChannelLayer| {
            layer.group("all").send(Reply::text(text)).await.map(|_| ())
        })
        .function("upper", async |Text(text): Text| text.to_uppercase())
        .function("gated", async |gate: State<Gated>, Text(_): Text| gate.0.to_string())
        .state::<Gated>("gated")
        .function("count", async |message: Message| {
            let scope = message.scope().map(Arc::clone).unwrap_or_default();
            let count = scope.slot(&"count".into(), || AtomicUsize::new(0));
            (count.fetch_add(1, Ordering::Relaxed) + 1).to_string()
        })
}

fn table(text: &str) -> Router {
    Router::parse(text, &registry()).unwrap_or_else(|loaded| panic!("{loaded}"))
}

fn route(channel: &str, path: &str, consumer: &str, more: &str) -> String {
    let route = format!("[[route]]\nchannel = 'websocket.{channel}'\npath = '{path}'\n");
    format!("{route}consumer = '{consumer}'\n{more}\n")
}

async fn answer(client: &mut TestClient, text: &str) -> String {
    client.send(text.to_owned()).await;
    client.receive().await.text().to_owned()
}

#[tokio::test]
async fn unchanged_means_equal_resolved_text_and_watched_files() {
    let file = File::new("watched");
    let text = |spelling: &str| {
        let file = file.0.display();
        format!("[consumer.it]\nuse = 'words'\n{spelling} = '{file}'\n")
            + &route("receive", "/", "it", "")
    };
    fs::write(&file.0, "one").unwrap();
    let service = Service::start(table(&text("file"))).await.unwrap();
    let mut client = TestClient::connect(&service, "/").await.unwrap();
    assert_eq!(answer(&mut client, "?").await, "one");
    let made = || MADE.load(Ordering::Relaxed);
    let before = made();
    // Another spelling, and a file that is written again without a change.
    fs::write(&file.0, "one").unwrap();
    let changes = service.replace(table(&text("\"file\""))).await.unwrap();
    assert!(changes.is_empty() && made() == before, "{changes}");
    fs::write(&file.0, "two").unwrap();
    let changes = service.replace(service.router()).await.unwrap();
    assert_eq!(changes.to_string(), "changed consumers: it");
    assert_eq!(answer(&mut client, "?").await, "two");
    // A file with which the state cannot start changes nothing.
    fs::remove_file(&file.0).unwrap();
    service.replace(service.router()).await.unwrap_err();
    assert_eq!(answer(&mut client, "?").await, "two");
    fs::write(&file.0, "three").unwrap();
    service.replace(service.router()).await.unwrap();
    assert_eq!(answer(&mut client, "?").await, "three");
}

/// The table of this text and these variables of the environment.
fn table_with(text: &str, variables: &[(&str, &str)]) -> Router {
    let find = |name: &str| {
        let found = variables.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    let loaded = RoutingConfig::parse(text, "routing.toml", &find);
    let built = Router::build(loaded, &registry());
    built.unwrap_or_else(|loaded| panic!("{loaded}")).0
}

#[tokio::test]
async fn a_variable_that_changes_counts_and_its_name_does_not() {
    let [one, two] = [File::new("resolved-one"), File::new("resolved-two")];
    let text = |file: &str| {
        format!("[consumer.it]\nuse = 'words'\nfile = '{file}'\n")
            + &route("receive", "/", "it", "")
    };
    for (file, word) in [(&one, "one"), (&two, "two")] {
        fs::write(&file.0, word).unwrap();
    }
    let [one, two] = [&one, &two].map(|file| file.0.to_str().unwrap());
    let service = Service::start(table(&text(one))).await.unwrap();
    let same = table_with(&text("${WORDS}"), &[("WORDS", one)]);
    let changes = service.replace(same).await.unwrap();
    assert!(changes.is_empty(), "{changes}");
    let other = table_with(&text("${WORDS}"), &[("WORDS", two)]);
    let changes = service.replace(other).await.unwrap();
    assert_eq!(changes.to_string(), "changed consumers: it");
}

#[tokio::test]
async fn replacements_run_one_at_a_time_and_a_new_state_is_ready_before_it_gets_events() {
    let text = |gate: usize| {
        format!("[consumer.it]\nuse = 'gated'\ngate = {gate}\n") + &route("receive", "/", "it", "")
    };
    GATES[0].add_permits(1);
    let service = Service::start(table(&text(0))).await.unwrap();
    let mut client = TestClient::connect(&service, "/").await.unwrap();
    let replacements = [1, 2].map(|gate| {
        let service = service.clone();
        tokio::spawn(async move { service.replace(table(&text(gate))).await.unwrap() })
    });
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
    assert_eq!(answer(&mut client, "?").await, "0", "the new state is not ready");
    for gate in &GATES[1..] {
        gate.add_permits(1);
    }
    for replacement in replacements {
        replacement.await.unwrap();
    }
    assert_eq!(answer(&mut client, "?").await, "2");
    assert_eq!(STARTING[1].load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn socket_instances_of_a_changed_consumer_stay_at_most_retire_then_close_1012() {
    let file = File::new("retire");
    fs::write(&file.0, "one").unwrap();
    let text = |more: &str| {
        let file = file.0.display();
        let consumer = format!("[consumer.it]\nuse = 'sayer'\nfile = '{file}'\n{more}\n");
        format!("[server]\nretire = '10m'\n{consumer}") + &route("*", "/", "it", "")
    };
    let service = Service::start(table(&text(""))).await.unwrap();
    let mut old = TestClient::connect(&service, "/").await.unwrap();
    let mut silent = TestClient::connect(&service, "/").await.unwrap();
    assert_eq!(answer(&mut old, "?").await, "one");
    assert_eq!(answer(&mut silent, "?").await, "one");

    service.replace(table(&text("twice = true"))).await.unwrap();
    let mut new = TestClient::connect(&service, "/").await.unwrap();
    assert_eq!(answer(&mut new, "?").await, "oneone");
    // A replacement that leaves the consumer as it is does not give the old ones more time.
    tokio::time::sleep(Duration::from_secs(590)).await;
    let other = text("twice = true") + &route("receive", "/upper", "upper", "");
    service.replace(table(&other)).await.unwrap();
    assert_eq!(answer(&mut old, "?").await, "one");
    tokio::time::sleep(Duration::from_secs(11)).await;
    for client in [&mut old, &mut silent] {
        assert_eq!(client.receive().await.close_code(), 1012);
    }
    assert_eq!(answer(&mut new, "?").await, "oneone");
}

#[tokio::test]
async fn groups_connection_state_and_envelope_of_open_connections_stay() {
    let text = |consumer: &str, envelope: &str| {
        route("connect", "/", "join", &format!("envelope = '{envelope}'"))
            + &route("receive", "/", consumer, "")
            + &route("receive", "/count", "count", "")
    };
    let service = Service::start(table(&text("tell", "text"))).await.unwrap();
    let mut old = TestClient::connect(&service, "/").await.unwrap();
    let mut counting = TestClient::connect(&service, "/count").await.unwrap();
    assert_eq!(answer(&mut counting, "?").await, "1");
    service.replace(table(&text("tell", "none"))).await.unwrap();
    assert_eq!(answer(&mut counting, "?").await, "2");
    let mut new = TestClient::connect(&service, "/").await.unwrap();
    new.send("hello").await;
    assert_eq!(new.receive().await.text(), "hello");
    assert_eq!(old.receive().await.json(), serde_json::json!({"text": "hello"}));
    service.replace(table(&text("upper", "none"))).await.unwrap();
    assert_eq!(answer(&mut new, "x").await, "X");
    assert_eq!(service.layer().group("all").len().await.unwrap(), 2);
}
