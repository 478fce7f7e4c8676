//! File descriptors for connections: how many are available, and what happens when they run out.

use std::io;
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

use crate::machine::raise_open_files;

/// How many descriptors are reserved for listeners, runtimes, and the files that workers read and
/// write.
const RESERVE: usize = 128;

/// How long to wait before the next attempt to accept, because the system does not report when a
/// descriptor becomes free.
const RETRY: Duration = Duration::from_millis(10);

/// How long accepting must succeed before a shortage is over. Without this pause, a service at its
/// limit would log two lines for each connection that ends.
const SETTLED: Duration = Duration::from_secs(5);

/// How many of `connections` this process has descriptors for. It raises the soft limit on open
/// files so that each connection may also send a file. If the hard limit does not even allow one
/// descriptor for each connection, it logs a warning.
pub(super) fn room(connections: usize) -> usize {
    let wanted = connections.saturating_mul(2).saturating_add(RESERVE);
    let limit = raise_open_files(wanted as u64);
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let room = limit.saturating_sub(RESERVE).max(limit / 2).max(1);
    if room >= connections {
        return connections;
    }
    tracing::warn!(
        connections,
        open_files = limit,
        room,
        "the hard limit on open files is too low for [server] connections: only `room` can be open, \
         more wait to be accepted; raise it (ulimit -Hn, LimitNOFILE=)"
    );
    room
}

/// A period in which connections cannot be accepted, because descriptors or another resource of the
/// system are used up. Its beginning and its end are logged.
#[derive(Default)]
pub(super) struct Shortage(Option<Failures>);

struct Failures {
    first: Instant,
    last: Instant,
    count: u64,
}

impl Shortage {
    /// Records an error of accepting, and waits until the next attempt.
    pub(super) async fn failed(&mut self, error: &io::Error) {
        let now = Instant::now();
        let failures = self.0.get_or_insert_with(|| {
            tracing::error!(%error, "connections cannot be accepted and must wait");
            Failures { first: now, last: now, count: 0 }
        });
        failures.last = now;
        failures.count += 1;
        sleep(RETRY).await;
    }

    /// Waits until a shortage is over, and logs that. Without a shortage, it never completes.
    pub(super) async fn ended(&mut self) {
        let Some(failures) = &self.0 else { return std::future::pending().await };
        sleep_until(failures.last + SETTLED).await;
        let lasted = failures.last - failures.first;
        tracing::info!(failures = failures.count, ?lasted, "connections are accepted again");
        self.0 = None;
    }
}
