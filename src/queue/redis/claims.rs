//! Claims tasks for the free workers of this process, and reads their contents.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use tokio::sync::mpsc::unbounded_channel;
use tokio::time::sleep;

use super::RedisQueue;
use super::courier::{Courier, End};
use super::scripts::Claimed;
use super::wire::Parcel;
use crate::error::Error;
use crate::message::{Cancellation, Reason};
use crate::queue::task::{Answering, Task};
use crate::redis::Failure;
use crate::reply::{Envelope, OutboxLimits, ReplyChannel};
use crate::schedule::RunningId;

/// How often a process without work looks for some, should it not be woken.
const LOOK: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(200);

/// A claimed task whose content may still be in the store.
struct Arriving {
    number: RunningId,
    id: String,
    parcel: Parcel,
    attempt: u32,
    offset_top: i64,
    channel: ReplyChannel,
    cancellation: Cancellation,
}

impl RedisQueue {
    /// Claims tasks while workers are free, and only then: a claimed task is out of the order.
    pub(super) async fn claim_for_workers(&self) {
        let shared = &self.shared;
        let mut claims = 0_u64;
        loop {
            let free = self.crew().free(self.rules().begun_at_most());
            if free == 0 {
                shared.wanted.notified().await;
                continue;
            }
            claims += 1;
            // A token names one claim in the whole world.
            let token = format!("{}-{claims}", shared.token);
            let order = self.rules().bounds.order;
            let claim = shared.store.claim(&shared.node, &token, shared.lease, order, true).await;
            match claim {
                Ok((Some(claimed), counts)) => {
                    self.note(counts);
                    self.take_in(claimed, token);
                }
                Ok((None, counts)) => {
                    self.note(counts);
                    tokio::select! {
                        () = shared.woken.notified() => {}
                        () = sleep(LOOK) => {}
                    }
                }
                Err(Failure::Refused(error)) => {
                    tracing::error!(queue = %shared.name, %error, "a claim was refused");
                    sleep(LOOK).await;
                }
                Err(_) => sleep(PAUSE).await,
            }
        }
    }

    /// Takes a claimed task in for the next free worker, once its content is here.
    fn take_in(&self, claimed: Claimed, token: String) {
        let Claimed { id, lost, offset_top, client, body } = claimed;
        let (channel, frames) =
            ReplyChannel::new(client.as_str(), Envelope::None, OutboxLimits::default());
        let (end, ends) = unbounded_channel();
        let cancellation = Cancellation::default();
        let number = {
            let mut crew = self.crew();
            let number = crew.number();
            crew.expect(number, (id.clone(), token.clone()), end, cancellation.clone());
            // The claim was on its way while the workers were stopped.
            if crew.stopped {
                crew.give_up(number, Reason::Restart);
            }
            number
        };
        let courier = Courier {
            queue: self.clone(),
            number,
            id: id.clone(),
            token,
            frames,
            ends,
            cancellation: cancellation.clone(),
        };
        tokio::spawn(courier.run());
        let parcel = match Parcel::read(&Bytes::from(body)) {
            Ok(parcel) => parcel,
            Err(error) => return self.refuse(number, &id, error),
        };
        let attempt = lost + 1;
        let arriving = Arriving { number, id, parcel, attempt, offset_top, channel, cancellation };
        match arriving.parcel.stored() {
            None => self.arrive(arriving),
            Some((name, length)) => {
                let queue = self.clone();
                tokio::spawn(queue.fetch(arriving, name, length).boxed());
            }
        }
    }

    async fn fetch(self, mut arriving: Arriving, name: Arc<str>, length: u64) {
        let fetched = tokio::select! {
            fetched = self.fetch_content(&arriving.id, &name, length) => fetched,
            // It is answered already.
            () = arriving.cancellation.cancelled() => return,
        };
        match fetched {
            Ok(content) => {
                arriving.parcel.fill(content);
                self.arrive(arriving);
            }
            Err(error) => {
                self.crew().refuse(arriving.number, error);
                self.shared.wanted.notify_one();
            }
        }
    }

    /// Gives a task that is whole to the next free worker.
    fn arrive(&self, arriving: Arriving) {
        let Arriving { number, id, parcel, attempt, offset_top, channel, cancellation } = arriving;
        let message = match parcel.into_message(attempt, offset_top, channel, cancellation) {
            Ok(message) => message,
            Err(error) => return self.refuse(number, &id, error),
        };
        let Some(uuid) = message.task().map(|place| place.uuid.clone()) else {
            return self.refuse(number, &id, Error::failed("a task has no place"));
        };
        let task = Task::new(uuid, message).at(offset_top, 0);
        let mut crew = self.crew();
        let Some(end) = crew.end_of(number) else { return };
        let answers = [(); 2].map(|()| {
            let end = end.clone();
            let send = move |answer| drop(end.send(End::Answer(answer)));
            Answering::elsewhere(&task, Arc::new(send), &self.shared.outcomes)
        });
        crew.take_in(number, task, answers);
        drop(crew);
        self.shared.work.notify_one();
    }

    /// Ends a claim whose task cannot be read.
    fn refuse(&self, number: RunningId, id: &str, error: Error) {
        tracing::error!(queue = %self.shared.name, task = id, %error, "a task is unreadable");
        self.crew().refuse(number, error);
        self.shared.wanted.notify_one();
    }
}
