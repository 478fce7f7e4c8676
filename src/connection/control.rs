//! Bounds for frames that carry no part of a message: how often a client may send them, and how
//! many bytes of pongs may be unsent. A client beyond either bound is not read.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::time::{Sleep, sleep_until};

use super::limits::SocketLimits;
use super::rate::Bucket;
use crate::config::RateAction;

/// The most unsent bytes of pongs, because tungstenite buffers pongs without a bound. A client that
/// pings occasionally during a large download stays far below this.
const PONGS_MAX: u64 = 16 << 10;

/// Counts one client's frames that carry no part of a message.
pub(super) struct Control {
    bucket: Option<Bucket>,
    action: RateAction,
    pause: Option<Pin<Box<Sleep>>>,
    /// The bytes of pongs since the last flush.
    pongs: u64,
    /// Whether the socket was full at the last write.
    is_blocked: bool,
}

/// Why a client is closed if `rate_action` is `"close"`.
#[derive(Debug)]
pub(super) struct TooMany;

impl Control {
    pub(super) fn new(limits: &SocketLimits) -> Self {
        let (bucket, action) = (Self::bucket(limits), limits.rate_action);
        Self { bucket, action, pause: None, pongs: 0, is_blocked: false }
    }

    /// Follows the limits of another table.
    pub(super) fn follow(&mut self, limits: &SocketLimits) {
        let former = self.bucket.take();
        self.bucket = Self::bucket(limits).map(|bucket| bucket.after(former.as_ref()));
        self.action = limits.rate_action;
        self.pause = None;
    }

    /// Limits frames to `rate`. Frames that keep a connection alive are always allowed: one each
    /// second, and one answer to each ping, sent every `ping`.
    fn bucket(limits: &SocketLimits) -> Option<Bucket> {
        const EACH_SECOND: f64 = 1.0;
        const AT_ONCE: f64 = 10.0;
        let answers = 1.0 / limits.ping.as_secs_f64();
        Bucket::new(limits.rate).map(|bucket| bucket.at_least(AT_ONCE, EACH_SECOND + answers))
    }

    /// Counts a ping, a pong, a close, or an empty part of a message.
    pub(super) fn count(&mut self) {
        if let Some(bucket) = &mut self.bucket {
            bucket.spend();
        }
    }

    /// Counts the pong with which tungstenite answers a ping of this many bytes.
    pub(super) fn ping(&mut self, bytes: u64) {
        self.pongs = self.pongs.saturating_add(bytes).saturating_add(2);
    }

    /// Records whether the socket was full at the last write.
    pub(super) fn set_blocked(&mut self, is_blocked: bool) {
        self.is_blocked = is_blocked;
    }

    /// Records that all buffered pongs have been written.
    pub(super) fn flushed(&mut self) {
        self.pongs = 0;
    }

    /// Waits until the client may be read.
    ///
    /// # Errors
    /// [`TooMany`], if exceeding the rate closes the connection.
    pub(super) fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.is_blocked && self.pongs > PONGS_MAX {
            // When the socket takes bytes again, this task is woken and writes before it reads.
            return Poll::Pending;
        }
        loop {
            if let Some(pause) = &mut self.pause {
                ready!(pause.as_mut().poll(context));
                self.pause = None;
            }
            let Some(bucket) = &mut self.bucket else { return Poll::Ready(Ok(())) };
            if !bucket.is_overspent() {
                return Poll::Ready(Ok(()));
            }
            if self.action == RateAction::Close {
                return Poll::Ready(Err(io::Error::other(TooMany)));
            }
            self.pause = Some(Box::pin(sleep_until(bucket.ready())));
        }
    }
}

impl fmt::Display for TooMany {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("too many control frames or empty parts of messages")
    }
}

impl std::error::Error for TooMany {}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::time::Duration;

    use tokio::time::{Instant, sleep};

    use super::{Control, SocketLimits};
    use crate::config::{Limits, RateAction};

    fn limited(rate: &str, rate_action: RateAction) -> Control {
        let rate = rate.parse().unwrap();
        let limits = Limits { rate, rate_action, ..Limits::default() };
        Control::new(&SocketLimits::of(&limits, 0))
    }

    #[tokio::test(start_paused = true)]
    async fn keeping_a_connection_alive_is_always_allowed() {
        let mut control = limited("1/d", RateAction::Close);
        for second in 0..3600 {
            control.count();
            if second % 20 == 0 {
                control.count();
            }
            poll_fn(|context| control.poll_ready(context)).await.unwrap();
            sleep(Duration::from_secs(1)).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn frames_over_the_rate_are_read_later_or_cause_an_error() {
        let mut control = limited("60/s", RateAction::Wait);
        let begun = Instant::now();
        for _ in 0..660 {
            control.count();
            poll_fn(|context| control.poll_ready(context)).await.unwrap();
        }
        let took = begun.elapsed().as_secs_f64();
        assert!((9.0..11.0).contains(&took), "{took}");

        let mut control = limited("60/s", RateAction::Close);
        for _ in 0..61 {
            control.count();
        }
        assert!(poll_fn(|context| control.poll_ready(context)).await.is_err());
    }
}
