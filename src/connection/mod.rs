//! A client's connection: its events go to consumers in order, one at a time, and its replies are
//! taken from its outbox. It knows no socket; `socket` and the tests' client drive it.

mod control;
mod credentials;
mod delayed;
mod events;
mod inbox;
mod large;
mod presence;
mod rate;
mod receiving;
mod request;
mod seen;
mod shortcut;
mod socket;
mod stint;
mod write;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use futures_util::FutureExt;
use tokio::task::JoinHandle;

use crate::message::{Cancellation, Scope};
use crate::reply::{Batch, Replies, Reply, ReplyChannel, close};
use crate::routing::{Router, Way};
use crate::supervise::panic_message;

use presence::Presence;

pub(crate) use inbox::{Delivered, Inbox};
pub(crate) use receiving::{Receiving, Refused};
pub(crate) use request::{request, unauthorised};
pub(crate) use shortcut::TryWrite;
pub(crate) use socket::{Socket, run};

/// A client that has a WebSocket, or asks for one.
///
/// Dropping it is the client's leaving, whatever the cause: its tasks and memberships end at once,
/// and `websocket.disconnect` is delivered after the events that came before.
#[derive(Debug)]
pub(crate) struct Connection {
    // Before the inbox, whose end lets the disconnect be delivered: fields are dropped in order.
    presence: Presence,
    pub(crate) inbox: Inbox,
    pub(crate) replies: Replies,
    pub(crate) channel: ReplyChannel,
    code: Arc<AtomicU16>,
    events: JoinHandle<()>,
}

impl Connection {
    /// A client comes: `websocket.connect` is delivered.
    pub(crate) fn open(router: &Router, way: Way, mut scope: Scope) -> Self {
        let name = router.new_name();
        if scope.connection.is_empty() {
            scope.connection = Arc::clone(&name);
        }
        let limits = way.socket_limits();
        let outbox = limits.outbox_limits();
        let (channel, replies) = ReplyChannel::counted(
            Arc::clone(&name),
            way.envelope(),
            outbox,
            &router.memory().transit,
        );
        let (inbox, waiting) = inbox::new(limits.inbox.as_usize(), &router.memory().transit);
        let cancellation = Cancellation::default();
        let code = Arc::new(AtomicU16::new(close::ABNORMAL));
        router.layer().join(channel.clone());
        let events = events::Events::new(
            way,
            scope,
            channel.clone(),
            cancellation.clone(),
            waiting,
            Arc::clone(&code),
        );
        let events = router.spawn(closing_on_panic(events.run(), channel.clone()));
        let presence = Presence { router: router.clone(), name, cancellation };
        Self { presence, inbox, replies, channel, code, events }
    }

    /// Waits until the consumer of `websocket.connect` has decided; `None` if it never will.
    pub(crate) async fn decision(&mut self) -> Option<Decision> {
        let mut seen = Batch::default();
        loop {
            let Batch { replies, bytes } = self.replies.take().await?;
            seen.replies.extend(replies);
            seen.bytes += bytes;
            let decided = seen.replies.iter().position(|reply| reply.decides().is_some());
            if let Some(at) = decided {
                let accepted = seen.replies[at].decides() == Some(true);
                return Some(Decision { accepted, at, replies: seen });
            }
        }
    }

    /// The client leaves with this closing code. The result ends when its last event, the
    /// disconnect, has been handled.
    pub(crate) fn close(self, code: u16) -> JoinHandle<()> {
        let Self { presence, code: told, events, .. } = self;
        told.store(code, Ordering::Release);
        // Before the inbox, which ends with this function.
        drop(presence);
        events
    }
}

/// Runs a client's events. When they panic, no task handles its events any more, so the client is
/// closed with 1011.
async fn closing_on_panic(events: impl Future<Output = ()>, channel: ReplyChannel) {
    // The state of the events is not used again.
    if let Err(panic) = AssertUnwindSafe(events).catch_unwind().await {
        let error = panic_message(panic.as_ref());
        tracing::error!(client = %channel.name(), %error, "a client's events panicked");
        let _ = channel.send(Reply::close_with(close::FAILED, "the service failed"));
    }
}

/// What `websocket.connect` was answered.
#[derive(Debug)]
pub(crate) struct Decision {
    /// Whether the client is taken.
    pub(crate) accepted: bool,
    /// Which of the replies said so.
    pub(crate) at: usize,
    /// All that was sent until then.
    pub(crate) replies: Batch,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reply::{Close, Envelope, OutboxLimits, Slow};

    #[tokio::test]
    async fn a_client_whose_events_panic_is_closed_with_1011() {
        let limits = OutboxLimits { bytes: 1024, slow: Slow::Close };
        let (channel, mut replies) = ReplyChannel::new("test", Envelope::None, limits);
        closing_on_panic(async { panic!("out of order") }, channel).await;
        let sent = replies.take().await.unwrap().replies;
        let closes: Vec<&Close> = sent.iter().filter_map(|reply| reply.close.as_ref()).collect();
        assert_eq!(closes, [&Close { code: 1011, reason: "the service failed".into() }]);
    }
}
