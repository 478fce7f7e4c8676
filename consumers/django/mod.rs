//! `django = "…"`: events go to a worker of Django, which answers over the channel layer.

mod options;

use std::sync::Arc;

use http::HeaderName;
use tokio::time::timeout;
use waterway::action::OpenEvent;
use waterway::message::Channel;
use waterway::{ChannelLayer, Error, Host, Reply, State, Stateful, Time, code};

use crate::refusal::refusal;

pub use options::{DjangoOptions, WorkerChannel};

/// Hands an event to the worker. The worker answers when it likes, by messages to the client's channel:
/// `websocket.send`, `websocket.close` and `websocket.accept`. The answer to `websocket.connect` is
/// waited for.
///
/// # Errors
/// `refused` if too many events wait for the worker, if the layer's server is away, or if the worker
/// does not decide about a client in time.
pub async fn django(event: OpenEvent, worker: State<Django>) -> Result<Reply, Error> {
    let channel = event.channel();
    match worker.tell(&event).await {
        Ok(()) => Ok(Reply::default()),
        Err(error) => refusal(channel, error),
    }
}

/// The way to a worker.
#[derive(Debug)]
pub struct Django {
    channel: WorkerChannel,
    headers: Vec<HeaderName>,
    timeout: Time,
    layer: ChannelLayer,
    consumer: Arc<str>,
}

impl Stateful for Django {
    type Options = DjangoOptions;

    async fn start(options: DjangoOptions, host: &Host) -> Result<Self, Error> {
        let DjangoOptions { django: channel, headers, timeout } = options;
        let (layer, consumer) = (host.layer().clone(), Arc::clone(host.consumer()));
        Ok(Self { channel, headers, timeout, layer, consumer })
    }
}

impl Django {
    async fn tell(&self, event: &OpenEvent) -> Result<(), Error> {
        self.layer.send_event(self.channel.as_str(), &event.event(&self.headers)).await?;
        if event.channel() != Channel::Connect {
            return Ok(());
        }
        let client = &event.message().reply_channel;
        tokio::select! {
            decided = timeout(self.timeout.duration(), client.decided()) => match decided {
                Ok(()) => Ok(()),
                Err(_) => Err(self.undecided(client.name())),
            },
            () = event.cancellation().cancelled() => Ok(()),
        }
    }

    fn undecided(&self, client: &str) -> Error {
        /// When another attempt may succeed.
        const RETRY_AFTER_MS: u64 = 1000;
        let (consumer, channel, timeout) = (&*self.consumer, self.channel.as_str(), self.timeout);
        tracing::warn!(consumer, channel, client, %timeout, "no worker has decided about a client in time");
        Error::new(code::REFUSED, "the consumer did not decide in time")
            .with("retry_after_ms", RETRY_AFTER_MS)
    }
}
