//! The time of a client's last sign of life, on which pings and the idle timeout depend.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, sleep_until};

use super::limits::{LiveLimits, SocketLimits};

/// When the client was last heard from, and the limits that count from then.
pub(super) struct Seen {
    limits: Arc<LiveLimits>,
    start: Instant,
    /// Milliseconds after `start`.
    last: AtomicU64,
    /// Whether its inbox is full, so that it is not read and cannot be heard.
    busy: AtomicBool,
}

/// Why nothing was read from a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Idle {
    /// It was silent.
    Silent,
    /// Its inbox stayed full, so it was not read.
    Full,
}

impl Seen {
    pub(super) fn new(limits: &Arc<LiveLimits>) -> Self {
        let (start, last, busy) = (Instant::now(), AtomicU64::new(0), AtomicBool::new(false));
        Self { limits: Arc::clone(limits), start, last, busy }
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

    /// Waits until a ping is due: the client has been silent for `limits.ping`, counted from its
    /// last sign of life and not before `pinged`.
    pub(super) async fn due(&self, pinged: Instant) {
        self.quiet(|limits| limits.ping, pinged).await;
    }

    /// Waits until nothing has been read for `limits.idle`, and returns the reason.
    pub(super) async fn idle(&self) -> Idle {
        self.quiet(|limits| limits.idle, self.start).await;
        if self.busy.load(Ordering::Relaxed) { Idle::Full } else { Idle::Silent }
    }

    /// Waits until the client has been silent for the time that `limit` returns, counted from its
    /// last sign of life and not before `asked`.
    async fn quiet(&self, limit: impl Fn(SocketLimits) -> Duration, asked: Instant) {
        loop {
            let changed = self.limits.changed();
            let until = self.last().max(asked) + limit(self.limits.get());
            if Instant::now() >= until {
                return;
            }
            tokio::select! {
                () = sleep_until(until) => {}
                () = changed => {}
            }
        }
    }
}

/// A client's stream, which records when bytes arrive. Each part of a message is a sign of life,
/// because a large message may take longer than a client may be silent.
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
