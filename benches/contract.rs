//! What an event costs on its way through the contract of events and actions.
//!
//! ```sh
//! cargo bench --bench contract
//! ```
//!
//! A client without a socket sends 64 bytes and waits for them: to a compiled consumer that returns
//! a text, to one that returns `Actions`, to a program in Python, and to a webhook whose events are
//! signed. The difference of the first two is the cost of the contract itself. The same program is
//! also run with nothing but its pipes. Then 64 clients send to one program at a time.

#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

mod receiver;

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use waterway::testing::{self, TestClient};
use waterway::{Actions, Service, Text};

const MESSAGE: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// How often each figure is taken; the best one is printed, because others have disturbed the rest.
const ROUNDS: usize = 5;

const PROGRAM: &str = "import waterway; waterway.run(lambda event: event['text'])";

/// The folder of the helper that the program imports.
const LIB: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/lib");

fn table() -> String {
    let program = format!(
        "[consumer.program]\nexec = ['python3', '-c', \"{PROGRAM}\"]\n\
         env = {{ PYTHONPATH = '{LIB}' }}\nconcurrency = 64\n"
    );
    let route = |consumer: &str| {
        format!(
            "[[route]]\nchannel = 'websocket.receive'\npath = '/{consumer}'\n\
             consumer = '{consumer}'\n"
        )
    };
    let webhook = format!(
        "[consumer.webhook]\nhttp = '{}'\nhosts = '127.0.0.1'\nsecret = '{MESSAGE}'\n",
        receiver::start(MESSAGE)
    );
    program + &webhook + &["text", "actions", "program", "webhook"].map(route).concat()
}

/// The time of one event of one client. The client is a task of the runtime, as a connection is: a
/// thread of its own would have to be woken for each answer.
async fn alone(service: &Service, path: &str, events: u32) -> Duration {
    let mut client = TestClient::connect(service, path).await.expect("accepted");
    let running = tokio::spawn(async move {
        let mut best = Duration::MAX;
        for _ in 0..ROUNDS {
            let began = Instant::now();
            for _ in 0..events {
                client.send(MESSAGE).await;
                client.receive().await;
            }
            best = best.min(began.elapsed() / events);
        }
        client.disconnect(1000).await;
        best
    });
    running.await.expect("a client that waits for its answers")
}

/// The time of one event of the program with nothing but its pipes.
fn pipes_alone(events: u32) -> Duration {
    let mut command = Command::new("python3");
    command.args(["-c", PROGRAM]).env("PYTHONPATH", LIB);
    let program = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut program = program.expect("python3 is installed");
    let mut input = program.stdin.take().expect("it is a pipe");
    let mut output = BufReader::new(program.stdout.take().expect("it is a pipe"));
    let event = format!(
        "{{\"id\":\"e1\",\"channel\":\"websocket.receive\",\"client\":\"{MESSAGE}\",\
         \"path\":\"/program\",\"query\":\"\",\"params\":{{}},\"text\":\"{MESSAGE}\"}}\n"
    );
    let mut line = String::new();
    let mut read = || {
        line.clear();
        output.read_line(&mut line).expect("a line");
    };
    read();
    let mut best = Duration::MAX;
    for _ in 0..ROUNDS {
        let began = Instant::now();
        for _ in 0..events {
            input.write_all(event.as_bytes()).expect("the program reads");
            read();
        }
        best = best.min(began.elapsed() / events);
    }
    drop(input);
    program.wait().expect("it ends with its input");
    best
}

/// The events per second of 64 clients, each of which waits for its answer.
async fn together(service: &Service, path: &'static str, events: u32) -> f64 {
    const CLIENTS: u32 = 64;
    let mut best = f64::MAX;
    for _ in 0..ROUNDS {
        let mut clients = Vec::new();
        for _ in 0..CLIENTS {
            clients.push(TestClient::connect(service, path).await.expect("accepted"));
        }
        let began = Instant::now();
        let running = clients.into_iter().map(|mut client| {
            tokio::spawn(async move {
                for _ in 0..events {
                    client.send(MESSAGE).await;
                    client.receive().await;
                }
                client
            })
        });
        for running in running.collect::<Vec<_>>() {
            running.await.expect("a client that waits for its answers");
        }
        best = best.min(began.elapsed().as_secs_f64());
    }
    f64::from(CLIENTS * events) / best
}

#[tokio::main]
async fn main() {
    let registry = waterway_consumers::general()
        .function("text", async |Text(text): Text| text.to_string())
        .function("actions", async |Text(text): Text| Actions::new().send(&*text));
    let service = testing::start(&table(), &registry).await;
    let text = alone(&service, "/text", 100_000).await;
    let actions = alone(&service, "/actions", 100_000).await;
    println!("one client, a text: {text:?} an event");
    println!("one client, actions: {actions:?} an event, {:?} more", actions.saturating_sub(text));
    println!("one client, a program: {:?} an event", alone(&service, "/program", 10_000).await);
    println!("the same program, pipes alone: {:?} an event", pipes_alone(10_000));
    println!("one client, a webhook: {:?} an event", alone(&service, "/webhook", 10_000).await);
    println!("64 clients, a program: {:.0} events/s", together(&service, "/program", 2_000).await);
    service.stop().await;
}
