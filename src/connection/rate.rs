//! How often a client may send: a token bucket that fills at a steady rate.

use std::time::Duration;

use tokio::time::Instant;

use crate::setting::Rate;

/// One token, minus the rounding error.
const WHOLE: f64 = 1.0 - 1e-6;

/// A bucket that holds the messages of one period, and starts full.
#[derive(Debug)]
pub(super) struct Bucket {
    tokens: f64,
    capacity: f64,
    per_second: f64,
    filled: Instant,
}

impl Bucket {
    /// A bucket for this rate; `None` without a limit.
    pub(super) fn new(rate: Rate) -> Option<Self> {
        let Rate::Per { count, period } = rate else { return None };
        let capacity = f64::from(count.get());
        let per_second = capacity / period.duration().as_secs_f64();
        Some(Self { tokens: capacity, capacity, per_second, filled: Instant::now() })
    }

    /// The same bucket, with at least this capacity and this refill per second.
    pub(super) fn at_least(mut self, capacity: f64, per_second: f64) -> Self {
        self.capacity = self.capacity.max(capacity);
        self.tokens = self.capacity;
        self.per_second = self.per_second.max(per_second);
        self
    }

    /// The same bucket with no more tokens than the former one has. So a client gains nothing when
    /// a new table replaces its bucket.
    pub(super) fn after(mut self, former: Option<&Self>) -> Self {
        if let Some(former) = former {
            self.tokens = former.tokens_at(self.filled).min(self.capacity);
        }
        self
    }

    /// Takes a token if one is available.
    pub(super) fn take(&mut self) -> bool {
        self.fill();
        let taken = self.tokens >= WHOLE;
        if taken {
            self.tokens -= 1.0;
        }
        taken
    }

    /// Gives back a token that was taken and not used.
    pub(super) fn give_back(&mut self) {
        self.tokens = (self.tokens + 1.0).min(self.capacity);
    }

    /// Takes a token even if the bucket is empty. The debt is paid off before the next token is
    /// available.
    pub(super) fn spend(&mut self) {
        self.fill();
        self.tokens -= 1.0;
    }

    /// Whether more tokens were spent than were available.
    pub(super) fn is_overspent(&mut self) -> bool {
        self.fill();
        self.tokens < 0.0
    }

    /// When the next token is available.
    pub(super) fn ready(&self) -> Instant {
        let missing = (1.0 - self.tokens).max(0.0);
        self.filled + Duration::from_secs_f64(missing / self.per_second)
    }

    /// Whether it is as full as it gets.
    pub(super) fn is_full(&self) -> bool {
        self.tokens_at(Instant::now()) >= self.capacity
    }

    fn fill(&mut self) {
        let now = Instant::now();
        self.tokens = self.tokens_at(now);
        self.filled = now;
    }

    fn tokens_at(&self, now: Instant) -> f64 {
        let passed = now.duration_since(self.filled).as_secs_f64();
        (self.tokens + passed * self.per_second).min(self.capacity)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Bucket;

    #[tokio::test(start_paused = true)]
    async fn a_bucket_fills_steadily_up_to_the_messages_of_a_period() {
        let mut bucket = Bucket::new("2/s".parse().unwrap()).unwrap();
        let take = |bucket: &mut Bucket| (0..5).filter(|_| bucket.take()).count();
        assert_eq!(take(&mut bucket), 2);
        tokio::time::advance(Duration::from_millis(500)).await;
        assert_eq!(take(&mut bucket), 1);
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(take(&mut bucket), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_is_available_when_predicted_and_not_before() {
        for rate in ["1/s", "3/s", "7/m", "60/s", "1000/s", "1/d"] {
            let mut bucket = Bucket::new(rate.parse().unwrap()).unwrap();
            while bucket.take() {}
            let ready = bucket.ready();
            // With the precision of Tokio's timers.
            let wait = ready - tokio::time::Instant::now();
            tokio::time::advance(wait.mul_f64(0.99)).await;
            assert!(!bucket.take(), "{rate}");
            tokio::time::sleep_until(bucket.ready()).await;
            assert!(bucket.take(), "{rate}");
        }
    }
}
