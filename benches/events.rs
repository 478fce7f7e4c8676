//! One event of 64 bytes and its answer, over one connection, without a socket of the client: by a
//! compiled consumer that returns actions, by a program in Python, and by a webhook whose connection is
//! kept.

use divan::Bencher;
use tokio::runtime::{Builder, Runtime};
use waterway::testing::{self, TestClient};
use waterway::{Actions, Text};

use super::receiver;

const TEXT: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

const LIB: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/lib");
const PROGRAM: &str = "import waterway; waterway.run(lambda event: event['text'])";

/// A client of the consumer at this path.
fn client(path: &str) -> (Runtime, TestClient) {
    let answer = async |Text(text): Text| Actions::new().send(&*text);
    let registry = waterway_consumers::general().function("compiled", answer);
    let route = |name| {
        format!("[[route]]\nchannel = 'websocket.receive'\npath = '/{name}'\nconsumer = '{name}'\n")
    };
    let table = match path {
        "/program" => format!(
            "[consumer.program]\nexec = ['python3', '-c', \"{PROGRAM}\"]\n\
             env = {{ PYTHONPATH = '{LIB}' }}\n{}",
            route("program")
        ),
        "/webhook" => format!(
            "[consumer.webhook]\nhttp = '{}'\nhosts = '127.0.0.1'\nsecret = '{TEXT}'\n{}",
            receiver::start(TEXT),
            route("webhook")
        ),
        _ => route("compiled"),
    };
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let client = runtime.block_on(async {
        let service = testing::start(&table, &registry).await;
        TestClient::connect(&service, path).await.expect("accepted")
    });
    (runtime, client)
}

fn bench(bencher: Bencher, path: &str) {
    let (runtime, mut client) = client(path);
    bencher.bench_local(|| {
        runtime.block_on(async {
            client.send(TEXT).await;
            client.receive().await
        })
    });
}

#[divan::bench]
fn event_compiled(bencher: Bencher) {
    bench(bencher, "/compiled");
}

#[divan::bench]
fn event_program(bencher: Bencher) {
    bench(bencher, "/program");
}

#[divan::bench]
fn event_webhook(bencher: Bencher) {
    bench(bencher, "/webhook");
}
