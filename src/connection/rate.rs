//! How often a client may send: a bucket of tokens that fills steadily.

use std::time::Duration;

use tokio::time::Instant;

use crate::setting::Rate;

/// One token, less the error of rounding.
const WHOLE: f64 = 1.0 - 1e-6;

/// A bucket that holds a period's worth of messages and starts full.
#[derive(Debug)]
pub(super) struct Bucket {
    tokens: f64,
    capacity: f64,
    per_second: f64,
    filled: Instant,
}

impl Bucket {
    /// A bucket for this rate; none where there is no limit.
    pub(super) fn new(rate: Rate) -> Option<Self> {
        let Rate::Per { count, period } = rate else { return None };
        let capacity = f64::from(count.get());
        let per_second = capacity / period.duration().as_secs_f64();
        Some(Self { tokens: capacity, capacity, per_second, filled: Instant::now() })
    }

    /// The same bucket, but with at least this capacity and refill.
    pub(super) fn at_least(mut self, capacity: f64, per_second: f64) -> Self {
        self.capacity = self.capacity.max(capacity);
        self.tokens = self.capacity;
        self.per_second = self.per_second.max(per_second);
        self
    }

    /// Takes a token, if there is one.
    pub(super) fn take(&mut self) -> bool {
        self.fill();
        let taken = self.tokens >= WHOLE;
        if taken {
            self.tokens -= 1.0;
        }
        taken
    }

    /// Takes a token even if the bucket is empty. The debt is paid off before the next token is
    /// available.
    pub(super) fn spend(&mut self) {
        self.fill();
        self.tokens -= 1.0;
    }

    /// Whether more was spent than there was.
    pub(super) fn is_overspent(&mut self) -> bool {
        self.fill();
        self.tokens < 0.0
    }

    /// The time from which a token is available.
    pub(super) fn ready(&self) -> Instant {
        let missing = (1.0 - self.tokens).max(0.0);
        self.filled + Duration::from_secs_f64(missing / self.per_second)
    }

    fn fill(&mut self) {
        let now = Instant::now();
        let passed = now.duration_since(self.filled).as_secs_f64();
        self.filled = now;
        self.tokens = (self.tokens + passed * self.per_second).min(self.capacity);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Bucket;

    #[tokio::test(start_paused = true)]
    async fn fills_steadily_up_to_a_periods_worth() {
        let mut bucket = Bucket::new("2/s".parse().unwrap()).unwrap();
        let take = |bucket: &mut Bucket| (0..5).filter(|_| bucket.take()).count();
        assert_eq!(take(&mut bucket), 2);
        tokio::time::advance(Duration::from_millis(500)).await;
        assert_eq!(take(&mut bucket), 1);
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(take(&mut bucket), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn has_a_token_when_it_says_and_not_before() {
        for rate in ["1/s", "3/s", "7/m", "60/s", "1000/s", "1/d"] {
            let mut bucket = Bucket::new(rate.parse().unwrap()).unwrap();
            while bucket.take() {}
            let ready = bucket.ready();
            // As exact as Tokio's clock wakes.
            let wait = ready - tokio::time::Instant::now();
            tokio::time::advance(wait.mul_f64(0.99)).await;
            assert!(!bucket.take(), "{rate}");
            tokio::time::sleep_until(bucket.ready()).await;
            assert!(bucket.take(), "{rate}");
        }
    }
}
