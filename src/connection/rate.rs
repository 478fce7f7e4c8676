//! How often a client may send: a bucket of tokens that fills steadily.

use tokio::time::Instant;

use crate::setting::Rate;

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

    /// Takes a token, if there is one.
    pub(super) fn take(&mut self) -> bool {
        let now = Instant::now();
        let passed = now.duration_since(self.filled).as_secs_f64();
        self.filled = now;
        self.tokens = (self.tokens + passed * self.per_second).min(self.capacity);
        let taken = self.tokens >= 1.0;
        if taken {
            self.tokens -= 1.0;
        }
        taken
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
}
