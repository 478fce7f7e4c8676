//! The contract of events and actions: one table of cases, run unchanged against every kind of
//! consumer. `docs/events.md` shows the table.

mod case;
mod kinds;

use std::net::SocketAddr;

use self::case::cases;

/// Runs every case against the service at this address, and reports all that differ.
async fn conform(address: SocketAddr) {
    let mut differing = Vec::new();
    let cases = cases();
    assert!(cases.len() >= 50, "{} cases", cases.len());
    for case in cases {
        let name = case.name.clone();
        if let Err(error) = tokio::spawn(case.run(address)).await {
            differing.push(format!("{name}: {error}"));
        }
    }
    assert!(differing.is_empty(), "cases differ:\n{}", differing.join("\n"));
}

#[tokio::test]
async fn compiled_consumers_conform() {
    conform(kinds::native().await).await;
}

#[tokio::test]
async fn programs_conform() {
    let service = kinds::program();
    conform(service.address()).await;
}

#[tokio::test]
async fn webhooks_conform() {
    conform(kinds::webhook().await).await;
}
