//! Reads the notices that scripts leave for this process: answers and frames of its clients' tasks,
//! tasks that its workers must stop, and tasks to claim.

use std::str::FromStr;
use std::time::Duration;

use bytes::Bytes;
use redis::aio::MultiplexedConnection;
use redis::{Value, cmd};
use serde_json::json;
use tokio::time::{sleep, timeout};

use super::RedisQueue;
use super::wire::read_answer;
use crate::error::{Error, code};
use crate::message::Reason;
use crate::redis::Failure;
use crate::reply::Reply;

/// The place of a notice in the inbox.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    millis: u64,
    sequence: u64,
}

/// A notice.
struct Notice {
    place: Place,
    kind: String,
    id: String,
    value: Bytes,
}

/// How long one call waits for notices, at most. It is no longer than the time between two beats, so
/// that a connection that is silently lost is noticed as early as those of other commands.
const BLOCK: Duration = Duration::from_secs(2);
/// The most notices that are read at once.
const BATCH: usize = 256;
/// The pause between two tries to reach the server.
const PAUSE: Duration = Duration::from_millis(200);

impl RedisQueue {
    /// Reads notices. Runs until it is dropped.
    pub(super) async fn read_inbox(&self) {
        loop {
            if let Err(failure) = self.read_over_one_connection().await {
                tracing::debug!(queue = %self.shared.name, error = %failure, "the inbox is away");
                self.forget_counts();
                sleep(PAUSE).await;
            }
        }
    }

    async fn read_over_one_connection(&self) -> Result<(), Failure> {
        let shared = &self.shared;
        let mut connection = shared.store.server().dedicated().await?;
        shared.store.hello(&shared.node).await?;
        // Places of another connection may be those of a server that was lost.
        shared.read.send_replace(Place::default());
        shared.reconcile.notify_one();
        let block = BLOCK.min(self.between_beats());
        let patience = block + shared.timeout;
        loop {
            let read = timeout(patience, self.read_batch(&mut connection, block)).await;
            let notices = read.map_err(|_| Failure::Away("the inbox does not answer".into()))??;
            let Some(last) = notices.last().map(|notice| notice.place) else { continue };
            for notice in notices {
                self.take_notice(notice);
            }
            shared.read.send_replace(last);
            let next = format!("{}-{}", last.millis, last.sequence.saturating_add(1));
            let inbox = shared.store.inbox(&shared.node);
            let mut trim = cmd("XTRIM");
            trim.arg(inbox).arg("MINID").arg(next);
            let trimmed = timeout(patience, trim.query_async::<()>(&mut connection)).await;
            trimmed.map_err(|_| Failure::Away("the inbox does not answer".into()))??;
        }
    }

    async fn read_batch(
        &self,
        connection: &mut MultiplexedConnection,
        block: Duration,
    ) -> Result<Vec<Notice>, Failure> {
        let inbox = self.shared.store.inbox(&self.shared.node);
        let mut read = cmd("XREAD");
        read.arg("COUNT").arg(BATCH).arg("BLOCK").arg(block.as_millis());
        // What was read is removed, so everything that is there is new.
        read.arg("STREAMS").arg(inbox).arg("0-0");
        let value: Value = read.query_async(connection).await?;
        Ok(notices(value))
    }

    fn take_notice(&self, notice: Notice) {
        let Notice { kind, id, value, .. } = notice;
        match kind.as_str() {
            "answer" => {
                if let Some(answering) = self.take(&id) {
                    match read_answer(&value) {
                        Ok(reply) => answering.reply(reply),
                        Err(error) => answering.error(error),
                    }
                }
            }
            "queued" => {
                let position = std::str::from_utf8(&value).ok().and_then(|at| at.parse().ok());
                let position: u64 = position.unwrap_or_default();
                self.with_client(&id, |task| {
                    let uuid = &task.uuid;
                    let frame = json!({"uuid": uuid, "progress": "queued", "position": position});
                    if let Ok(frame) = Reply::json(&frame) {
                        task.message.reply_channel.try_send(frame);
                    }
                });
            }
            "frame" => {
                if let Ok(frame) = read_answer(&value) {
                    self.with_client(&id, |task| {
                        task.message.reply_channel.try_send(frame);
                    });
                }
            }
            "stop" => {
                let reason = match value.first() {
                    Some(b'2') => Reason::Expired,
                    _ => Reason::Cancelled,
                };
                self.stop_task(&id, reason);
            }
            "wake" => self.shared.woken.notify_one(),
            "displaced" => self.end(&id, || {
                Error::new(code::DISPLACED, "tasks nearer to the viewport took its place")
                    .with("retry_after_ms", self.wait_until_room())
            }),
            "expired" => self.end(&id, || Reason::Expired.error()),
            "cancelled" => self.end(&id, || Reason::Cancelled.error()),
            "dead" => {
                tracing::error!(
                    queue = %self.shared.name,
                    task = %id,
                    "a task was given up: its workers ended again and again"
                );
                self.keep_in_letter(&id);
                self.end(&id, || Error::failed("its workers ended again and again"));
            }
            // "hello", "probe", and those of later versions.
            _ => {}
        }
    }

    /// Gives a task its answer, unless it has one.
    fn end(&self, id: &str, error: impl FnOnce() -> Error) {
        if let Some(answering) = self.take(id) {
            answering.error(error());
        }
    }
}

impl FromStr for Place {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (millis, sequence) = text.split_once('-').ok_or(())?;
        let number = |text: &str| text.parse().map_err(drop);
        Ok(Self { millis: number(millis)?, sequence: number(sequence)? })
    }
}

/// The notices of an answer to `XREAD`: a list of streams, each with a list of entries.
fn notices(value: Value) -> Vec<Notice> {
    let Value::Array(streams) = value else { return Vec::new() };
    let entries = streams.into_iter().filter_map(|stream| match stream {
        Value::Array(mut parts) if parts.len() == 2 => match parts.pop() {
            Some(Value::Array(entries)) => Some(entries),
            _ => None,
        },
        _ => None,
    });
    entries.flatten().filter_map(notice).collect()
}

fn notice(entry: Value) -> Option<Notice> {
    let Value::Array(entry) = entry else { return None };
    let [Value::BulkString(place), Value::Array(fields)] = <[Value; 2]>::try_from(entry).ok()?
    else {
        return None;
    };
    let place = std::str::from_utf8(&place).ok()?.parse().ok()?;
    let mut values = fields.into_iter().skip(1).step_by(2).map(|value| match value {
        Value::BulkString(bytes) => bytes,
        _ => Vec::new(),
    });
    let (kind, id, value) = (values.next()?, values.next()?, values.next()?);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).ok();
    Some(Notice { place, kind: text(kind)?, id: text(id)?, value: value.into() })
}
