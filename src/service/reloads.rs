//! Requests to reload the table, one at a time, and the last reload with its diagnostics.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use serde::{Serialize, Serializer};
use tokio::sync::{Notify, watch};

use super::Changes;

/// Requests to reload the table, and the last reload. Clones share them.
///
/// Requests that arrive while a reload runs cause one more reload after it, however many they are.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reloads {
    shared: Arc<SharedReloads>,
}

#[derive(Debug)]
struct SharedReloads {
    // `std`'s mutex: no code awaits while it is locked.
    asked: Mutex<Asked>,
    arrived: Notify,
    done: watch::Sender<Done>,
}

#[derive(Debug, Default)]
struct Asked {
    /// The number of requests so far.
    count: u64,
    /// The cause of the next reload: the furthest-reaching request since the last reload began.
    trigger: Option<Trigger>,
    /// Whether requests are answered: [`Reloads::requests`] has been called.
    is_served: bool,
}

#[derive(Debug, Default)]
struct Done {
    /// The number of requests when the last finished reload began.
    count: u64,
    /// The last reload that is worth showing.
    shown: Option<Arc<Reload>>,
    /// The last reload.
    last: Option<Arc<Reload>>,
    /// Whether no further reload is done.
    is_over: bool,
}

/// The cause of a reload. Later ones reach further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) enum Trigger {
    /// Files of a consumer have changed: the current table replaces itself.
    #[serde(rename = "files of a consumer")]
    Consumer,
    /// Files of the table have changed.
    #[serde(rename = "watch")]
    Watch,
    /// The process got SIGHUP.
    #[serde(rename = "SIGHUP")]
    Hangup,
    /// Someone asked for it over the network.
    #[serde(rename = "request")]
    Request,
}

/// A reload of the table that has ended.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Reload {
    /// Its cause.
    pub(crate) trigger: Trigger,
    /// When it began, in seconds since 1970.
    #[serde(serialize_with = "seconds")]
    pub(crate) began: SystemTime,
    /// How long it took, in milliseconds.
    #[serde(rename = "took_ms", serialize_with = "milliseconds")]
    pub(crate) took: Duration,
    #[serde(flatten)]
    pub(crate) outcome: Outcome,
}

/// The outcome of a reload.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    /// The new table is served.
    Changes(Box<Changes>),
    /// The former table is still served, because of these diagnostics.
    Diagnostics(Vec<Fault>),
}

/// A reason why a table cannot be served.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Fault {
    /// Where: `routing.toml:14:9`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) place: Option<String>,
    /// The reason.
    pub(crate) message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) help: Option<String>,
}

/// Takes the requests. When it is dropped, no further reload is done.
#[derive(Debug)]
pub(crate) struct Requests {
    reloads: Reloads,
    /// The number of requests that the reload under way answers.
    taken: u64,
}

impl Default for SharedReloads {
    fn default() -> Self {
        Self {
            asked: Mutex::default(),
            arrived: Notify::new(),
            done: watch::channel(Done::default()).0,
        }
    }
}

impl Reloads {
    /// Asks for a reload.
    pub(crate) fn ask(&self, trigger: Trigger) {
        self.count(trigger);
    }

    /// Asks for a reload and waits for its end. `None` if the program does not reload its table, or
    /// ends before.
    pub(crate) async fn reload(&self, trigger: Trigger) -> Option<Arc<Reload>> {
        let number = self.count(trigger)?;
        let mut done = self.shared.done.subscribe();
        let done = done.wait_for(|done| done.count >= number || done.is_over).await.ok()?;
        done.last.clone().filter(|_| done.count >= number)
    }

    /// The last reload, unless it was one that no one asked for and that found nothing changed.
    pub(crate) fn last(&self) -> Option<Arc<Reload>> {
        self.shared.done.borrow().shown.clone()
    }

    /// Takes the requests, including those that have already arrived.
    pub(crate) fn requests(&self) -> Requests {
        self.asked().is_served = true;
        Requests { reloads: self.clone(), taken: 0 }
    }

    /// Counts a request; returns its number if it will be answered.
    fn count(&self, trigger: Trigger) -> Option<u64> {
        let mut asked = self.asked();
        asked.count += 1;
        asked.trigger = asked.trigger.max(Some(trigger));
        let number = asked.is_served.then_some(asked.count);
        drop(asked);
        self.shared.arrived.notify_one();
        number
    }

    fn asked(&self) -> MutexGuard<'_, Asked> {
        // No code panics while it is locked.
        self.shared.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Requests {
    /// Waits for requests; returns what causes the next reload.
    pub(crate) async fn next(&mut self) -> Trigger {
        loop {
            let arrived = self.reloads.shared.arrived.notified();
            let (trigger, count) = {
                let mut asked = self.reloads.asked();
                (asked.trigger.take(), asked.count)
            };
            if let Some(trigger) = trigger {
                self.taken = count;
                return trigger;
            }
            arrived.await;
        }
    }

    /// Ends the reload that [`next`](Self::next) has begun.
    pub(crate) fn done(&self, reload: Reload) {
        let reload = Arc::new(reload);
        self.reloads.shared.done.send_modify(|done| {
            done.count = self.taken;
            if !reload.is_idle() {
                done.shown = Some(Arc::clone(&reload));
            }
            done.last = Some(reload);
        });
    }
}

impl Drop for Requests {
    fn drop(&mut self) {
        self.reloads.asked().is_served = false;
        self.reloads.shared.done.send_modify(|done| done.is_over = true);
    }
}

impl Reload {
    /// Whether no one asked for it, and nothing has changed.
    pub(crate) fn is_idle(&self) -> bool {
        let nothing = matches!(&self.outcome, Outcome::Changes(changes) if changes.is_empty());
        nothing && matches!(self.trigger, Trigger::Consumer | Trigger::Watch)
    }
}

impl Fault {
    /// A reason that concerns no single place of the table.
    pub(crate) fn new(message: impl fmt::Display) -> Self {
        Self { place: None, message: message.to_string(), help: None }
    }
}

impl fmt::Display for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

fn seconds<S: Serializer>(time: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    serializer.serialize_f64((since.as_secs_f64() * 1e3).round() / 1e3)
}

fn milliseconds<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(trigger: Trigger) -> Reload {
        let (began, took) = (SystemTime::UNIX_EPOCH, Duration::ZERO);
        Reload { trigger, began, took, outcome: Outcome::Changes(Box::default()) }
    }

    #[tokio::test]
    async fn triggers_during_a_reload_cause_one_more() {
        let reloads = Reloads::default();
        reloads.ask(Trigger::Watch);
        let mut requests = reloads.requests();
        assert_eq!(requests.next().await, Trigger::Watch);
        let waiting = [Trigger::Hangup, Trigger::Consumer, Trigger::Watch].map(|trigger| {
            let reloads = reloads.clone();
            tokio::spawn(async move { reloads.reload(trigger).await })
        });
        tokio::task::yield_now().await;
        requests.done(ended(Trigger::Watch));
        assert!(reloads.last().is_none(), "nothing has changed");
        // One for all of them, which reaches as far as the furthest.
        assert_eq!(requests.next().await, Trigger::Hangup);
        requests.done(ended(Trigger::Hangup));
        for waiting in waiting {
            assert_eq!(waiting.await.unwrap().unwrap().trigger, Trigger::Hangup);
        }
        let idle = tokio::time::timeout(Duration::from_millis(1), requests.next()).await;
        assert!(idle.is_err(), "there is no further reload");
        assert_eq!(reloads.last().unwrap().trigger, Trigger::Hangup);
    }

    #[tokio::test]
    async fn a_request_that_is_not_answered_does_not_wait() {
        let reloads = Reloads::default();
        assert!(reloads.reload(Trigger::Request).await.is_none());
        let requests = reloads.requests();
        let waiting = tokio::spawn({
            let reloads = reloads.clone();
            async move { reloads.reload(Trigger::Request).await }
        });
        tokio::task::yield_now().await;
        drop(requests);
        assert!(waiting.await.unwrap().is_none());
    }

    #[test]
    fn a_reload_is_shown_as_json() {
        let mut reload = ended(Trigger::Hangup);
        reload.took = Duration::from_millis(7);
        let place = Some("routing.toml:2:1".to_owned());
        let fault = Fault { place, ..Fault::new("unknown key") };
        reload.outcome = Outcome::Diagnostics(vec![fault]);
        let shown = serde_json::json!({
            "trigger": "SIGHUP", "began": 0.0, "took_ms": 7,
            "diagnostics": [{"place": "routing.toml:2:1", "message": "unknown key"}],
        });
        assert_eq!(serde_json::to_value(&reload).unwrap(), shown);
    }
}
