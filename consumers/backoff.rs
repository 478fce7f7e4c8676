//! Waits that grow with each failure in a row.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use waterway::Time;

/// The wait after a failure: it doubles with each failure in a row, up to a longest one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Written")]
pub struct Backoff {
    /// The wait after the first failure; `"1s"` by default, above 0.
    pub first: Time,
    /// The longest wait; `"1m"` by default, at least `first`.
    pub longest: Time,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Backoff")]
struct Written {
    /// The wait after the first failure.
    #[schemars(extend("x-bound" = "above 0"))]
    first: Time,
    /// The longest wait.
    #[schemars(extend("x-bound" = "at least `first`"))]
    longest: Time,
}

impl Backoff {
    /// # Errors
    /// If `first` is 0 or longer than `longest`. The way out is on the second line.
    pub fn new(first: Time, longest: Time) -> Result<Self, String> {
        if first.duration().is_zero() {
            return Err("the first wait must be above 0\nwrite a time such as \"1s\"".to_owned());
        }
        if first > longest {
            return Err(format!(
                "the first wait, {first}, is longer than the longest one, {longest}\n\
                 make `longest` at least \"{first}\""
            ));
        }
        Ok(Self { first, longest })
    }

    /// The wait after this many failures in a row, with jitter: between a half of the wait and the
    /// whole of it, so that those who failed together do not try again together.
    #[must_use]
    pub fn after(&self, failures: u32) -> Duration {
        let doublings = failures.saturating_sub(1).min(31);
        let wait = self.first.duration().saturating_mul(1 << doublings);
        let wait = wait.min(self.longest.duration());
        // The keys of a hash map are the only random numbers of the standard library.
        let random = RandomState::new().build_hasher().finish();
        let part = f64::from(u32::try_from(random >> 32).unwrap_or_default()) / f64::from(u32::MAX);
        wait.mul_f64(0.5 + part / 2.0)
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self { first: Time::from_secs(1), longest: Time::from_secs(60) }
    }
}

impl Default for Written {
    fn default() -> Self {
        let Backoff { first, longest } = Backoff::default();
        Self { first, longest }
    }
}

impl TryFrom<Written> for Backoff {
    type Error = String;

    fn try_from(Written { first, longest }: Written) -> Result<Self, String> {
        Self::new(first, longest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_wait_is_about_twice_the_one_before_up_to_the_longest() {
        let backoff = Backoff::new(Time::from_secs(1), Time::from_secs(10)).unwrap();
        for (failures, whole) in [(0, 1), (1, 1), (2, 2), (3, 4), (4, 8), (5, 10), (u32::MAX, 10)] {
            let whole = Duration::from_secs(whole);
            for _ in 0..100 {
                let wait = backoff.after(failures);
                assert!(wait >= whole / 2 && wait <= whole, "{failures}: {wait:?}");
            }
        }
    }

    #[test]
    fn waits_differ() {
        let waits: Vec<_> = (0..10).map(|_| Backoff::default().after(1)).collect();
        assert!(waits.iter().any(|wait| *wait != waits[0]), "{waits:?}");
    }

    #[test]
    fn a_wait_is_above_zero_and_the_longest_is_the_longest() {
        for (first, longest, right) in [(1, 1, true), (0, 1, false), (2, 1, false)] {
            let backoff = Backoff::new(Time::from_secs(first), Time::from_secs(longest));
            assert_eq!(backoff.is_ok(), right, "{first} {longest}");
        }
    }
}
