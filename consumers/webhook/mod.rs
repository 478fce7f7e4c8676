//! `http = "…"`: events are posted to an HTTP endpoint, which answers with actions.

mod connector;
mod endpoint;
mod exchange;
mod failure;
mod options;
mod reach;
mod room;
mod signature;
mod trial;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, StatusCode};
use serde_json::{Value, json};
use tokio::time::sleep;
use uuid::Uuid;
use waterway::action::{ActionLimits, OpenEvent, Outcome};
use waterway::message::{Channel, Event};
use waterway::{Error, Host, Reply, State, Stateful, code};

use crate::breaker::{Breaker, BreakerState};
use crate::refusal::refusal;
use exchange::Client;
use failure::Failure;
use room::{Room, WhenFull};

pub use endpoint::Endpoint;
pub use options::{Pending, Retry, WebhookOptions};
pub use signature::SigningKey;

/// Posts an event to its webhook, and applies the actions of the answer.
///
/// # Errors
/// The error that the webhook answers; `failed` or `expired` if it does not answer as it should;
/// `refused` while it is given a pause, or if too many events wait for it.
pub async fn webhook(event: OpenEvent, webhook: State<Webhook>) -> Result<Reply, Error> {
    let event = event.with_limits(webhook.limits);
    let channel = event.channel();
    match webhook.ask(&event).await {
        Ok(outcome) => event.end_with(outcome).await,
        Err(error) if error.code() == code::EXPIRED && channel == Channel::Request => {
            Ok(Reply::error(&error).with_status(StatusCode::GATEWAY_TIMEOUT))
        }
        Err(error) => refusal(channel, error),
    }
}

/// The state of a webhook: its connections, its breaker, and the events that wait for it.
#[derive(Debug)]
pub struct Webhook {
    consumer: Arc<str>,
    endpoint: Endpoint,
    headers: Vec<HeaderName>,
    limits: ActionLimits,
    retry: Retry,
    client: Client,
    breaker: Breaker,
    room: Room,
}

impl Stateful for Webhook {
    type Options = WebhookOptions;

    async fn start(options: WebhookOptions, host: &Host) -> Result<Self, Error> {
        // `check` reports it with its place.
        options.check_host().map_err(Error::failed)?;
        let client = Client::new(&options).await?;
        let WebhookOptions { http, headers, actions, state, retry, .. } = options;
        Ok(Self {
            consumer: Arc::clone(host.consumer()),
            endpoint: http,
            headers,
            limits: ActionLimits { actions, state: state.as_usize() },
            retry,
            client,
            breaker: Breaker::new(Arc::clone(host.consumer()), options.breaker),
            room: Room::new(options.concurrency, options.pending),
        })
    }

    async fn try_out(options: WebhookOptions, _: &Host) -> Result<Option<String>, Error> {
        trial::connect(&options).await.map(Some)
    }

    fn status(&self) -> Value {
        let (sending, waiting) = self.room.taken();
        json!({"breaker": self.breaker.now().to_string(), "sending": sending, "waiting": waiting})
    }
}

/// An attempt without an answer.
struct Missed {
    /// The answer to the client. Its cause is for the log.
    error: Error,
    /// Whether another attempt may succeed.
    is_passing: bool,
    /// The least time until then.
    retry_after: Option<Duration>,
}

impl Webhook {
    /// Sends an event, a task several times if need be, and waits for the answer.
    async fn ask(&self, event: &OpenEvent) -> Result<Outcome, Error> {
        let mut data = event.event(&self.headers);
        data.id = Some(Uuid::now_v7().to_string().into());
        let (attempts, when_full) = match event.channel() {
            Channel::Task => (self.retry.attempts, WhenFull::Wait),
            Channel::Receive | Channel::Disconnect => (1, WhenFull::Wait),
            Channel::Connect | Channel::Request => (1, WhenFull::Refuse),
        };
        if event.channel() != Channel::Task {
            self.check_pause()?;
        }
        let _held = self.room.hold(json_size(&data)?, when_full).await?;
        let mut attempt = 1;
        loop {
            let missed = match self.attempt(&data, when_full).await {
                Ok(outcome) => return Ok(outcome),
                Err(missed) => missed,
            };
            if !missed.is_passing || attempt >= attempts {
                return Err(missed.error);
            }
            let wait = self.retry.wait.after(attempt).max(missed.retry_after.unwrap_or_default());
            let (consumer, client) = (&*self.consumer, &**event.client());
            tracing::warn!(consumer, client, attempt, ?wait, error = %missed.error, "a task is sent again");
            sleep(wait).await;
            attempt += 1;
            data.attempt = data.attempt.map(|attempt| attempt + 1);
        }
    }

    /// Fails while the webhook is given a pause, before the event waits for the exchanges of earlier
    /// events.
    fn check_pause(&self) -> Result<(), Error> {
        match self.breaker.now() {
            BreakerState::Open(open) => Err(open.into()),
            BreakerState::Closed | BreakerState::Trying => Ok(()),
        }
    }

    async fn attempt(&self, event: &Event, when_full: WhenFull) -> Result<Outcome, Missed> {
        let refused = |error| Missed { error, is_passing: false, retry_after: None };
        let _slot = self.room.slot(when_full).await.map_err(refused)?;
        let call = self.breaker.call().map_err(|open| Missed {
            error: open.into(),
            is_passing: true,
            retry_after: Some(open.retry_after),
        })?;
        let id = event.id.as_deref().unwrap_or_default();
        let body =
            serde_json::to_vec(event).map(Bytes::from).map_err(|error| refused(error.into()))?;
        match self.exchange(id, body).await {
            Ok(outcome) => {
                call.succeeded();
                Ok(outcome)
            }
            Err(failure) => {
                if failure.is_outage() {
                    call.failed();
                } else {
                    // It has answered, even if not with what it should.
                    call.succeeded();
                }
                Err(self.missed(&failure, event))
            }
        }
    }

    async fn exchange(&self, id: &str, event: Bytes) -> Result<Outcome, Failure> {
        let answer = self.client.post(id, event).await?;
        Outcome::read(&answer.content)
            .map_err(|mistake| Failure::Wrong { mistake: mistake.to_string(), kind: answer.kind })
    }

    fn missed(&self, failure: &Failure, event: &Event) -> Missed {
        let (consumer, endpoint) = (&*self.consumer, &self.endpoint);
        let cause = format!("the webhook {consumer} at {endpoint} {failure}");
        let error = if matches!(failure, Failure::Slow(_)) {
            // The service itself logs `failed`, and no other error of a consumer.
            if event.channel != Channel::Task {
                tracing::warn!(consumer, client = &*event.client, error = cause, "consumer failed");
            }
            Error::new(code::EXPIRED, "the consumer did not answer in time").because(cause)
        } else {
            Error::failed(cause)
        };
        let (is_passing, retry_after) = (failure.is_passing(), failure.retry_after());
        Missed { error, is_passing, retry_after }
    }
}

/// The size of an event as JSON, so that it is counted before it takes memory.
fn json_size(event: &Event) -> Result<usize, Error> {
    struct Count(usize);

    impl io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    let mut count = Count(0);
    serde_json::to_writer(&mut count, event)?;
    Ok(count.0)
}
