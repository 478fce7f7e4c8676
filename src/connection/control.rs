//! Bounds on frames that carry nothing of a message: how often a client may send them, and how many
//! bytes of pongs may wait to be written. A client beyond either bound is not read.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Sleep, sleep_until};

use super::rate::Bucket;
use crate::config::RateAction;
use crate::setting::Rate;

/// How many bytes of pongs may wait to be written. tungstenite buffers pongs without a bound. A
/// client that only pings now and then while it downloads something large stays far below this.
const PONGS_MAX: u64 = 16 << 10;

/// Counts the frames of one client that carry nothing of a message.
#[derive(Default)]
pub(super) struct Control {
    bucket: Option<Bucket>,
    action: RateAction,
    pause: Option<Pin<Box<Sleep>>>,
    /// Bytes of the pongs that answer the pings since everything was last written.
    pongs: u64,
    /// The socket had no room for the last bytes that were written.
    is_blocked: bool,
}

/// Why a client is closed where `rate_action` is `"close"`.
#[derive(Debug)]
pub(super) struct TooMany;

impl Control {
    /// Allows as many frames as the `rate`. Keeping a connection alive is allowed whatever the rate
    /// is: one frame each second, and one answer to each of the pings sent every `ping`.
    pub(super) fn new(rate: Rate, action: RateAction, ping: Duration) -> Self {
        const EACH_SECOND: f64 = 1.0;
        const AT_ONCE: f64 = 10.0;
        let answers = 1.0 / ping.as_secs_f64();
        let bucket =
            Bucket::new(rate).map(|bucket| bucket.at_least(AT_ONCE, EACH_SECOND + answers));
        Self { bucket, action, ..Self::default() }
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

    /// Notes whether the socket had no room for the last bytes that were written.
    pub(super) fn set_blocked(&mut self, is_blocked: bool) {
        self.is_blocked = is_blocked;
    }

    /// Notes that every buffered pong is written.
    pub(super) fn flushed(&mut self) {
        self.pongs = 0;
    }

    /// Waits until the client may be read.
    ///
    /// # Errors
    /// [`TooMany`], where exceeding the rate closes the socket.
    pub(super) fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.is_blocked && self.pongs > PONGS_MAX {
            // The write that is blocked wakes this task, which then writes before it reads.
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

    use super::Control;
    use crate::config::RateAction;

    fn limited(rate: &str, rate_action: RateAction) -> Control {
        Control::new(rate.parse().unwrap(), rate_action, Duration::from_secs(20))
    }

    #[tokio::test(start_paused = true)]
    async fn keeping_a_connection_alive_is_never_too_much() {
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
    async fn more_than_the_rate_is_read_no_faster_or_is_an_error() {
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
