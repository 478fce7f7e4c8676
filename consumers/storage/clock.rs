//! The age of time stamps, by a clock that may be set while the service runs.

use std::time::{Duration, Instant, SystemTime};

/// The wall clock, and a steady clock that starts at the same time and cannot be set.
#[derive(Debug)]
pub(super) struct Clock {
    began: (SystemTime, Instant),
}

/// The readings of both clocks at one moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Now {
    /// The wall clock, which stamps files.
    pub(super) wall: SystemTime,
    /// The steady clock: the time that the wall clock would show if it had not been set since the
    /// start.
    pub(super) steady: SystemTime,
}

impl Clock {
    pub(super) fn begin() -> Self {
        Self { began: (SystemTime::now(), Instant::now()) }
    }

    pub(super) fn now(&self) -> Now {
        let (wall, instant) = self.began;
        Now { wall: SystemTime::now(), steady: wall + instant.elapsed() }
    }
}

impl Now {
    /// The age of a time stamp: the smaller of its ages by the two clocks. A clock by which the
    /// stamp is in the future does not count. So a stamp never counts as older than it is, whether
    /// the wall clock was set forward or back, before or after the stamp was made.
    pub(super) fn since(&self, stamp: SystemTime) -> Duration {
        let by = |now: SystemTime| now.duration_since(stamp).ok();
        match (by(self.wall), by(self.steady)) {
            (Some(wall), Some(steady)) => wall.min(steady),
            (one, other) => one.or(other).unwrap_or_default(),
        }
    }

    /// By how much the wall clock was set since the start, forward or back.
    pub(super) fn set_by(&self) -> Duration {
        let forward = self.wall.duration_since(self.steady);
        forward.unwrap_or_else(|back| back.duration())
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    #[test]
    fn a_stamp_has_its_true_age_whenever_the_wall_clock_was_set() {
        const HOUR: u64 = 3600;
        const YEARS: u64 = 20 * 8766 * HOUR;
        let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        // The service began at `begin` by the wall clock. Two hours have passed; after the first
        // hour the wall clock was set.
        let begin = 10 * YEARS;
        for (set, wall) in [
            ("not at all", begin + 2 * HOUR),
            ("forward", begin + YEARS + 2 * HOUR),
            ("back", begin - YEARS + 2 * HOUR),
        ] {
            let now = Now { wall: at(wall), steady: at(begin + 2 * HOUR) };
            let before = now.since(at(begin));
            assert_eq!(before, Duration::from_secs(2 * HOUR), "{set}: made at the beginning");
            let after = now.since(at(wall - HOUR / 2));
            assert_eq!(after, Duration::from_secs(HOUR / 2), "{set}: made after it was set");
            let years = if set == "not at all" { 0 } else { YEARS };
            assert_eq!(now.set_by(), Duration::from_secs(years), "{set}");
        }
        let now = Now { wall: at(begin), steady: at(begin) };
        assert_eq!(now.since(at(begin + 1)), Duration::ZERO, "a stamp in the future has no age");
    }
}
