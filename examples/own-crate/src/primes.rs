//! `primes.ask` and `primes.count`: a slow task on a queue.
//!
//! A client sends `{"uuid": "a", "below": 1000000}`, gets `{"uuid": "a", "progress": 0.1}` and so on,
//! and then `{"uuid": "a", "primes": 78498}`. `{"uuid": "a", "cancel": true}` cancels the task, which
//! then gets the error `cancelled`.

use serde::Deserialize;
use serde_json::{Value, json};
use waterway::worker::yield_now;
use waterway::{Cancellation, Error, Json, Message, Reply, ReplyChannel, Task, TaskQueue, TaskUuid, code};

/// A message to `primes.ask`.
#[derive(Deserialize)]
pub struct Ask {
    uuid: Value,
    #[serde(default)]
    below: u64,
    #[serde(default)]
    cancel: bool,
}

/// The largest question: some seconds of work.
const BELOW_MAX: u64 = 20_000_000;

/// How often a task reports its progress, and checks whether it was cancelled.
const PARTS: u64 = 10;

/// Puts a task on the route's queue, or cancels one.
pub async fn ask(Json(ask): Json<Ask>, message: Message, queue: TaskQueue) -> Result<(), Error> {
    let uuid = TaskUuid::new(ask.uuid)?;
    if ask.cancel {
        queue.cancel(&message.reply_channel, &uuid).await;
        return Ok(());
    }
    if ask.below > BELOW_MAX {
        return Err(Error::new(code::BAD_MESSAGE, format!("below is at most {BELOW_MAX}")));
    }
    queue.push(Task::new(uuid, message)).await;
    Ok(())
}

/// Does a task, on a thread of the queue's workers. Its result is the answer.
pub async fn count(
    Json(ask): Json<Ask>,
    client: ReplyChannel,
    cancellation: Cancellation,
) -> Result<Json<Value>, Error> {
    let mut primes = 0;
    for part in 0..PARTS {
        cancellation.check()?;
        yield_now();
        let progress = json!({ "uuid": ask.uuid, "progress": part as f64 / PARTS as f64 });
        client.send(Reply::json(&progress)?)?;
        let (from, to) = (ask.below * part / PARTS, ask.below * (part + 1) / PARTS);
        primes += (from..to).filter(|&number| is_prime(number)).count();
    }
    Ok(Json(json!({ "uuid": ask.uuid, "primes": primes })))
}

fn is_prime(number: u64) -> bool {
    let divisors = (2..).take_while(|divisor| divisor * divisor <= number);
    number > 1 && divisors.into_iter().all(|divisor| !number.is_multiple_of(divisor))
}
