//! When a client was last heard of: what pings and the idle time-out go by.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, sleep_until};

/// When the client was last heard of.
pub(super) struct Seen {
    start: Instant,
    /// Milliseconds after `start`.
    last: AtomicU64,
    /// It is not being read because its inbox is full, and cannot be heard.
    busy: AtomicBool,
}

/// Why nothing was read from a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Idle {
    /// It has sent nothing.
    Silent,
    /// Its inbox stayed full, so it was not read.
    Full,
}

impl Seen {
    pub(super) fn new() -> Self {
        Self { start: Instant::now(), last: AtomicU64::new(0), busy: AtomicBool::new(false) }
    }

    fn now(&self) {
        let passed = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last.store(passed, Ordering::Relaxed);
    }

    pub(super) fn set_busy(&self, busy: bool) {
        self.busy.store(busy, Ordering::Relaxed);
        self.now();
    }

    fn last(&self) -> Instant {
        self.start + Duration::from_millis(self.last.load(Ordering::Relaxed))
    }

    /// Waits until nothing has come for so long, neither since the client was last heard of nor
    /// since `asked`.
    pub(super) async fn quiet(&self, limit: Duration, asked: Instant) {
        loop {
            let until = self.last().max(asked) + limit;
            if Instant::now() >= until {
                return;
            }
            sleep_until(until).await;
        }
    }

    /// Waits until nothing has been read for this long, and returns why.
    pub(super) async fn idle(&self, limit: Duration) -> Idle {
        self.quiet(limit, self.start).await;
        if self.busy.load(Ordering::Relaxed) { Idle::Full } else { Idle::Silent }
    }
}

/// A client's stream, which notes when anything comes over it. Any part of a message is a sign of
/// the client: a large one may take longer than a client may be silent.
pub(super) struct Heard<S> {
    stream: S,
    seen: Arc<Seen>,
}

impl<S> Heard<S> {
    pub(super) fn new(stream: S, seen: &Arc<Seen>) -> Self {
        Self { stream, seen: Arc::clone(seen) }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Heard<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        if buffer.filled().len() > before {
            self.seen.now();
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Heard<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
