//! The whole job: from a client's message through the queue to its answer, both files written.

use bytes::Bytes;
use divan::Bencher;
use divan::counter::ItemsCount;
use tokio::runtime::Builder;
use waterway::Service;
use waterway::testing::{self, TestClient};

use super::photo::{Case, cases};

#[divan::bench(args = cases())]
fn whole(bencher: Bencher<'_, '_>, case: Case) {
    let folder = tempfile::tempdir().expect("a folder");
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    // Consumers run on it, from the workers' threads too.
    let _entered = runtime.enter();
    let service = runtime.block_on(service(&folder.path().display().to_string()));
    let mut client =
        runtime.block_on(TestClient::connect(&service, "/ws/1")).expect("it is let in");
    let greeting = runtime.block_on(client.receive());
    assert_eq!(greeting.text(), "{}");
    let message = message(case);
    bencher.counter(ItemsCount::new(1_u32)).bench_local(|| {
        runtime.block_on(async {
            client.send(message.clone()).await;
            let answer = client.receive().await;
            assert!(answer.text().contains(r#""url""#), "{answer:?}");
        });
    });
}

/// The binary framing, so that base64 is measured apart.
fn message(Case { size, zoom }: Case) -> Bytes {
    let header = serde_json::json!({"uuid": 1, "zoom": zoom, "rType": "plain"}).to_string();
    let length = u16::try_from(header.len()).expect("a short header");
    [&length.to_be_bytes(), header.as_bytes(), size.file()].concat().into()
}

async fn service(folder: &str) -> Service {
    let table = format!(
        r#"
        [limits]
        message = "32MiB"

        [queue.images]
        consumer = "pictures"
        workers  = 1

        [consumer.pictures]
        use    = "image.work"
        folder = {folder:?}

        [consumer.pictures.results]
        plain = []

        [[route]]
        channel  = "websocket.connect"
        path     = "/ws/{{page}}"
        consumer = "image.connect"

        [[route]]
        channel  = "websocket.receive"
        path     = "/ws/{{page}}"
        queue    = "images"
        consumer = "image.receive"
        "#
    );
    testing::start(&table, &waterway_consumers::registry()).await
}
