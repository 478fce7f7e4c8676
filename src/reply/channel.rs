//! The reply channel: the one way back to a client.

use std::fmt;
use std::sync::Arc;

use serde::Deserialize;

use super::json::in_text_envelope;
use super::outbox::{Outbox, OutboxLimits, Replies, Sent};
use super::{Payload, Reply};
use crate::error::Error;

/// A client's reply channel. It travels inside every message of its client; clones are the same
/// channel. It outlives its client harmlessly: what is sent then goes nowhere.
#[derive(Clone)]
pub struct ReplyChannel {
    sender: Arc<Sender>,
}

struct Sender {
    name: Arc<str>,
    envelope: Envelope,
    outbox: Arc<Outbox>,
}

/// What is wrapped around every text that a client is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Envelope {
    /// Nothing.
    #[default]
    None,
    /// `{"text": "<the text>"}`, as pages written for the Tornado program expect.
    Text,
}

impl ReplyChannel {
    /// A channel and the side from which its replies are taken.
    pub(crate) fn new(
        name: impl Into<Arc<str>>,
        envelope: Envelope,
        limits: OutboxLimits,
    ) -> (Self, Replies) {
        let (outbox, replies) = Outbox::new(limits);
        let sender = Arc::new(Sender { name: name.into(), envelope, outbox });
        (Self { sender }, replies)
    }

    /// Sends a reply; never blocks.
    ///
    /// # Errors
    /// [`Error::gone`] when the client has left. A consumer may end itself with it by `?`: it is
    /// neither answered nor logged as a failure.
    pub fn send(&self, reply: impl Into<Reply>) -> Result<(), Error> {
        match self.try_send(reply) {
            Sent::Queued | Sent::Dropped => Ok(()),
            Sent::Gone => Err(Error::gone()),
        }
    }

    /// Sends a reply and says what became of it; never blocks.
    pub fn try_send(&self, reply: impl Into<Reply>) -> Sent {
        self.offer(reply.into(), &mut Vec::new())
    }

    /// Sends a reply while the caller holds a lock: what gives way to it goes into `displaced`, to
    /// be freed later.
    pub(crate) fn offer(&self, mut reply: Reply, displaced: &mut Vec<Reply>) -> Sent {
        if let (Envelope::Text, Some(Payload::Text(text))) = (self.sender.envelope, &reply.content)
        {
            reply.content = Some(in_text_envelope(text).into());
        }
        self.sender.outbox.push(reply, displaced)
    }

    /// Closes the client's connection with 1000, after everything that was sent before.
    ///
    /// # Errors
    /// [`Error::gone`] when the client has left already.
    pub fn close(&self) -> Result<(), Error> {
        self.send(Reply::close())
    }

    /// Its name, `waterway.<node>!<client>`, by which the channel layer knows it.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.sender.name
    }

    /// Whether this side has closed the connection: nothing more is taken from the client.
    pub(crate) fn is_closing(&self) -> bool {
        self.sender.outbox.is_closing()
    }

    /// Whether the client is still there to be answered.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.sender.outbox.is_open()
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        self.outbox.abandon();
    }
}

impl fmt::Debug for ReplyChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ReplyChannel").field(&self.sender.name).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::{Envelope, OutboxLimits, ReplyChannel, Sent};
    use crate::reply::Reply;

    fn channel(envelope: Envelope) -> (ReplyChannel, super::Replies) {
        ReplyChannel::new("waterway.test!0", envelope, OutboxLimits::default())
    }

    #[test]
    fn a_channel_outlives_its_client_and_holds_nothing() {
        let (channel, replies) = channel(Envelope::None);
        let picture = bytes::Bytes::from(vec![0; 1 << 20]);
        channel.send(Reply::bytes(picture.clone())).unwrap();
        drop(replies);
        assert!(picture.is_unique(), "what was not sent is freed with the client");
        assert_eq!(channel.try_send("late"), Sent::Gone);
        assert_eq!(channel.send("later").unwrap_err().code(), "gone");
        assert!(!channel.is_open());
    }

    #[tokio::test]
    async fn nothing_is_sent_after_a_close_and_a_text_is_in_its_envelope() {
        let (channel, mut replies) = channel(Envelope::Text);
        channel.send("{}").unwrap();
        channel.close().unwrap();
        assert_eq!(channel.try_send("after"), Sent::Gone);
        let batch = replies.take().await.unwrap();
        let sent: Vec<_> = batch.replies.iter().map(|reply| reply.content.clone()).collect();
        assert_eq!(sent, [Some(r#"{"text": "{}"}"#.into()), None]);
        assert!(batch.replies[1].close.is_some());
    }
}
