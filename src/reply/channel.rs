//! The reply channel: the only way back to a client.

use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::json::in_text_envelope;
use super::limits::{OutboxLimits, Sent};
use super::outbox::{Outbox, Replies};
use super::{Payload, Reply};
use crate::error::{Error, code};
use crate::memory::Transit;

/// A client's reply channel, which every message of the client carries. Clones are the same
/// channel. It may outlive its client: replies are then dropped.
#[derive(Clone)]
pub struct ReplyChannel {
    sender: Arc<Sender>,
}

struct Sender {
    name: Arc<str>,
    envelope: Envelope,
    outbox: Arc<Outbox>,
}

/// How texts to a client are wrapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Envelope {
    /// They are not wrapped.
    #[default]
    None,
    /// `{"text": "<the text>"}`, as pages written for the Tornado program expect.
    Text,
}

impl ReplyChannel {
    /// A channel, and the receiving side of its replies.
    pub(crate) fn new(
        name: impl Into<Arc<str>>,
        envelope: Envelope,
        limits: OutboxLimits,
    ) -> (Self, Replies) {
        Self::make(name, envelope, limits, None)
    }

    /// The same, with unsent replies counted in the service's memory.
    pub(crate) fn counted(
        name: impl Into<Arc<str>>,
        envelope: Envelope,
        limits: OutboxLimits,
        transit: &Transit,
    ) -> (Self, Replies) {
        Self::make(name, envelope, limits, Some(transit.clone()))
    }

    fn make(
        name: impl Into<Arc<str>>,
        envelope: Envelope,
        limits: OutboxLimits,
        transit: Option<Transit>,
    ) -> (Self, Replies) {
        let (outbox, replies) = Outbox::new(limits, transit);
        let sender = Arc::new(Sender { name: name.into(), envelope, outbox });
        (Self { sender }, replies)
    }

    /// Sends a reply; never blocks.
    ///
    /// # Errors
    /// [`Error::gone`] if the client has left. A consumer may end with it by `?`: it is neither
    /// sent to the client nor logged as a failure. `refused` if the reply is larger than
    /// [`largest`](Self::largest).
    pub fn send(&self, reply: impl Into<Reply>) -> Result<(), Error> {
        let reply = reply.into().checked()?;
        let bytes = reply.content.as_ref().map_or(0, Payload::len);
        match self.try_send(reply) {
            Sent::Queued | Sent::Dropped => Ok(()),
            Sent::TooLarge => Err(self.too_large(bytes)),
            Sent::Gone => Err(Error::gone()),
        }
    }

    /// Sends a reply and returns what happened to it; never blocks.
    pub fn try_send(&self, reply: impl Into<Reply>) -> Sent {
        self.offer(reply.into(), &mut Vec::new())
    }

    /// Sends a reply while the caller holds a lock: replies that are dropped for it are moved to
    /// `displaced`, so that they can be freed later.
    pub(crate) fn offer(&self, reply: Reply, displaced: &mut Vec<Reply>) -> Sent {
        self.sender.outbox.push(self.sealed(reply), displaced)
    }

    /// Sends a worker's answer. If no other reply is unsent, the calling thread writes it to the
    /// socket. That system call saves waking the sockets' thread.
    ///
    /// # Errors
    /// `refused` if it is larger than [`largest`](Self::largest).
    pub(crate) fn answer(&self, reply: Reply) -> Result<(), Error> {
        let reply = self.sealed(reply);
        if self.sender.outbox.send_directly(&reply) {
            return Ok(());
        }
        let bytes = reply.content.as_ref().map_or(0, Payload::len);
        match self.sender.outbox.push(reply, &mut Vec::new()) {
            Sent::TooLarge => Err(self.too_large(bytes)),
            Sent::Queued | Sent::Dropped | Sent::Gone => Ok(()),
        }
    }

    /// The largest reply that the client may be sent, in bytes: `limits.outbox`. A consumer can
    /// check it before it makes a large reply.
    #[must_use]
    pub fn largest(&self) -> usize {
        self.sender.outbox.largest()
    }

    /// Has these limits from the next reply on.
    pub(crate) fn set_limits(&self, limits: OutboxLimits) {
        self.sender.outbox.set_limits(limits);
    }

    /// The error for a reply of this size in bytes, which is too large.
    #[must_use]
    pub fn too_large(&self, bytes: usize) -> Error {
        let largest = self.largest();
        let message = format!("the answer has {bytes} bytes, but at most {largest} may be sent");
        Error::new(code::REFUSED, message).with("bytes", bytes)
    }

    fn sealed(&self, mut reply: Reply) -> Reply {
        if let (Envelope::Text, Some(Payload::Text(text))) = (self.sender.envelope, &reply.content)
        {
            reply.content = Some(in_text_envelope(text).into());
        }
        reply
    }

    /// Closes the client's connection with 1000, after all earlier replies.
    ///
    /// # Errors
    /// [`Error::gone`] if the client has already left.
    pub fn close(&self) -> Result<(), Error> {
        self.send(Reply::close())
    }

    /// Waits until a reply has decided the client's handshake. It waits forever for a client that
    /// leaves before.
    pub async fn decided(&self) {
        poll_fn(|context| self.sender.outbox.poll_decided(context)).await;
    }

    /// The client's name, `waterway.<node>!<client>`, by which the channel layer finds it.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.sender.name
    }

    /// Whether this side has closed the connection, so that the client's further messages are
    /// ignored.
    pub(crate) fn is_closing(&self) -> bool {
        self.sender.outbox.is_closing()
    }

    /// Whether the client can still be sent replies.
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
    use std::sync::{Arc, Mutex};

    use futures_util::FutureExt;

    use super::{Envelope, OutboxLimits, ReplyChannel, Sent};
    use crate::reply::{Direct, Payload, Reply, Tried};

    fn channel(envelope: Envelope) -> (ReplyChannel, super::Replies) {
        ReplyChannel::new("waterway.test!0", envelope, OutboxLimits::default())
    }

    #[test]
    fn a_channel_outlives_its_client_and_holds_nothing() {
        let (channel, replies) = channel(Envelope::None);
        let content = bytes::Bytes::from(vec![0; 1 << 20]);
        channel.send(Reply::bytes(content.clone())).unwrap();
        drop(replies);
        assert!(content.is_unique(), "unsent replies are freed with the client");
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

    /// A socket that takes each message only up to this point.
    #[derive(Debug)]
    struct Socket {
        takes: Tried,
        asked: Mutex<Vec<Payload>>,
    }

    impl Direct for Socket {
        fn try_send(&self, payload: &Payload) -> Tried {
            self.asked.lock().unwrap().push(payload.clone());
            self.takes
        }
    }

    fn direct(takes: Tried) -> (ReplyChannel, super::Replies, Arc<Socket>) {
        let (channel, replies) = channel(Envelope::None);
        let socket = Arc::new(Socket { takes, asked: Mutex::default() });
        replies.open_direct(Arc::clone(&socket) as Arc<dyn Direct>);
        (channel, replies, socket)
    }

    #[test]
    fn an_answer_is_written_directly_until_the_socket_is_full() {
        // For each case, also the replies that are left for the connection's task.
        for (takes, left) in
            [(Tried::Whole, None), (Tried::Part, Some(0)), (Tried::Nothing, Some(1))]
        {
            let (channel, mut replies, socket) = direct(takes);
            let _ = channel.answer("an answer".into());
            assert_eq!(*socket.asked.lock().unwrap(), ["an answer".into()]);
            let taken = replies.take().now_or_never();
            let taken = taken.map(|batch| batch.expect("there is a sender").replies.len());
            assert_eq!(taken, left, "{takes:?}");
        }
    }

    #[test]
    fn an_answer_goes_through_the_outbox_if_others_wait_or_it_is_not_a_message() {
        let (channel, mut replies, socket) = direct(Tried::Whole);
        let take = |replies: &mut super::Replies| {
            let batch = replies.take().now_or_never().expect("something waits");
            batch.expect("there is a sender")
        };
        channel.send("first").unwrap();
        let _ = channel.answer("waits behind it".into());
        let batch = take(&mut replies);
        assert_eq!(batch.replies.len(), 2);
        let _ = channel.answer("they are not written yet".into());
        replies.written(batch.bytes);
        let batch = take(&mut replies);
        replies.written(batch.bytes);
        assert_eq!(*socket.asked.lock().unwrap(), []);
        let _ = channel.answer("alone".into());
        assert_eq!(*socket.asked.lock().unwrap(), ["alone".into()]);

        let _ = channel.answer(vec![0; (16 << 10) + 1].into());
        let batch = take(&mut replies);
        replies.written(batch.bytes);
        let _ = channel.answer(Reply::close());
        let _ = channel.answer("after a close".into());
        assert_eq!(take(&mut replies).replies.len(), 1);
        assert_eq!(socket.asked.lock().unwrap().len(), 1);
        drop(replies);
        assert_eq!(Arc::strong_count(&socket), 1, "the socket is let go of with its client");
    }
}
