//! A queue in Redis as operators see it: its numbers, and its dead letters.

use std::collections::HashSet;
use std::time::Duration;

use redis::Value;

use super::clock::Clock;
use super::scripts::{
    Counts, DROP, LETTERS, PART, REQUEUE, SUMMARY, SURVEY, Store, counts, millis, read,
};
use crate::queue::report::{DeadLetter, QueueNumbers};
use crate::redis::{Failure, Server};

/// A queue in a server, for a process that neither pushes to it nor works for it.
#[derive(Debug)]
pub(crate) struct QueueInspector(Store);

impl QueueInspector {
    /// The queue of this name in a server, with the table's first part of all keys. Nothing is
    /// opened yet.
    pub(crate) fn new(server: Server, prefix: &str, name: &str) -> Self {
        Self(Store::new(server, prefix, name, Clock::default()))
    }

    /// Its numbers.
    ///
    /// # Errors
    /// If the server is away or refuses the command, as for all other calls.
    pub(crate) async fn numbers(&self) -> Result<QueueNumbers, Failure> {
        self.0.numbers().await.map(|(numbers, _)| numbers)
    }

    /// Its dead letters, the oldest first.
    pub(crate) async fn dead_letters(&self) -> Result<Vec<DeadLetter>, Failure> {
        let mut letters = Vec::new();
        loop {
            let part = self.0.letters(letters.len()).await?;
            let is_last = part.len() < PART;
            letters.extend(part);
            if is_last {
                return Ok(letters);
            }
        }
    }

    /// Puts dead letters back into the queue, where they wait for a worker at most for `keep`.
    /// Returns the ids that it knew.
    pub(crate) async fn requeue(
        &self,
        ids: &[String],
        keep: Duration,
    ) -> Result<Vec<String>, Failure> {
        let mut requeued = Vec::new();
        for part in ids.chunks(PART) {
            requeued.extend(self.0.requeue(part, keep).await?);
        }
        Ok(requeued)
    }

    /// Forgets dead letters. Returns the ids that it knew.
    pub(crate) async fn drop_letters(&self, ids: &[String]) -> Result<Vec<String>, Failure> {
        let mut dropped = Vec::new();
        for part in ids.chunks(PART) {
            dropped.extend(self.0.drop_letters(part).await?);
        }
        Ok(dropped)
    }
}

impl Store {
    /// The numbers of the queue, and the counts among them.
    pub(super) async fn numbers(&self) -> Result<(QueueNumbers, Counts), Failure> {
        let values: Vec<Value> = self.server.run(&self.call(&SUMMARY)).await?;
        let counts = counts(&values, 0)?;
        let (mut oldest_ms, mut clients) = (None, HashSet::new());
        // The tasks are looked at in parts, so that other scripts run in between.
        let mut part = (counts.queued + counts.running > 0).then_some(0);
        while let Some(cursor) = part {
            let (next, oldest, of_part) = self.survey(cursor).await?;
            oldest_ms = oldest_ms.max(oldest);
            clients.extend(of_part);
            part = Some(next).filter(|next| *next != 0);
        }
        let numbers = QueueNumbers {
            connected: Some(true),
            queued: counts.queued,
            running: counts.running,
            bytes: Some(read(&values, 4)?),
            clients: Some(clients.len()),
            oldest_ms,
            reclaimed: Some(read(&values, 5)?),
            dead_letters: Some(read(&values, 6)?),
        };
        Ok((numbers, counts))
    }

    /// Looks at a part of the tasks: the cursor of the next part, which is 0 at the end; the age of
    /// the oldest queued task, in ms; and the client of each task.
    async fn survey(&self, cursor: u64) -> Result<(u64, Option<u64>, Vec<String>), Failure> {
        let mut call = self.call(&SURVEY);
        call.arg(self.clock.server_now()).arg(cursor).arg(PART);
        let (next, oldest, clients): (u64, i64, Vec<String>) = self.server.run(&call).await?;
        Ok((next, u64::try_from(oldest).ok(), clients))
    }

    /// A part of the dead letters, after the oldest `from`.
    pub(super) async fn letters(&self, from: usize) -> Result<Vec<DeadLetter>, Failure> {
        let mut call = self.call(&LETTERS);
        call.arg(self.clock.server_now()).arg(from).arg(PART);
        let letters: Vec<Vec<Value>> = self.server.run(&call).await?;
        let letter = |values: &Vec<Value>| {
            Ok(DeadLetter {
                id: read(values, 0)?,
                uuid: read(values, 1)?,
                client: read(values, 2)?,
                bytes: read(values, 3)?,
                attempts: read(values, 4)?,
                dead_ms: read(values, 5)?,
            })
        };
        letters.iter().map(letter).collect()
    }

    pub(super) async fn requeue(
        &self,
        ids: &[String],
        keep: Duration,
    ) -> Result<Vec<String>, Failure> {
        let mut call = self.call(&REQUEUE);
        call.arg(self.clock.server_now()).arg(millis(keep));
        for id in ids {
            call.arg(id);
        }
        self.server.run(&call).await
    }

    pub(super) async fn drop_letters(&self, ids: &[String]) -> Result<Vec<String>, Failure> {
        let mut call = self.call(&DROP);
        for id in ids {
            call.arg(id);
        }
        self.server.run(&call).await
    }
}
