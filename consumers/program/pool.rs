//! The running programs of a consumer: which of them gets an event, and how many there are.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::sync::{Notify, OwnedSemaphorePermit};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use waterway::action::OpenEvent;
use waterway::message::Channel;
use waterway::{Error, Reply, code};

use super::asked::Ended;
use super::files::Files;
use super::instance::{Instance, id};
use super::options::Options;
use super::process;
use super::room::Room;
use super::running::{Running, Sticky};
use super::shared::{KeptSeen, SeenClient, Shared};
use crate::breaker::{Breaker, BreakerState};

/// The running programs of a consumer.
pub(super) struct Pool {
    shared: Arc<Shared>,
    files: Files,
    breaker: Breaker,
    // `std`'s mutex: no code awaits while it is locked.
    running: Mutex<Running>,
    /// Another program is ready, or fewer are.
    changed: Notify,
    room: Room,
    numbers: AtomicU64,
    /// How many programs in a row have failed.
    failures: AtomicU32,
    /// How many programs have failed so far.
    restarts: AtomicU64,
    stopping: CancellationToken,
}

impl Pool {
    /// Starts the programs: the lower bound of `instances`.
    ///
    /// # Errors
    /// If one of them cannot be started, or the folder for files cannot be made.
    pub(super) async fn start(shared: Shared) -> Result<Arc<Self>, Error> {
        let options = &shared.options;
        let (breaker, files) = (options.breaker, Files::new(options)?);
        let room = Room::new(options.pending);
        let pool = Arc::new(Self {
            breaker: Breaker::new(Arc::clone(&shared.consumer), breaker),
            shared: Arc::new(shared),
            files,
            running: Mutex::default(),
            changed: Notify::new(),
            room,
            numbers: AtomicU64::new(1),
            failures: AtomicU32::new(0),
            restarts: AtomicU64::new(0),
            stopping: CancellationToken::new(),
        });
        let min = pool.options().instances().min;
        let started = join_all((0..min).map(|_| process::start(&pool.shared))).await;
        let mut failed = None;
        for instance in started {
            match instance {
                Ok(instance) => pool.add(instance),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        match failed {
            None => Ok(pool),
            Some(error) => {
                pool.stop().await;
                Err(error)
            }
        }
    }

    /// Ends all programs: they may end their events within `grace`.
    pub(super) async fn stop(&self) {
        self.stopping.cancel();
        let ready = std::mem::take(&mut self.lock().ready);
        for instance in &ready {
            instance.retire();
        }
        let grace = self.options().grace.duration();
        self.shared.tasks.close();
        if timeout(grace, self.shared.tasks.wait()).await.is_err() {
            for instance in &ready {
                instance.kill("the consumer is stopped");
            }
            let _ = timeout(grace, self.shared.tasks.wait()).await;
        }
    }

    /// Gives an event to a program, and waits for its end.
    ///
    /// # Errors
    /// The program's own error; `refused` while programs fail, or too many events wait; `expired`
    /// if the event takes longer than `timeout`; `failed` if the program is over before its end.
    pub(super) async fn ask(self: &Arc<Self>, event: OpenEvent) -> Result<Reply, Error> {
        let call = self.breaker.call()?;
        let event = Arc::new(event.with_limits(self.options().action_limits()));
        let _taken = self.room.take(&event).await?;
        let _seen = self.see(&event);
        let mut data = event.event(&self.options().headers);
        let folder = self.files.put(&mut data).await?;
        let first = data.attempt;
        let mut attempt = 0;
        loop {
            attempt += 1;
            let (instance, permit) = self.acquire(&event).await?;
            let number = self.numbers.fetch_add(1, Ordering::Relaxed);
            data.id = Some(id(number).into());
            if attempt > 1 {
                data.attempt = Some(first.unwrap_or(1) + 1);
            }
            let line = serde_json::to_vec(&data)?;
            let Some(mut waiting) = instance.give(number, &line, &event, permit) else {
                attempt -= 1;
                continue;
            };
            drop(line);
            let within = self.options().timeout;
            let Ok(ended) = timeout(within.duration(), waiting.ended()).await else {
                instance
                    .kill(format!("an event took longer than {within}, which `timeout` allows"));
                return Err(Error::new(code::EXPIRED, "the consumer did not answer in time"));
            };
            match ended {
                Ended::Replied(result) => {
                    self.worked();
                    call.succeeded();
                    return result;
                }
                Ended::File(mut actions) => {
                    self.worked();
                    call.succeeded();
                    let kept = self.files.store(&mut actions, folder.as_ref(), &data).await?;
                    let reply = event.end(actions).await?;
                    if let Some(kept) = kept {
                        kept.commit();
                    }
                    return Ok(reply);
                }
                Ended::Died { may_repeat: true, .. } if attempt == 1 => {}
                Ended::Died { why, .. } => {
                    return Err(Error::failed(format!("the program had an event, but {why}")));
                }
            }
        }
    }

    /// What operators see: the running programs, how many have failed, and the breaker.
    pub(super) fn status(&self) -> Value {
        let running = self.lock();
        let programs = running.ready.iter().map(|instance| {
            json!({"pid": instance.pid, "events": instance.load(), "given": instance.given()})
        });
        json!({
            "programs": programs.collect::<Vec<_>>(),
            "starting": running.starting,
            "failures": self.failures.load(Ordering::Relaxed),
            "restarts": self.restarts.load(Ordering::Relaxed),
            "breaker": self.breaker.now().to_string(),
        })
    }

    /// Notes that the consumer sees an event of this client, while its connection lasts.
    fn see(&self, event: &OpenEvent) -> Option<SeenClient> {
        let seen = &self.shared.seen;
        match event.scope() {
            Some(scope) if event.channel() != Channel::Request => {
                scope.slot(event.consumer(), KeptSeen::default).keep(seen, event.client());
                None
            }
            _ => Some(seen.see(event.client())),
        }
    }

    /// A program that takes the event: that of its connection, or the one with the fewest events.
    async fn acquire(
        self: &Arc<Self>,
        event: &OpenEvent,
    ) -> Result<(Arc<Instance>, OwnedSemaphorePermit), Error> {
        let sticky = event.scope().map(|scope| scope.slot(event.consumer(), Sticky::default));
        let acquired = async {
            loop {
                // Before the look at the programs, so that no change is missed.
                let changed = self.changed.notified();
                let Some(instance) = self.choose(event.channel(), sticky.as_deref()) else {
                    if let BreakerState::Open(open) = self.breaker.now() {
                        return Err(open.into());
                    }
                    changed.await;
                    continue;
                };
                let permit = tokio::select! {
                    biased;
                    permit = Arc::clone(instance.room(event.channel())).acquire_owned() => permit,
                    // Another program may have room now.
                    () = changed => continue,
                };
                if let Ok(permit) = permit
                    && instance.is_accepting()
                {
                    if let Some(sticky) = &sticky {
                        sticky.set(&instance);
                    }
                    return Ok((instance, permit));
                }
            }
        };
        if event.channel() == Channel::Task {
            // Its queue has a deadline.
            return acquired.await;
        }
        timeout(self.options().timeout.duration(), acquired).await.unwrap_or_else(|_| {
            let error = Error::new(code::REFUSED, "no program could take the event in time");
            Err(error.with("retry_after_ms", 1000))
        })
    }

    fn choose(
        self: &Arc<Self>,
        channel: Channel,
        sticky: Option<&Sticky>,
    ) -> Option<Arc<Instance>> {
        let mut running = self.lock();
        if let Some(own) = sticky.and_then(Sticky::get).filter(|own| running.accepts_by(own)) {
            return Some(own);
        }
        let chosen = running.least_busy(channel).cloned();
        let is_full = chosen.as_ref().is_none_or(|chosen| !chosen.has_room(channel));
        let is_wanted = is_full && running.count() < self.options().instances().max;
        if is_wanted && !self.stopping.is_cancelled() {
            running.starting += 1;
            drop(running);
            self.spawn(|pool| async move { pool.start_another(None).await });
        }
        chosen
    }

    /// Starts a program, after a wait if the last ones failed, until it runs or the consumer is
    /// stopped. The former one, which it replaces, takes events until then.
    async fn start_another(self: Arc<Self>, former: Option<Arc<Instance>>) {
        while !self.stopping.is_cancelled() {
            let failures = self.failures.load(Ordering::Relaxed);
            if failures > 0 {
                let wait = sleep(self.options().backoff.after(failures));
                if self.stopping.run_until_cancelled(wait).await.is_none() {
                    break;
                }
            }
            match process::start(&self.shared).await {
                Ok(instance) => {
                    if former.is_none() {
                        self.lock().starting -= 1;
                    }
                    self.add(instance);
                    if let Some(former) = former {
                        self.remove(&former);
                        former.retire();
                    }
                    return;
                }
                Err(error) => {
                    let consumer = &*self.shared.consumer;
                    tracing::error!(consumer, %error, "a program did not start");
                    self.failed();
                }
            }
        }
        if former.is_none() {
            self.lock().starting -= 1;
        }
    }

    /// Lets a program take events, and watches it.
    fn add(self: &Arc<Self>, instance: Arc<Instance>) {
        let is_stopped = {
            let mut running = self.lock();
            running.ready.push(Arc::clone(&instance));
            self.stopping.is_cancelled()
        };
        if is_stopped {
            instance.retire();
        }
        self.changed.notify_waiters();
        self.spawn(|pool| async move { pool.watch(instance).await });
    }

    fn remove(&self, instance: &Arc<Instance>) {
        self.lock().ready.retain(|other| !Arc::ptr_eq(other, instance));
        self.changed.notify_waiters();
    }

    /// Watches a program until it is over or must be replaced.
    async fn watch(self: Arc<Self>, instance: Arc<Instance>) {
        let is_idle = tokio::select! {
            biased;
            () = instance.over() => None,
            () = self.stopping.cancelled() => return,
            is_idle = self.due(&instance) => Some(is_idle),
        };
        match is_idle {
            Some(true) => {
                self.remove(&instance);
                return instance.retire();
            }
            Some(false) => return Box::pin(self.start_another(Some(instance))).await,
            None => {}
        }
        let (consumer, pid) = (&*self.shared.consumer, instance.pid);
        let why = instance.why().unwrap_or_default();
        tracing::error!(consumer, pid, why = &*why, "a program is over");
        self.failed();
        let is_missing = {
            let mut running = self.lock();
            running.ready.retain(|other| !Arc::ptr_eq(other, &instance));
            let is_missing = running.count() < self.options().instances().min.max(1);
            running.starting += usize::from(is_missing);
            is_missing
        };
        self.changed.notify_waiters();
        if is_missing {
            Box::pin(self.start_another(None)).await;
        }
    }

    /// Waits until a program must be replaced, or, `true`, is not needed any more.
    async fn due(&self, instance: &Instance) -> bool {
        /// How often the number of events and the time without one are looked at.
        const LOOK: Duration = Duration::from_millis(100);
        let Options { max_events, idle, .. } = self.options();
        let min = self.options().instances().min;
        let old = async {
            match self.options().lifetime() {
                Some(lifetime) => sleep(lifetime).await,
                None => std::future::pending().await,
            }
        };
        let used = async {
            loop {
                sleep(LOOK).await;
                if max_events.is_some_and(|most| instance.given() >= most) {
                    return false;
                }
                if instance.idle() >= idle.duration() && self.lock().ready.len() > min {
                    return true;
                }
            }
        };
        tokio::select! {
            () = old => false,
            is_idle = used => is_idle,
        }
    }

    /// A program has failed. An event that fails is not counted once more: it may be the client's
    /// fault (decision 0060).
    fn failed(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
        self.restarts.fetch_add(1, Ordering::Relaxed);
        if let Ok(call) = self.breaker.call() {
            call.failed();
        }
        // Waiting events look at the breaker.
        self.changed.notify_waiters();
    }

    /// A program has done its work.
    fn worked(&self) {
        if self.failures.load(Ordering::Relaxed) > 0 {
            self.failures.store(0, Ordering::Relaxed);
        }
    }

    fn spawn<F: Future<Output = ()> + Send + 'static>(
        self: &Arc<Self>,
        task: impl FnOnce(Arc<Self>) -> F,
    ) {
        self.shared.tasks.spawn_on(task(Arc::clone(self)), &self.shared.runtime);
    }

    fn options(&self) -> &Options {
        &self.shared.options
    }

    fn lock(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
