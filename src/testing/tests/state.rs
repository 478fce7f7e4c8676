//! Tests of consumers' states: made once for each name of the table, shared by all that use the
//! name, and stopped when they are no longer used.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::Deserialize;

use super::super::{TestClient, start};
use crate::consumer::{Registry, SocketConsumer};
use crate::error::Error;
use crate::extract::Text;
use crate::message::{Message, TaskUuid};
use crate::queue::{Task, TaskQueue};
use crate::reply::{Payload, ReplyChannel};
use crate::routing::Router;
use crate::service::{Service, StartError};
use crate::state::{Host, State, Stateful};

/// What happened to the counters of one test, in order.
type Log = Arc<Mutex<Vec<String>>>;

/// The logs of the tests, by their names in the tables.
static LOGS: Mutex<Vec<(String, Log)>> = Mutex::new(Vec::new());

#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Options {
    log: String,
    name: String,
    #[serde(default)]
    fails: bool,
}

/// A shared counter, which logs its start and its stop for its test.
struct Counter {
    log: Log,
    name: String,
    count: AtomicUsize,
}

impl Counter {
    fn next(&self) -> String {
        format!("{} {}", self.name, self.count.fetch_add(1, Ordering::Relaxed))
    }
}

impl Stateful for Counter {
    type Options = Options;

    async fn start(options: Options, host: &Host) -> Result<Self, Error> {
        let Options { log, name, fails } = options;
        let logs = LOGS.lock().unwrap();
        let log = Arc::clone(&logs.iter().find(|(known, _)| *known == log).unwrap().1);
        if fails {
            return Err(Error::failed(format!("{} is told to fail", host.consumer())));
        }
        log.lock().unwrap().push(format!("start {name}"));
        Ok(Self { log, name, count: AtomicUsize::new(1) })
    }

    async fn stop(&self) {
        self.log.lock().unwrap().push(format!("stop {}", self.name));
    }
}

struct Socket(State<Counter>);

impl SocketConsumer for Socket {
    async fn on_message(&mut self, socket: &ReplyChannel, _: Payload) -> Result<(), Error> {
        socket.send(self.0.next())
    }
}

async fn push(message: Message, queue: TaskQueue) {
    queue.push(Task::new(TaskUuid::random(), message)).await;
}

async fn work(counter: State<Counter>, Text(_): Text) -> String {
    counter.next()
}

fn registry() -> Registry {
    Registry::new()
        .function("push", push)
        .function("count", work)
        .state::<Counter>("count")
        .background("count", |counter: State<Counter>| async move {
            counter.next();
        })
        .socket("socket", Socket)
        .state::<Counter>("socket")
}

/// The log that the counters of this test write.
fn log(test: &str) -> Log {
    let log = Log::default();
    LOGS.lock().unwrap().push((test.into(), Arc::clone(&log)));
    log
}

/// Waits until the log has this many lines, and takes them.
async fn taken(log: &Log, lines: usize) -> Vec<String> {
    let enough = async {
        while log.lock().unwrap().len() < lines {
            tokio::task::yield_now().await;
        }
    };
    let waited = tokio::time::timeout(super::super::PATIENCE, enough).await;
    let taken = std::mem::take(&mut *log.lock().unwrap());
    assert!(waited.is_ok(), "{taken:?}");
    taken
}

fn declared(test: &str, consumer: &str, uses: &str, more: &str) -> String {
    format!("[consumer.{consumer}]\nuse = '{uses}'\nlog = '{test}'\n{more}\n")
}

fn route(path: &str, consumer: &str) -> String {
    format!("[[route]]\nchannel = 'websocket.receive'\npath = '{path}'\nconsumer = '{consumer}'\n")
}

async fn answer(client: &mut TestClient) -> String {
    client.send("x").await;
    client.receive().await.text().to_owned()
}

#[tokio::test]
async fn routes_queues_and_jobs_that_name_one_consumer_share_its_state() {
    let log = log("shared");
    let queue = |name| format!("[queue.{name}]\nconsumer = 'one'\nworkers = 1\n");
    let message = "channel = 'websocket.receive'\npath";
    let table = [
        declared("shared", "one", "count", "name = 'one'"),
        declared("shared", "other", "count", "name = 'other'"),
        queue("a"),
        queue("b"),
        format!("[[route]]\n{message} = '/a'\nconsumer = 'push'\nqueue = 'a'\n"),
        format!("[[route]]\n{message} = '/b'\nconsumer = 'push'\nqueue = 'b'\n"),
        format!("[[route]]\n{message} = '/one'\nconsumer = 'one'\n"),
        format!("[[route]]\n{message} = '/one/again'\nconsumer = 'one'\n"),
        format!("[[route]]\n{message} = '/other'\nconsumer = 'other'\n"),
    ];
    let service = start(&table.concat(), &registry()).await;
    assert_eq!(taken(&log, 2).await, ["start one", "start other"]);
    let mut counts = Vec::new();
    for path in ["/a", "/b", "/one", "/one/again", "/other"] {
        counts.push(answer(&mut TestClient::connect(&service, path).await.unwrap()).await);
    }
    // The jobs have counted before.
    assert_eq!(counts, ["one 2", "one 3", "one 4", "one 5", "other 2"]);
    service.stop().await;
    assert_eq!(taken(&log, 2).await, ["stop one", "stop other"]);
}

#[tokio::test]
async fn a_state_is_kept_while_its_options_stay_and_stopped_when_nothing_uses_it() {
    let log = log("kept");
    let table = |of_sockets: &str| {
        let mut tables = [
            declared("kept", "sockets", "socket", of_sockets),
            declared("kept", "kept", "count", "name = 'kept'"),
        ];
        if of_sockets == "name = 'second'" {
            // In another order, and elsewhere.
            tables[1] = "\n[consumer.kept]\nname = 'kept'\nlog = 'kept'\nuse = 'count'\n".into();
            tables.reverse();
        }
        let table = [tables.concat(), route("/", "sockets"), route("/kept", "kept")];
        Router::parse(&table.concat(), &registry()).unwrap()
    };
    let service = Service::start(table("name = 'first'")).await.unwrap();
    let mut client = TestClient::connect(&service, "/").await.unwrap();
    let mut other = TestClient::connect(&service, "/kept").await.unwrap();
    assert_eq!((&*answer(&mut client).await, &*answer(&mut other).await), ("first 1", "kept 2"));
    assert_eq!(taken(&log, 2).await, ["start kept", "start first"]);

    let changes = service.replace(table("name = 'second'")).await.unwrap();
    assert_eq!(changes.to_string(), "changed consumers: sockets");
    assert_eq!(taken(&log, 1).await, ["start second"]);
    // The instance of an open connection keeps the former state, and new connections get the new
    // one.
    let mut newcomer = TestClient::connect(&service, "/").await.unwrap();
    assert_eq!(answer(&mut newcomer).await, "second 1");
    assert_eq!((&*answer(&mut client).await, &*answer(&mut other).await), ("first 2", "kept 3"));
    client.disconnect(1000).await;
    assert_eq!(taken(&log, 1).await, ["stop first"]);
}

#[tokio::test]
async fn a_state_that_does_not_start_changes_nothing() {
    let log = log("fails");
    let table = |name: &str, fails: bool| {
        let options = |name: &str| format!("name = '{name}'");
        let table = [
            declared("fails", "b", "count", &options(name)),
            declared("fails", "c", "count", &format!("name = 'c'\nfails = {fails}")),
            route("/", "b"),
            route("/c", if fails { "c" } else { "b" }),
        ];
        Router::parse(&table.concat(), &registry()).unwrap()
    };
    let service = Service::start(table("first", false)).await.unwrap();
    assert_eq!(taken(&log, 1).await, ["start first"]);
    let mut client = TestClient::connect(&service, "/").await.unwrap();
    let before = answer(&mut client).await;
    let error = service.replace(table("second", true)).await.unwrap_err();
    assert_eq!(error.to_string(), "the consumer c cannot start: c is told to fail");
    assert_eq!(taken(&log, 2).await, ["start second", "stop second"]);
    assert!(before.starts_with("first") && answer(&mut client).await.starts_with("first"));
    service.clone().stop().await;
    let stopped = service.replace(table("third", false)).await.unwrap_err();
    assert!(matches!(stopped, StartError::Stopped), "{stopped}");
    assert_eq!(taken(&log, 1).await, ["stop first"], "a stopped service starts no state");

    let failed = Service::start(table("fourth", true)).await.unwrap_err();
    assert!(matches!(failed, StartError::State { .. }), "{failed}");
    assert_eq!(taken(&log, 2).await, ["start fourth", "stop fourth"]);
}

#[test]
fn options_and_a_missing_state_are_mistakes_of_the_table() {
    let report = |registry: &Registry, options: &str| {
        let table = format!("[consumer.one]\nuse = 'count'\n{options}\n{}", route("/", "one"));
        Router::parse(&table, registry).unwrap_err().report().to_string()
    };
    let wrong = report(&registry(), "log = 'x'\nname = 5");
    assert!(wrong.contains("4:8") && wrong.ends_with("1 mistake"), "{wrong}");
    let without = Registry::new().function("count", work);
    let without = report(&without, "");
    assert!(without.contains("one has no state of the type"), "{without}");
}

/// A state that does one task at a time.
struct Single;

#[derive(Deserialize, schemars::JsonSchema)]
struct NoOptions {}

impl Stateful for Single {
    type Options = NoOptions;

    async fn start(_: NoOptions, _: &Host) -> Result<Self, Error> {
        Ok(Self)
    }

    fn tasks(_: &NoOptions) -> Option<usize> {
        Some(1)
    }
}

#[tokio::test]
async fn a_queue_begins_no_more_tasks_than_the_state_of_its_consumer_does() {
    async fn work(_: State<Single>, message: Message) {
        let cancelled = message.cancellation.cancelled();
        cancelled.await;
    }
    let registry =
        Registry::new().function("push", push).function("work", work).state::<Single>("work");
    let table = "[queue.q]\nconsumer = 'work'\nworkers = 2\n[[route]]\n\
                 channel = 'websocket.receive'\nconsumer = 'push'\nqueue = 'q'";
    let service = start(table, &registry).await;
    let client = TestClient::connect(&service, "/").await.unwrap();
    for text in ["a", "b", "c"] {
        client.send(text).await;
    }
    let (queue, mut looks) = (service.queue("q").unwrap(), 0);
    while looks < 20 {
        let (queued, running) = queue.depth();
        assert!(running <= 1, "{running}");
        looks += usize::from((queued, running) == (2, 1));
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
