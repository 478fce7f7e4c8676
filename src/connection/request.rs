//! One HTTP request: the same message, reply channel and queue as a WebSocket's, and one reply.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode, header};

use super::presence::Presence;
use crate::consumer::{Called, call};
use crate::error::{Error, code};
use crate::memory::Held;
use crate::message::{Cancellation, Content, Message, Scope};
use crate::reply::{Envelope, OutboxLimits, Reply, ReplyChannel};
use crate::routing::{Route, Router, Way};

/// Delivers `http.request` and waits for the response, at most for this time. When the consumer
/// fails, its error is returned too, for the log.
pub(crate) async fn request(
    router: &Router,
    way: &Way,
    mut scope: Scope,
    method: Method,
    (body, held): (Bytes, Option<Held>),
    patience: Duration,
) -> (Reply, Option<Error>) {
    let name = router.new_name();
    if scope.connection.is_empty() {
        scope.connection = Arc::clone(&name);
    }
    let cancellation = Cancellation::default();
    // One response, of any size: the service's memory counts it when it is sent.
    let outbox = OutboxLimits { bytes: usize::MAX, ..OutboxLimits::default() };
    let (channel, mut replies) = ReplyChannel::new(Arc::clone(&name), Envelope::None, outbox);
    let _presence = Presence { router: router.clone(), name, cancellation: cancellation.clone() };
    let content = Content::Request { method, body };
    let mut message = Message::new(channel.clone(), Arc::new(scope), content, cancellation);
    message.hold(held);
    let Some(route) = way.select(&mut message).cloned() else {
        return (Reply::error(&Error::new(code::NOT_FOUND, "no route takes this request")), None);
    };
    if let Some(refusal) = refusal(&route, &mut message) {
        return (refusal, None);
    }
    let mut instance = route.consumer().instance();
    let answered = async {
        match call(instance.as_mut(), message).await {
            Called::Replied(reply) if !reply.is_empty() => return Some(Ok(reply)),
            Called::Replied(_) => {}
            Called::Failed(error) | Called::Panicked(error) => return Some(Err(error)),
        }
        // From here on only tasks hold the channel; when the last is gone, no response will come.
        drop((channel, instance));
        loop {
            let batch = replies.take().await?;
            let mut replies = batch.replies.into_iter();
            if let Some(reply) = replies.find(is_response) {
                return Some(Ok(reply));
            }
        }
    };
    match tokio::time::timeout(patience, answered).await {
        Ok(Some(Ok(reply))) => (reply, None),
        Ok(Some(Err(error))) => (Reply::error(&error), Some(error)),
        Ok(None) => (Reply::status(StatusCode::NO_CONTENT), None),
        Err(_) => {
            let error = Error::new(code::EXPIRED, "no answer in time");
            (Reply::error(&error).with_status(StatusCode::GATEWAY_TIMEOUT), Some(error))
        }
    }
}

/// Sees to the route's limit and its token: the refusal, or nothing and the claims in the scope.
fn refusal(route: &Route, message: &mut Message) -> Option<Reply> {
    let limit = route.limits().message.as_usize();
    if message.size() > limit {
        let error = Error::new(code::TOO_BIG, format!("a body of {limit} bytes is taken at most"));
        return Some(Reply::error(&error));
    }
    match route.token()?.verify(&message.scope) {
        Ok(verified) => {
            Arc::make_mut(&mut message.scope).claims = Some(verified.claims);
            None
        }
        Err(error) => Some(unauthorised(&error, &message.scope)),
    }
}

/// What a client without the token that is asked for gets.
pub(crate) fn unauthorised(error: &Error, scope: &Scope) -> Reply {
    tracing::info!(path = scope.path, %error, "request refused");
    let scheme = HeaderValue::from_static("Bearer");
    Reply::error(error).with_header(header::WWW_AUTHENTICATE, scheme)
}

fn is_response(reply: &Reply) -> bool {
    reply.status.is_some() || reply.content.is_some() || reply.file().is_some()
}
