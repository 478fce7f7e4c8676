//! Carries what a worker tells of a claimed task to the node of its client: frames in their order,
//! then the one answer.

use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, sleep};

use super::RedisQueue;
use super::pending::Pending;
use super::wire::write_answer;
use crate::error::Error;
use crate::message::{Cancellation, Reason};
use crate::redis::Failure;
use crate::reply::{Batch, Replies, Reply};
use crate::schedule::RunningId;

/// A part of a task's end.
#[derive(Debug)]
pub(super) enum End {
    /// What it has cost. The queue is not settled until the courier drops the rest.
    Cost(Duration, Option<Pending>),
    /// Its answer.
    Answer(Result<Reply, Error>),
}

/// The courier of one claim.
pub(super) struct Courier {
    pub(super) queue: RedisQueue,
    pub(super) number: RunningId,
    pub(super) id: String,
    pub(super) token: String,
    /// The frames that the consumer sends.
    pub(super) frames: Replies,
    pub(super) ends: UnboundedReceiver<End>,
    /// Why the task was told to stop, if it was.
    pub(super) cancellation: Cancellation,
}

/// The pause between two tries to reach the server.
const PAUSE: Duration = Duration::from_millis(200);

impl Courier {
    /// Runs until the task has ended and the server has its answer, or its lease is surely lost.
    pub(super) async fn run(mut self) {
        let (mut cost, mut answer, mut pending, mut can_send) = (None, None, None, true);
        while cost.is_none() || answer.is_none() {
            tokio::select! {
                biased;
                batch = self.frames.take(), if can_send => match batch {
                    Some(batch) => self.send(batch).await,
                    // Nobody can send frames any more.
                    None => can_send = false,
                },
                end = self.ends.recv() => match end {
                    Some(End::Cost(given, guard)) => (cost, pending) = (Some(given), guard),
                    Some(End::Answer(given)) => answer = answer.or(Some(given)),
                    None => break,
                },
            }
        }
        if let Some(Some(batch)) = self.frames.take().now_or_never() {
            self.send(batch).await;
        }
        let answer = answer.unwrap_or_else(|| Err(Error::failed("its worker ended")));
        self.end(cost.unwrap_or_default(), answer).await;
        self.queue.crew().forget(self.number);
        drop(pending);
    }

    async fn send(&self, batch: Batch) {
        self.frames.written(batch.bytes);
        for frame in batch.replies {
            let frame = write_answer(&Ok(frame));
            // A lost frame is not sent again: the answer counts.
            let _ = self.queue.shared.store.frame(&self.id, &self.token, &frame).await;
        }
    }

    async fn end(&self, cost: Duration, answer: Result<Reply, Error>) {
        let shared = &self.queue.shared;
        // Another process can still do it.
        let is_given_back = answer.is_err() && self.cancellation.reason() == Some(Reason::Restart);
        let answer = write_answer(&answer);
        let until = Instant::now() + shared.lease;
        loop {
            let told = if is_given_back {
                shared.store.release(&self.id, &self.token).await
            } else {
                let told = shared.store.ack(&self.id, &self.token, cost, &answer).await;
                told.map(|(_, counts)| counts)
            };
            match told {
                Ok(counts) => return self.queue.note(counts),
                Err(Failure::Refused(error)) => {
                    tracing::error!(queue = %shared.name, %error, "an answer was refused");
                    return;
                }
                Err(_) if Instant::now() < until => sleep(PAUSE).await,
                // The lease has ended: another worker does the task once more.
                Err(_) => return,
            }
        }
    }
}
