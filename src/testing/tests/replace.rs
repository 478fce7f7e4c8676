//! Tests of replacing the table: what is kept, and what follows the new table.

use std::sync::{Arc, Mutex};

use tokio::sync::Semaphore;

use super::super::{Handshake, TestClient};
use super::{Calls, Noting};
use crate::auth::{Algorithm, sign};
use crate::consumer::{Registry, SocketConsumer};
use crate::error::Error;
use crate::extract::{CloseCode, Options, Text};
use crate::message::{Message, TaskUuid};
use crate::queue::{Task, TaskQueue};
use crate::reply::{Payload, ReplyChannel};
use crate::routing::Router;
use crate::service::Service;

#[derive(serde::Deserialize, schemars::JsonSchema, Default)]
#[serde(default)]
struct Named {
    name: String,
}

/// Counts its messages.
#[derive(Default)]
struct Tally(u32);

impl SocketConsumer for Tally {
    async fn on_message(&mut self, socket: &ReplyChannel, _: Payload) -> Result<(), Error> {
        self.0 += 1;
        socket.send(self.0.to_string())
    }
}

/// Pushes the message as a task of its own text's name.
async fn push(message: Message, Text(text): Text, queue: TaskQueue) -> Result<(), Error> {
    queue.push(Task::new(TaskUuid::new(text.to_string())?, message)).await;
    Ok(())
}

/// `name` says what its options say, `tally` counts, `hold` waits for the gate, `note` notes.
struct Scene {
    registry: Registry,
    gate: Arc<Semaphore>,
    calls: Calls,
    closed: Arc<Mutex<Vec<u16>>>,
}

impl Scene {
    fn new() -> Self {
        let (gate, calls) = (Arc::new(Semaphore::new(0)), Calls::default());
        let closed = Arc::<Mutex<Vec<u16>>>::default();
        let (held, noted, reported) = (Arc::clone(&gate), calls.clone(), Arc::clone(&closed));
        let jobs = calls.clone();
        let registry = Registry::new()
            .function("name", async |options: Options<Named>, Text(_): Text| options.name.clone())
            .function("hold", move |options: Options<Named>, Text(text): Text| {
                let gate = Arc::clone(&held);
                async move {
                    gate.acquire().await?.forget();
                    Ok::<_, Error>(format!("{} {text}", options.name))
                }
            })
            .function("push", push)
            .function("left", move |CloseCode(code): CloseCode| {
                reported.lock().unwrap().push(code);
                async {}
            })
            .socket("tally", Tally::default)
            .socket("note", move || Noting(noted.clone()))
            .background("name", move |options: Options<Named>| {
                let present = super::Present(jobs.clone());
                jobs.note(if options.name == "one" { "job one" } else { "job two" });
                async move {
                    let _present = present;
                    std::future::pending::<()>().await;
                }
            });
        Self { registry, gate, calls, closed }
    }

    fn table(&self, text: &str) -> Router {
        Router::parse(text, &self.registry).unwrap_or_else(|loaded| panic!("{loaded}"))
    }

    async fn serve(&self, text: &str) -> Service {
        Service::start(self.table(text)).await.unwrap()
    }

    /// Replaces the table; returns the changes in one line.
    async fn replace(&self, service: &Service, text: &str) -> String {
        service.replace(self.table(text)).await.unwrap().to_string()
    }
}

fn on(channel: &str, path: &str, consumer: &str, more: &str) -> String {
    let route = format!("[[route]]\nchannel = 'websocket.{channel}'\npath = '{path}'\n");
    format!("{route}consumer = '{consumer}'\n{more}\n")
}

fn named(consumer: &str, uses: &str, name: &str) -> String {
    format!("[consumer.{consumer}]\nuse = '{uses}'\nname = '{name}'\n")
}

async fn answer(client: &mut TestClient, text: &str) -> String {
    client.send(text.to_owned()).await;
    client.receive().await.text().to_owned()
}

async fn settled() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn the_next_message_goes_by_the_new_table_and_instances_stay() {
    let scene = Scene::new();
    let tally = on("receive", "/tally", "tally", "");
    let one = named("it", "name", "one") + &on("receive", "/", "it", "") + &tally;
    let two = named("it", "name", "two")
        + &on("receive", "/{page}", "it", "")
        + &tally
        + &on("receive", "/", "it", "limits = { message = '4B' }");
    let service = scene.serve(&one).await;
    let mut client = TestClient::connect(&service, "/").await.unwrap();
    let mut counted = TestClient::connect(&service, "/tally").await.unwrap();
    assert_eq!(answer(&mut client, "x").await, "one");
    assert_eq!(answer(&mut counted, "x").await, "1");

    let changes = scene.replace(&service, &two).await;
    assert_eq!(
        changes,
        "new routes: websocket.receive /{page}; changed routes: websocket.receive /; \
         changed consumers: it"
    );
    assert_eq!(answer(&mut client, "x").await, "two");
    // An earlier route of the new table takes its path, but the instance stays the same.
    assert_eq!(answer(&mut counted, "x").await, "two");
    client.send("too long").await;
    assert_eq!(client.receive().await.close_code(), 1009);
    scene.replace(&service, &one).await;
    assert_eq!(answer(&mut counted, "x").await, "2");
    assert_eq!(scene.replace(&service, &one).await, "nothing has changed");
}

#[tokio::test]
async fn a_message_that_is_being_handled_ends_as_it_began() {
    let scene = Scene::new();
    let table = |name| named("it", "hold", name) + &on("receive", "/", "it", "");
    let service = scene.serve(&table("one")).await;
    let mut client = TestClient::connect(&service, "/").await.unwrap();
    client.send("a").await;
    client.send("b").await;
    settled().await;
    scene.replace(&service, &table("two")).await;
    scene.gate.add_permits(2);
    assert_eq!(client.receive().await.text(), "one a");
    assert_eq!(client.receive().await.text(), "two b");
}

#[tokio::test(start_paused = true)]
async fn a_message_that_waits_for_its_rate_goes_by_the_new_table() {
    let scene = Scene::new();
    let table =
        |name| named("it", "name", name) + &on("receive", "/", "it", "limits = { rate = '1/s' }");
    let service = scene.serve(&table("one")).await;
    let mut client = TestClient::connect(&service, "/").await.unwrap();
    assert_eq!(answer(&mut client, "a").await, "one");
    client.send("b").await;
    settled().await;
    scene.replace(&service, &table("two")).await;
    client.send("c").await;
    let names = [client.receive().await, client.receive().await];
    assert_eq!(names.map(|name| name.text().to_owned()), ["two", "two"]);
}

#[tokio::test]
async fn a_client_whose_path_is_gone_is_told_and_closed() {
    let scene = Scene::new();
    let gone = on("receive", "/gone", "name", "") + &on("disconnect", "/gone", "left", "");
    let sockets = on("*", "/notes", "note", "");
    let stays = on("receive", "/stays", "name", "");
    let service = scene.serve(&[&*gone, &sockets, &stays].concat()).await;
    let mut client = TestClient::connect(&service, "/gone").await.unwrap();
    let mut noted = TestClient::connect(&service, "/notes").await.unwrap();
    let mut other = TestClient::connect(&service, "/stays").await.unwrap();
    assert_eq!(scene.calls.taken(), ["job two", "open"]);
    let changes = scene.replace(&service, &stays).await;
    assert_eq!(
        changes,
        "removed routes: websocket.receive /gone, websocket.disconnect /gone, websocket.* /notes; \
         removed consumers: left, note"
    );
    for client in [&mut client, &mut noted] {
        assert_eq!(client.receive().await.close_code(), 1012);
    }
    // Even if the path comes back before it has left.
    scene.replace(&service, &(gone + &stays)).await;
    client.send("not handled").await;
    client.disconnect(1012).await;
    noted.disconnect(1012).await;
    assert_eq!(*scene.closed.lock().unwrap(), [1012]);
    assert_eq!(scene.calls.taken(), ["close"]);
    assert_eq!(answer(&mut other, "x").await, "");
}

#[tokio::test]
async fn another_token_closes_and_another_key_counts_for_new_clients() {
    const KEYS: [&str; 2] =
        ["a secret of more than 32 bytes, number one", "another, long enough too, number two"];
    let scene = Scene::new();
    let table = |key: &str, names: &[&str], auth: &str| {
        let tokens = names
            .iter()
            .map(|name| format!("[auth.{name}]\nsecret = '{key}'\nfrom = 'query:{name}'\n"));
        tokens.collect::<String>() + &on("*", "/", "tally", auth)
    };
    let token = |key: &str| {
        let claims = serde_json::json!({"sub": "u"});
        format!("/?user={}", sign(Algorithm::HS256, key, claims.as_object().unwrap()).unwrap())
    };
    let service = scene.serve(&table(KEYS[0], &["user"], "auth = 'user'")).await;
    let mut client = TestClient::connect(&service, &token(KEYS[0])).await.unwrap();
    assert_eq!(answer(&mut client, "x").await, "1");

    let changes = scene.replace(&service, &table(KEYS[1], &["user"], "auth = 'user'")).await;
    assert_eq!(changes, "changed tokens: user");
    assert_eq!(answer(&mut client, "x").await, "2");
    let mut late = TestClient::connect(&service, &token(KEYS[0])).await.unwrap();
    late.receive().await;
    assert_eq!(late.receive().await.close_code(), 3000);

    scene.replace(&service, &table(KEYS[1], &["user"], "")).await;
    assert_eq!(answer(&mut client, "x").await, "3", "fewer tokens are demanded");
    scene.replace(&service, &table(KEYS[1], &["user", "admin"], "auth = 'admin'")).await;
    assert_eq!(client.receive().await.close_code(), 3000);
}

#[tokio::test]
async fn a_changed_queue_keeps_its_tasks_and_a_removed_one_answers_them() {
    let scene = Scene::new();
    let route = on("receive", "/", "push", "queue = 'tasks'");
    let table = |name: &str, queue: &str| {
        let queue = format!("[queue.tasks]\nconsumer = 'it'\n{queue}\n");
        named("it", "hold", name) + &queue + &route
    };
    let service = scene.serve(&table("one", "workers = 1\nwaiting = 1")).await;
    let mut client = TestClient::connect(&service, "/").await.unwrap();
    let queue = service.queue("tasks").unwrap();
    let depth = async |expected: (usize, usize)| {
        let reached = async {
            while queue.depth() != expected {
                tokio::task::yield_now().await;
            }
        };
        let waited = tokio::time::timeout(super::super::PATIENCE, reached).await;
        assert!(waited.is_ok(), "{:?}, not {expected:?}", queue.depth());
    };
    for text in ["a", "b", "c", "d"] {
        client.send(text).await;
    }
    depth((3, 1)).await;
    let small = "workers = 1\nwaiting = 1\nmax_tasks = { client = 2, total = 2 }";
    let changes = scene.replace(&service, &table("two", small)).await;
    assert_eq!(changes, "changed consumers: it; changed queues: tasks");
    client.send("e").await;
    let refused = client.receive().await.json();
    assert_eq!((&refused["code"], &refused["uuid"]), (&"refused".into(), &"e".into()));
    // A task that has begun ends on the former consumer.
    scene.gate.add_permits(2);
    assert_eq!(client.receive().await.text(), "one a");
    assert_eq!(client.receive().await.text(), "two b");
    depth((1, 1)).await;

    // The new table has more workers.
    scene.replace(&service, &table("two", "workers = 3\nwaiting = 1")).await;
    depth((0, 2)).await;
    client.send("f").await;
    depth((0, 3)).await;
    client.send("g").await;
    depth((1, 3)).await;

    let changes = scene.replace(&service, &on("receive", "/", "name", "")).await;
    assert!(changes.contains("removed queues: tasks"), "{changes}");
    let refused = client.receive().await.json();
    assert_eq!((&refused["code"], &refused["uuid"]), (&"refused".into(), &"g".into()));
    scene.gate.add_permits(3);
    let mut ends = Vec::new();
    for _ in 0..3 {
        ends.push(client.receive().await.text().to_owned());
    }
    ends.sort();
    assert_eq!(ends, ["two c", "two d", "two f"]);
    assert_eq!(answer(&mut client, "x").await, "");
    assert!(service.queue("tasks").is_none());
    let leaves = async {
        assert_eq!(client.receive().await.close_code(), 1012);
        client.disconnect(1012).await;
    };
    tokio::join!(service.stop(), leaves);
}

#[tokio::test]
async fn a_job_runs_on_while_its_consumer_stays() {
    let scene = Scene::new();
    let table = |name| named("it", "name", name) + &on("receive", "/", "it", "");
    let service = scene.serve(&table("one")).await;
    settled().await;
    assert_eq!(scene.calls.taken(), ["job one"]);
    scene.replace(&service, &(table("one") + "\n[server]\ndrain = '1s'\n")).await;
    settled().await;
    assert_eq!(scene.calls.taken(), [""; 0]);
    scene.replace(&service, &table("two")).await;
    settled().await;
    let mut calls = scene.calls.taken();
    calls.sort_unstable();
    assert_eq!(calls, ["ended", "job two"]);
}

#[tokio::test]
async fn changes_name_the_settings_that_stay_until_the_next_start() {
    let scene = Scene::new();
    let route = on("receive", "/", "name", "");
    let table = |server: &str| format!("{server}\n{route}");
    let service = scene.serve(&table("[server]\nlisten = '127.0.0.1:1'\nanswer = '3s'")).await;
    let other =
        "[server]\nlisten = '127.0.0.1:2'\nanswer = '4s'\nthreads = 3\n[limits]\nidle = '9s'";
    assert_eq!(
        scene.replace(&service, &table(other)).await,
        "changed: server.answer, limits.idle; kept until the next start: server.threads, \
         server.listen"
    );
    assert_eq!(service.router().server().answer.duration().as_secs(), 4);
    let reply = Handshake::new("/").request(&service, http::Method::GET, "").await;
    assert_eq!(reply.status.unwrap(), 404);
}
