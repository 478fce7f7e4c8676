//! A client's connection: its events go to consumers in order, one at a time, and its replies are
//! taken from its outbox. It does not know the socket; `socket` and the tests' client drive it.

mod control;
mod credentials;
mod delayed;
mod events;
mod inbox;
mod instances;
mod large;
mod limits;
mod presence;
mod rate;
mod receiving;
mod request;
mod room;
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

use crate::layer::About;
use crate::message::{Cancellation, Scope};
use crate::reply::{Batch, Replies, Reply, ReplyChannel, close};
use crate::routing::MatchedRoutes;
use crate::service::{LiveRoute, Registered, Service};
use crate::supervise::panic_message;

use presence::Presence;

pub(crate) use inbox::{Delivered, Inbox};
pub(crate) use limits::LiveLimits;
pub(crate) use receiving::{Receiving, Refused};
pub(crate) use request::{request, unauthorised};
pub(crate) use shortcut::TryWrite;
pub(crate) use socket::run;

/// A client that has a WebSocket, or asks for one.
///
/// Dropping it means that the client leaves, for whatever reason: its tasks and memberships end
/// immediately, and `websocket.disconnect` is delivered after the earlier events.
#[derive(Debug)]
pub(crate) struct Connection {
    // Fields are dropped in order. The presence must end before the inbox, because the end of the
    // inbox lets the disconnect be delivered.
    presence: Presence,
    pub(crate) inbox: Inbox,
    pub(crate) replies: Replies,
    pub(crate) channel: ReplyChannel,
    pub(crate) limits: Arc<LiveLimits>,
    code: Arc<AtomicU16>,
    events: JoinHandle<()>,
    _registered: Registered,
}

impl Connection {
    /// Opens the connection of a client, and delivers `websocket.connect`. `generation` is the
    /// number of the table that the routes are from.
    pub(crate) fn open(
        service: &Service,
        (matched, generation): (MatchedRoutes<LiveRoute>, u64),
        mut scope: Scope,
    ) -> Self {
        let name = service.new_name();
        if scope.connection.is_empty() {
            scope.connection = Arc::clone(&name);
        }
        let limits = matched.socket_limits();
        let outbox = limits.outbox_limits();
        let (channel, replies) = ReplyChannel::counted(
            Arc::clone(&name),
            matched.envelope(),
            outbox,
            &service.memory().transit,
        );
        let (inbox, waiting) = inbox::new(limits.inbox.as_usize(), &service.memory().transit);
        let cancellation = Cancellation::default();
        let code = Arc::new(AtomicU16::new(close::ABNORMAL));
        service.layer().join(channel.clone(), About::new(Arc::clone(&scope.path), scope.ip));
        // Before its events begin, which look at the table then: so no replacement is missed.
        let registered = service.register(inbox.notice());
        let events = events::Events::new(
            service.clone(),
            (matched, generation),
            scope,
            channel.clone(),
            cancellation.clone(),
            waiting,
            Arc::clone(&code),
        );
        let limits = Arc::clone(events.limits());
        let events = service.spawn(closing_on_panic(events.run(), channel.clone()));
        let presence = Presence { service: service.clone(), name, cancellation };
        Self { presence, inbox, replies, channel, limits, code, events, _registered: registered }
    }

    /// Waits until the consumer of `websocket.connect` has decided; `None` if it cannot decide any
    /// more.
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

    /// Ends the connection with this close code. The returned handle ends when the last event, the
    /// disconnect, has been handled.
    pub(crate) fn close(self, code: u16) -> JoinHandle<()> {
        let Self { presence, code: close_code, events, .. } = self;
        close_code.store(code, Ordering::Release);
        // Before the inbox, which is dropped at the end of this function.
        drop(presence);
        events
    }
}

/// Runs a client's events. If they panic, no task handles its events any more, so the client is
/// closed with 1011.
async fn closing_on_panic(events: impl Future<Output = ()>, channel: ReplyChannel) {
    // The state of the events is not used again.
    if let Err(panic) = AssertUnwindSafe(events).catch_unwind().await {
        let error = panic_message(panic.as_ref());
        tracing::error!(client = %channel.name(), %error, "a client's events panicked");
        let _ = channel.send(Reply::close_with(close::FAILED, "the service failed"));
    }
}

/// The answer to `websocket.connect`.
#[derive(Debug)]
pub(crate) struct Decision {
    /// Whether the client is accepted.
    pub(crate) accepted: bool,
    /// The index of the reply that decided.
    pub(crate) at: usize,
    /// All replies up to then.
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
