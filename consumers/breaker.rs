//! A circuit breaker: after failures in a row, calls are refused at once for a while.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use tokio::time::Instant;
use waterway::{Error, Time, code};

use crate::backoff::Backoff;

/// The key `breaker` of a consumer: `{ failures = 5, first = "1s", longest = "1m" }`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Written", into = "Written")]
pub struct BreakerOptions {
    /// After how many failures in a row calls are refused; 5 by default, 1 to 1000.
    pub failures: u32,
    /// For how long they are refused; longer after each trial that fails.
    pub pause: Backoff,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Breaker")]
struct Written {
    /// Failures in a row that open the breaker.
    #[serde(deserialize_with = "failures")]
    #[schemars(range(min = 1, max = FAILURES_MAX))]
    failures: u32,
    /// The first pause. It doubles with each trial that fails.
    #[schemars(extend("x-bound" = "above 0"))]
    first: Time,
    /// The longest pause.
    #[schemars(extend("x-bound" = "at least `first`"))]
    longest: Time,
}

/// The most failures in a row before the breaker opens.
const FAILURES_MAX: u32 = 1000;

/// A circuit breaker. Clones are the same breaker.
///
/// It lets all calls through until several in a row have failed. Then it refuses calls for a pause,
/// so that the clients are answered at once and the other side can recover. After the pause it lets
/// one call through as a trial. If that succeeds, all calls are let through again; if it fails, a
/// longer pause begins.
#[derive(Debug, Clone)]
pub struct Breaker(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// The name of its consumer in the table, for the log.
    consumer: Arc<str>,
    options: BreakerOptions,
    // Held for a few instructions.
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Failures in a row.
    failed: u32,
    /// Pauses since the last success.
    pauses: u32,
    /// The end of the current pause; `None` while all calls are let through.
    closed_until: Option<Instant>,
    /// Whether a trial is under way.
    trying: bool,
}

/// A call that was let through. Dropped without a result, it counts neither as a success nor as a
/// failure.
#[derive(Debug)]
#[must_use]
pub struct Call {
    breaker: Breaker,
    is_trial: bool,
}

/// A refused call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Open {
    /// When a call may be let through again.
    pub retry_after: Duration,
}

/// The state of a breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerState {
    /// It lets all calls through.
    Closed,
    /// It refuses calls.
    Open(Open),
    /// It lets one call through as a trial.
    Trying,
}

impl Breaker {
    /// A breaker of the consumer with this name. It lets all calls through.
    #[must_use]
    pub fn new(consumer: Arc<str>, options: BreakerOptions) -> Self {
        Self(Arc::new(Inner { consumer, options, state: Mutex::default() }))
    }

    /// Lets a call through.
    ///
    /// # Errors
    /// After failures in a row, until the pause is over and while another call is the trial.
    pub fn call(&self) -> Result<Call, Open> {
        let mut state = self.state();
        match state.now() {
            BreakerState::Closed => Ok(Call { breaker: self.clone(), is_trial: false }),
            BreakerState::Open(open) => Err(open),
            BreakerState::Trying if state.trying => {
                Err(Open { retry_after: self.0.options.pause.first.duration() })
            }
            BreakerState::Trying => {
                state.trying = true;
                Ok(Call { breaker: self.clone(), is_trial: true })
            }
        }
    }

    /// Its current state.
    #[must_use]
    pub fn now(&self) -> BreakerState {
        self.state().now()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Call {
    /// The call succeeded: all calls are let through again.
    pub fn succeeded(self) {
        let was = std::mem::take(&mut *self.breaker.state());
        if was.closed_until.is_some() {
            let consumer = &*self.breaker.0.consumer;
            tracing::info!(consumer, "the consumer works again; its pause has ended");
        }
    }

    /// The call failed. A pause may begin.
    pub fn failed(self) {
        let Inner { consumer, options, .. } = &*self.breaker.0;
        let mut state = self.breaker.state();
        state.failed = state.failed.saturating_add(1);
        // Calls that were let through before the pause may fail during it.
        let begins = match state.closed_until {
            None => state.failed >= options.failures,
            Some(_) => self.is_trial,
        };
        if begins {
            state.pauses = state.pauses.saturating_add(1);
            let (failures, pause) = (state.failed, options.pause.after(state.pauses));
            state.closed_until = Some(Instant::now() + pause);
            drop(state);
            tracing::warn!(
                consumer = &**consumer,
                failures,
                ?pause,
                "the consumer has failed several times in a row and is given a pause"
            );
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if self.is_trial {
            self.breaker.state().trying = false;
        }
    }
}

impl State {
    fn now(&self) -> BreakerState {
        let Some(until) = self.closed_until else { return BreakerState::Closed };
        let retry_after = until.saturating_duration_since(Instant::now());
        if retry_after.is_zero() {
            return BreakerState::Trying;
        }
        BreakerState::Open(Open { retry_after })
    }
}

/// The answer to the client: `refused`, and after how long it may try again.
impl From<Open> for Error {
    fn from(open: Open) -> Self {
        // Rounded up, so that the client does not come too early.
        let millis = u64::try_from(open.retry_after.as_millis()).unwrap_or(u64::MAX);
        Self::new(code::REFUSED, "the consumer has failed several times and is given a pause")
            .with("retry_after_ms", millis.saturating_add(1))
    }
}

impl fmt::Display for BreakerState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "closed",
            Self::Open(_) => "open",
            Self::Trying => "trying",
        })
    }
}

impl Default for BreakerOptions {
    fn default() -> Self {
        Self { failures: 5, pause: Backoff::default() }
    }
}

impl Default for Written {
    fn default() -> Self {
        BreakerOptions::default().into()
    }
}

impl From<BreakerOptions> for Written {
    fn from(options: BreakerOptions) -> Self {
        let BreakerOptions { failures, pause: Backoff { first, longest } } = options;
        Self { failures, first, longest }
    }
}

impl TryFrom<Written> for BreakerOptions {
    type Error = String;

    fn try_from(Written { failures, first, longest }: Written) -> Result<Self, String> {
        Ok(Self { failures, pause: Backoff::new(first, longest)? })
    }
}

fn failures<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let failures = u32::deserialize(deserializer)?;
    if !(1..=FAILURES_MAX).contains(&failures) {
        return Err(serde::de::Error::custom(format!(
            "calls cannot be refused after {failures} failures\nwrite 1 to {FAILURES_MAX}"
        )));
    }
    Ok(failures)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn breaker(failures: u32) -> Breaker {
        let pause = Backoff::new(Time::from_secs(1), Time::from_secs(4)).unwrap();
        Breaker::new("test".into(), BreakerOptions { failures, pause })
    }

    /// Fails this many calls; returns the pause that has begun with them.
    fn fail(breaker: &Breaker, times: u32) -> Option<Open> {
        for _ in 0..times {
            breaker.call().unwrap().failed();
        }
        match breaker.now() {
            BreakerState::Open(open) => Some(open),
            BreakerState::Closed | BreakerState::Trying => None,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn calls_are_refused_after_failures_in_a_row_and_not_before() {
        let breaker = breaker(3);
        assert_eq!(fail(&breaker, 2), None);
        breaker.call().unwrap().succeeded();
        assert_eq!(fail(&breaker, 2), None);
        let open = fail(&breaker, 1).unwrap();
        assert!(open.retry_after >= SECOND / 2 && open.retry_after <= SECOND, "{open:?}");
        assert_eq!(breaker.call().unwrap_err(), open);
    }

    #[tokio::test(start_paused = true)]
    async fn one_call_at_a_time_is_the_trial_after_the_pause() {
        let breaker = breaker(1);
        fail(&breaker, 1);
        tokio::time::advance(SECOND).await;
        assert_eq!(breaker.now(), BreakerState::Trying);
        let trial = breaker.call().unwrap();
        assert_eq!(breaker.call().unwrap_err(), Open { retry_after: SECOND });
        // A trial without a result leaves the next call to be the trial.
        drop(trial);
        breaker.call().unwrap().succeeded();
        assert_eq!(breaker.now(), BreakerState::Closed);
    }

    #[tokio::test(start_paused = true)]
    async fn pauses_grow_up_to_the_longest_and_begin_anew_after_a_success() {
        let breaker = breaker(1);
        let mut whole = SECOND;
        for _ in 0..5 {
            let open = fail(&breaker, 1).unwrap();
            assert!(open.retry_after >= whole / 2 && open.retry_after <= whole, "{open:?}");
            tokio::time::advance(whole).await;
            whole = (whole * 2).min(4 * SECOND);
        }
        breaker.call().unwrap().succeeded();
        assert!(fail(&breaker, 1).unwrap().retry_after <= SECOND);
    }

    #[tokio::test(start_paused = true)]
    async fn a_late_failure_does_not_lengthen_the_pause_and_a_late_success_ends_it() {
        let breaker = breaker(1);
        let (late, later) = (breaker.call().unwrap(), breaker.call().unwrap());
        let open = fail(&breaker, 1).unwrap();
        late.failed();
        assert_eq!(breaker.now(), BreakerState::Open(open));
        later.succeeded();
        assert_eq!(breaker.now(), BreakerState::Closed);
    }

    #[test]
    fn a_client_learns_when_to_try_again() {
        let error = Error::from(Open { retry_after: SECOND });
        assert_eq!((error.code(), error.field("retry_after_ms")), ("refused", Some(&1001.into())));
    }
}
