//! One running program: it gets events as lines, and its lines are applied as it writes them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::BytesMut;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use waterway::Error;
use waterway::action::{Action, Answer, Line, LineError, OpenEvent, Outcome};
use waterway::message::{Channel, EventCancel};

use super::asked::{Asking, Ended};
use super::lines;
use super::options::Reach;
use super::shared::Shared;

/// One running program.
pub(super) struct Instance {
    pub(super) shared: Arc<Shared>,
    /// The id of its process, for the log.
    pub(super) pid: Option<u32>,
    /// How many further tasks it may have.
    tasks: Arc<Semaphore>,
    /// How many further events other than tasks; the same semaphore if the table says how many
    /// events it may have.
    others: Arc<Semaphore>,
    // `std`'s mutex: no code awaits while it is locked.
    inner: Mutex<Inner>,
    /// Notified when there is something to write, or its input must be closed.
    to_write: Notify,
    /// Cancelled when it gets no more events: it ends its own, and then ends.
    retired: CancellationToken,
    /// Cancelled when it must be killed.
    killed: CancellationToken,
    /// Cancelled when it has ended, for whatever reason.
    over: CancellationToken,
    /// How many events it has been given.
    given: AtomicU64,
}

struct Inner {
    asking: Asking,
    /// Lines that the program has not read yet. `pending` bounds them.
    outgoing: BytesMut,
    last_given: Instant,
    /// Why it is over.
    why: Option<Arc<str>>,
    /// Lines that were ignored.
    ignored: u64,
}

/// How many events other than tasks a program may have, unless the table says so.
const OTHERS: usize = 32;

impl Instance {
    pub(super) fn new(shared: &Arc<Shared>, pid: Option<u32>) -> Arc<Self> {
        let inner = Inner {
            asking: Asking::default(),
            outgoing: BytesMut::new(),
            last_given: Instant::now(),
            why: None,
            ignored: 0,
        };
        let room = |events| Arc::new(Semaphore::new(events));
        let (tasks, others) = match shared.options.concurrency {
            Some(all) => {
                let all = room(all);
                (Arc::clone(&all), all)
            }
            None => (room(1), room(OTHERS)),
        };
        Arc::new(Self {
            shared: Arc::clone(shared),
            pid,
            tasks,
            others,
            inner: Mutex::new(inner),
            to_write: Notify::new(),
            retired: CancellationToken::new(),
            killed: CancellationToken::new(),
            over: CancellationToken::new(),
            given: AtomicU64::new(0),
        })
    }

    /// Whether it takes events.
    pub(super) fn is_accepting(&self) -> bool {
        !self.retired.is_cancelled() && !self.killed.is_cancelled() && !self.over.is_cancelled()
    }

    /// How many further events of this channel it may have.
    pub(super) fn room(&self, channel: Channel) -> &Arc<Semaphore> {
        if channel == Channel::Task { &self.tasks } else { &self.others }
    }

    /// Whether it may have a further event of this channel.
    pub(super) fn has_room(&self, channel: Channel) -> bool {
        self.room(channel).available_permits() > 0
    }

    /// How many events it has.
    pub(super) fn load(&self) -> usize {
        self.lock().asking.len()
    }

    /// How many events it has been given so far.
    pub(super) fn given(&self) -> u64 {
        self.given.load(Ordering::Relaxed)
    }

    /// How long it has been without a new event; zero while it has one.
    pub(super) fn idle(&self) -> Duration {
        let inner = self.lock();
        if inner.asking.len() > 0 { Duration::ZERO } else { inner.last_given.elapsed() }
    }

    /// Waits until it must be killed.
    pub(super) async fn killed(&self) {
        self.killed.cancelled().await;
    }

    /// Whether it must be killed.
    pub(super) fn is_killed(&self) -> bool {
        self.killed.is_cancelled()
    }

    /// Waits for lines that the program has not got; `None` when it is retired and has ended all of
    /// its events, so that its input can be closed.
    pub(super) async fn outgoing(&self) -> Option<BytesMut> {
        loop {
            // Before the look at the lines, so that no change is missed.
            let notified = self.to_write.notified();
            {
                let mut inner = self.lock();
                if !inner.outgoing.is_empty() {
                    return Some(inner.outgoing.split());
                }
                if self.retired.is_cancelled() && inner.asking.len() == 0 {
                    return None;
                }
            }
            notified.await;
        }
    }

    /// Waits until it is over.
    pub(super) async fn over(&self) {
        self.over.cancelled().await;
    }

    /// Why it is over.
    pub(super) fn why(&self) -> Option<Arc<str>> {
        self.lock().why.clone()
    }

    /// Gives it no more events: it ends those that it has, and then ends.
    pub(super) fn retire(&self) {
        self.retired.cancel();
        self.to_write.notify_one();
    }

    /// Kills it, for this reason.
    pub(super) fn kill(&self, why: impl Into<Arc<str>>) {
        self.lock().why.get_or_insert(why.into());
        self.killed.cancel();
    }

    /// Gives it an event of this number, as a line; `None` if it is over.
    pub(super) fn give(
        self: &Arc<Self>,
        number: u64,
        line: &[u8],
        event: &Arc<OpenEvent>,
        permit: OwnedSemaphorePermit,
    ) -> Option<Waiting> {
        let (tell, told) = oneshot::channel();
        let mut inner = self.lock();
        if !self.is_accepting() {
            return None;
        }
        inner.asking.insert(number, Arc::clone(event), tell, permit);
        inner.outgoing.extend_from_slice(line);
        inner.outgoing.extend_from_slice(b"\n");
        inner.last_given = Instant::now();
        drop(inner);
        self.given.fetch_add(1, Ordering::Relaxed);
        self.to_write.notify_one();
        Some(Waiting { instance: Arc::clone(self), number, told: Some(told) })
    }

    /// An event is no longer wanted: the program is told, and killed if it has not ended the event
    /// after `grace`.
    fn cancel(self: &Arc<Self>, number: u64) {
        let mut inner = self.lock();
        if !inner.asking.cancel(number) {
            return;
        }
        if let Ok(line) = serde_json::to_vec(&EventCancel::new(id(number))) {
            inner.outgoing.extend_from_slice(&line);
            inner.outgoing.extend_from_slice(b"\n");
        }
        drop(inner);
        self.to_write.notify_one();
        let (instance, grace) = (Arc::clone(self), self.shared.options.grace.duration());
        self.shared.runtime.spawn(async move {
            let waits = tokio::time::timeout(grace, instance.over());
            if waits.await.is_err() && instance.lock().asking.has(number) {
                instance.kill("it did not end a cancelled event in time");
            }
        });
    }

    /// Takes a line that the program has written.
    pub(super) async fn take(&self, line: lines::Line) -> Option<Ready> {
        let read = match &line {
            lines::Line::Whole(line) if line.iter().all(u8::is_ascii_whitespace) => return None,
            lines::Line::Whole(line) => Line::read(line),
            lines::Line::TooLong(begun) => {
                let most = self.shared.options.line.bytes();
                let why = format!("the line is longer than {most} bytes, which `line` allows");
                Err(LineError::new(begun, why))
            }
        };
        match read {
            Ok(Line::Ready) => return Some(Ready),
            Ok(Line::Event { id, outcome }) => self.end(&id, outcome).await,
            Ok(Line::Client { client, actions }) => {
                let is_seen =
                    self.shared.options.reach == Reach::All || self.shared.seen.contains(&client);
                let applied = if is_seen {
                    self.shared.publisher.to_client(&client, actions).await
                } else {
                    Err(Error::failed("reach = \"own\": this consumer has seen no event of it"))
                };
                self.report("client", applied);
            }
            Ok(Line::Group { group, actions }) => {
                let applied = self.shared.publisher.to_group(&group, actions).await;
                self.report("group", applied.map(drop));
            }
            Err(error) => {
                let number = error.id.as_deref().and_then(number);
                let failed = || Ended::Replied(Err(Error::failed(error.clone())));
                if !number.is_some_and(|number| self.finish(number, failed)) {
                    self.ignore(&format!("{error}: {}", shown(&line)));
                }
            }
        }
        None
    }

    /// Applies the content of a line about an event.
    async fn end(&self, id: &str, outcome: Outcome) {
        let number = number(id);
        let event = number.and_then(|number| self.lock().asking.event(number));
        let (Some(number), Some(event)) = (number, event) else {
            if !number.is_some_and(|number| self.lock().asking.end_cancelled(number, &outcome)) {
                self.ignore("the line is for an event that has ended, or was not given to it");
            }
            return;
        };
        let ended = match outcome {
            Outcome::More(actions) => match event.apply(actions).await {
                Ok(()) => {
                    self.lock().asking.applied(number);
                    return;
                }
                Err(error) => Ended::Replied(Err(error)),
            },
            Outcome::Actions(actions) if has_file(&actions) => match event.check(&actions) {
                Ok(()) => Ended::File(actions),
                Err(error) => Ended::Replied(Err(Error::failed(error))),
            },
            Outcome::Actions(actions) => Ended::Replied(event.end(actions).await),
            Outcome::Error(error) => Ended::Replied(Err(error)),
        };
        self.finish(number, || ended);
    }

    /// Ends an event; `false` if it has ended already.
    fn finish(&self, number: u64, ended: impl FnOnce() -> Ended) -> bool {
        let asked = self.lock().asking.remove(number);
        let Some(asked) = asked else { return false };
        asked.tell(ended());
        if self.retired.is_cancelled() {
            self.to_write.notify_one();
        }
        true
    }

    /// Ends all events of a program that is over.
    pub(super) fn end_all(&self, why: &str) {
        let mut inner = self.lock();
        let why = Arc::clone(inner.why.get_or_insert_with(|| Arc::from(why)));
        let all = inner.asking.remove_all();
        drop(inner);
        self.over.cancel();
        self.tasks.close();
        self.others.close();
        for asked in all {
            asked.tell_died(&why);
        }
    }

    fn report(&self, whom: &str, applied: Result<(), Error>) {
        if let Err(error) = applied {
            let (consumer, pid) = (&*self.shared.consumer, self.pid);
            tracing::warn!(consumer, pid, %error, "a program's actions for a {whom} had no effect");
        }
    }

    /// Counts a line without an effect, and logs the first ones.
    pub(super) fn ignore(&self, why: &str) {
        let ignored = {
            let mut inner = self.lock();
            inner.ignored += 1;
            inner.ignored
        };
        // The 1st, 2nd, 4th, 8th and so on: a program may write millions.
        if ignored.is_power_of_two() {
            let (consumer, pid) = (&*self.shared.consumer, self.pid);
            tracing::warn!(consumer, pid, ignored, why, "a line of a program is ignored");
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The program has said that it can take events.
pub(super) struct Ready;

/// Waits for the end of an event. Dropping it cancels the event.
pub(super) struct Waiting {
    instance: Arc<Instance>,
    number: u64,
    told: Option<oneshot::Receiver<Ended>>,
}

impl Waiting {
    /// How the event ended.
    pub(super) async fn ended(&mut self) -> Ended {
        let over = || Ended::Died { why: "it is over".into(), may_repeat: true };
        let Some(told) = &mut self.told else { return over() };
        let ended = told.await;
        self.told = None;
        ended.unwrap_or_else(|_| over())
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if self.told.take().is_some() {
            self.instance.cancel(self.number);
        }
    }
}

/// The beginning of a line, for the log.
fn shown(line: &lines::Line) -> String {
    /// The longest beginning, in characters.
    const SHOWN: usize = 80;
    let (lines::Line::Whole(bytes) | lines::Line::TooLong(bytes)) = line;
    let begun = String::from_utf8_lossy(&bytes[..bytes.len().min(4 * SHOWN)]);
    let mut shown: String = begun.chars().take(SHOWN).collect();
    if shown.len() < bytes.len() {
        shown.push('…');
    }
    format!("{shown:?}")
}

/// The `id` of the event with this number.
pub(super) fn id(number: u64) -> String {
    format!("e{number}")
}

fn number(id: &str) -> Option<u64> {
    id.strip_prefix('e')?.parse().ok()
}

fn has_file(actions: &waterway::Actions) -> bool {
    actions.iter().any(|action| matches!(action, Action::Answer(Answer::File(_))))
}

impl std::fmt::Debug for Instance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Instance").field("pid", &self.pid).finish_non_exhaustive()
    }
}
