//! Tables that replace each other under traffic: no message is lost, and no resource is left over.

use std::fs;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde::Deserialize;
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use waterway::{
    Error, Host, Message, Registry, Router, Service, State, Stateful, Task, TaskQueue, TaskUuid,
    Text, server,
};

use crate::util::{Client, PATIENCE};

const CLIENTS: usize = 200;
const SWAPS: usize = 1000;

/// How much the process may grow, KiB. The allocator does not give all back at once, and on a busy
/// machine more messages are under way. A thousand states or tables that stay take far more.
const GROWTH: usize = 4096;

/// The test runs in a process of its own, whose threads, descriptors and memory are the service's
/// and its clients'. This variable of the environment says that it does.
const ALONE: &str = "WATERWAY_REPLACE_ALONE";

/// How many states there are.
static STATES: AtomicUsize = AtomicUsize::new(0);

/// Something that starts, stops, and takes memory in between.
struct Prefix {
    text: String,
    _memory: Vec<u8>,
}

#[derive(Deserialize, schemars::JsonSchema)]
struct Options {
    prefix: String,
}

impl Stateful for Prefix {
    type Options = Options;

    async fn start(options: Options, _: &Host) -> Result<Self, Error> {
        STATES.fetch_add(1, Ordering::Relaxed);
        Ok(Self { text: options.prefix, _memory: vec![1; 100_000] })
    }

    async fn stop(&self) {
        STATES.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn answer(Text(text): Text, prefix: State<Prefix>) -> String {
    format!("{} {text}", prefix.text)
}

async fn push(message: Message, queue: TaskQueue) {
    queue.push(Task::new(TaskUuid::random(), message)).await;
}

/// Two tables that have everything different but the paths.
fn tables() -> [Router; 2] {
    let registry =
        Registry::new().function("answer", answer).state::<Prefix>("answer").function("push", push);
    let route =
        |path, more| format!("[[route]]\nchannel = 'websocket.receive'\npath = '{path}'\n{more}\n");
    let table = |prefix, deadline, more: &str| {
        let at_once = route("/at/once", "consumer = 'it'");
        let task = route("/task", "consumer = 'push'\nqueue = 'tasks'");
        let text = format!(
            "[server]\ndrain = '1s'\n[consumer.it]\nuse = 'answer'\nprefix = '{prefix}'\n\
             [queue.tasks]\nconsumer = 'it'\nworkers = 2\ndeadline = '{deadline}'\n\
             {at_once}{task}{more}"
        );
        Router::parse(&text, &registry).unwrap_or_else(|loaded| panic!("{loaded}"))
    };
    let other = "[queue.other]\nconsumer = 'answer'\nworkers = 1\n[consumer.answer]\n\
                 use = 'answer'\nprefix = 'x'\n";
    let other = format!("{other}{}", route("/{any}", "consumer = 'push'\nqueue = 'other'"));
    [table("one", "60s", ""), table("two", "61s", &other)]
}

/// The resources of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Usage {
    threads: usize,
    descriptors: usize,
    kib: usize,
    states: usize,
}

impl Usage {
    fn now() -> Self {
        let process = fs::read_to_string("/proc/self/status").expect("Linux tells");
        let field = |name: &str| {
            let line = process.lines().find_map(|line| line.strip_prefix(name));
            let number = line.and_then(|rest| rest.split_whitespace().next());
            number.and_then(|number| number.parse().ok()).expect("a number")
        };
        let descriptors = fs::read_dir("/proc/self/fd").expect("Linux tells").count();
        let states = STATES.load(Ordering::Relaxed);
        Self { threads: field("Threads:"), descriptors, kib: field("VmRSS:"), states }
    }

    /// Whether it is no more than before.
    fn is_within(&self, before: &Self) -> bool {
        self.threads <= before.threads
            && self.descriptors <= before.descriptors
            && self.states <= before.states
            && self.kib <= before.kib + GROWTH
    }
}

#[test]
fn replacing_tables_under_traffic_loses_and_leaks_nothing() {
    if std::env::var_os(ALONE).is_some() {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build();
        runtime.expect("a runtime").block_on(tables_are_replaced_under_traffic());
        return;
    }
    let test = "replace::replacing_tables_under_traffic_loses_and_leaks_nothing";
    let program = std::env::current_exe().expect("the test program");
    let mut alone = Command::new(program);
    // With one arena, freed memory is used again whichever thread has freed it.
    let environment = [(ALONE, "1"), ("MALLOC_ARENA_MAX", "1")];
    alone.args([test, "--exact", "--nocapture"]).envs(environment);
    let output = alone.output().expect("it starts");
    let [out, error] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    assert!(output.status.success() && out.contains("1 passed"), "{out}\n{error}");
}

async fn tables_are_replaced_under_traffic() {
    let tables = tables();
    let service = Service::start(tables[0].clone()).await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(server::run(listener, service.clone(), std::future::pending()));
    let (answers, is_over) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    // Every client has connected before anything is counted.
    let mut clients = Vec::with_capacity(CLIENTS);
    for number in 0..CLIENTS {
        let path = if number.is_multiple_of(2) { "at/once" } else { "task" };
        let client = Client::connect(&format!("ws://{address}/{path}")).await;
        clients.push(tokio::spawn(ask(client, answers.clone(), is_over.clone())));
    }
    swap(&service, &tables, SWAPS / 5, &answers).await;
    let before = Usage { states: 1, ..Usage::now() };
    let (asked, begun) = (answers.load(Ordering::Relaxed), Instant::now());
    swap(&service, &tables, SWAPS, &answers).await;
    let (asked, took) = (answers.load(Ordering::Relaxed) - asked, begun.elapsed());
    // States, workers and freed memory go when the last message of their table has ended.
    while !Usage::now().is_within(&before) {
        let after = Usage::now();
        assert!(begun.elapsed() < took + PATIENCE, "{before:?} before, {after:?} after");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    eprintln!("{SWAPS} swaps and {asked} answers in {took:?}: {before:?}, {:?}", Usage::now());
    is_over.store(true, Ordering::Relaxed);
    for client in clients {
        client.await.unwrap();
    }
    service.stop().await;
    assert_eq!(Usage::now().states, 0);
}

/// Replaces the table this many times, with answers between two replacements.
async fn swap(service: &Service, tables: &[Router; 2], count: usize, answers: &AtomicUsize) {
    for number in 0..count {
        let before = answers.load(Ordering::Relaxed);
        service.replace(tables[(number + 1) % 2].clone()).await.unwrap();
        while answers.load(Ordering::Relaxed) < before + 5 {
            tokio::task::yield_now().await;
        }
    }
}

/// Asks one question after the other, and has the answer to each.
async fn ask(mut client: Client, answers: Arc<AtomicUsize>, is_over: Arc<AtomicBool>) {
    let mut question = 0_u64;
    while !is_over.load(Ordering::Relaxed) {
        question += 1;
        client.send_text(question.to_string()).await;
        // A client that is closed panics here.
        let answer = client.text().await;
        let is_answer = ["one", "two"].map(|table| format!("{table} {question}")).contains(&answer);
        assert!(is_answer, "{answer} for {question}");
        answers.fetch_add(1, Ordering::Relaxed);
    }
}
