//! What an event costs on its way through the contract of events and actions.
//!
//! ```sh
//! cargo bench --bench contract
//! ```
//!
//! A client without a socket sends 64 bytes and waits for them: to a compiled consumer that returns
//! a text, to one that returns `Actions`, to a program in Python, and to a webhook whose events are
//! signed. The difference of the first two is the cost of the contract itself. Then 64 clients send to
//! one program at a time.

#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

mod receiver;

use std::time::{Duration, Instant};

use waterway::testing::{self, TestClient};
use waterway::{Actions, Service, Text};

const MESSAGE: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// How often each figure is taken; the best one is printed, because others have disturbed the rest.
const ROUNDS: usize = 5;

fn table() -> String {
    let lib = concat!(env!("CARGO_MANIFEST_DIR"), "/lib");
    let program = "import waterway; waterway.run(lambda event: event['text'])";
    let program = format!(
        "[consumer.program]\nexec = ['python3', '-c', \"{program}\"]\n\
         env = {{ PYTHONPATH = '{lib}' }}\nconcurrency = 64\n"
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
    println!("one client, a webhook: {:?} an event", alone(&service, "/webhook", 10_000).await);
    println!("64 clients, a program: {:.0} events/s", together(&service, "/program", 2_000).await);
    service.stop().await;
}
