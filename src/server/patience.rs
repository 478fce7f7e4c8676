//! Ends an HTTP connection whose client does not read its response.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// A client's stream that fails if the client reads no part of a response for too long. Otherwise
/// such clients could keep their connections forever and lock out all others.
pub(super) struct Patience<S, L> {
    stream: S,
    /// Returns the limit, which a reload may change.
    limit: L,
    /// Whether the stream belongs to a WebSocket, whose `slow` decides about slow readers.
    upgraded: Arc<AtomicBool>,
    /// Runs while the client does not read.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<S, L: Fn() -> Duration> Patience<S, L> {
    pub(super) fn new(stream: S, limit: L, upgraded: Arc<AtomicBool>) -> Self {
        Self { stream, limit, upgraded, stalled: None }
    }

    /// The result of a write: the stream's own, or an error if it has been pending for too long.
    fn judge(
        &mut self,
        written: Poll<io::Result<usize>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        if written.is_ready() || self.upgraded.load(Ordering::Relaxed) {
            self.stalled = None;
            return written;
        }
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep((self.limit)())));
        ready!(stalled.as_mut().poll(context));
        let message = "the client does not read its response";
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, message)))
    }
}

impl<S: AsyncRead + Unpin, L: Unpin> AsyncRead for Patience<S, L> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin, L: Fn() -> Duration + Unpin> AsyncWrite for Patience<S, L> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.judge(written, context)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.judge(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::time::timeout;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(10);

    #[tokio::test(start_paused = true)]
    async fn a_client_that_reads_nothing_for_too_long_is_cut_off_and_a_slow_one_is_not() {
        let (mut client, stream) = tokio::io::duplex(1);
        let limit = std::cell::Cell::new(LIMIT);
        let mut stream = Patience::new(stream, || limit.get(), Arc::default());
        let slow = async {
            for _ in 0..4 {
                sleep(LIMIT.mul_f32(0.9)).await;
                client.read_u8().await.unwrap();
            }
        };
        let (written, ()) = tokio::join!(stream.write_all(b"12345"), slow);
        written.unwrap();
        // Another limit counts when the client stalls again.
        limit.set(3 * LIMIT);
        let begun = tokio::time::Instant::now();
        let error = stream.write_all(b"6").await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(begun.elapsed() >= 3 * LIMIT, "{:?}", begun.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_websocket_is_never_cut_off() {
        let (_client, stream) = tokio::io::duplex(1);
        let upgraded = Arc::new(AtomicBool::new(true));
        let mut stream = Patience::new(stream, || LIMIT, upgraded);
        assert!(timeout(10 * LIMIT, stream.write_all(b"12")).await.is_err());
    }
}
