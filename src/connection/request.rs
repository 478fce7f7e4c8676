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
use crate::routing::{MatchedRoutes, Route};
use crate::service::{LiveRoute, Service};

/// Delivers `http.request` and waits for the response, at most for `patience`. If the consumer
/// fails, its error is returned too, for the log.
pub(crate) async fn request(
    service: &Service,
    matched: &MatchedRoutes<LiveRoute>,
    mut scope: Scope,
    method: Method,
    (body, held): (Bytes, Option<Held>),
    patience: Duration,
) -> (Reply, Option<Error>) {
    let name = service.new_name();
    if scope.connection.is_empty() {
        scope.connection = Arc::clone(&name);
    }
    let cancellation = Cancellation::default();
    // One response of any size: the service's memory counts it when it is sent.
    let outbox = OutboxLimits { bytes: usize::MAX, ..OutboxLimits::default() };
    let (channel, mut replies) = ReplyChannel::new(Arc::clone(&name), Envelope::None, outbox);
    let _presence = Presence { service: service.clone(), name, cancellation: cancellation.clone() };
    let content = Content::Request { method, body };
    let mut message = Message::new(channel.clone(), Arc::new(scope), content, cancellation);
    message.hold(held);
    let Some(route) = matched.select(&mut message).cloned() else {
        return (Reply::error(&Error::new(code::NOT_FOUND, "no route takes this request")), None);
    };
    if let Some(refusal) = refusal(&route, &mut message) {
        return (refusal, None);
    }
    let mut instance = route.bound().instance();
    let answered = async {
        match call(instance.as_mut(), message).await {
            Called::Replied(reply) if !reply.is_empty() => return Some(Ok(reply)),
            Called::Replied(_) => {}
            Called::Failed(error) | Called::Panicked(error) => return Some(Err(error)),
        }
        // From here on only tasks hold the channel. When the last one drops it, no response can
        // come.
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
            let error = Error::new(code::EXPIRED, "the consumer did not answer in time");
            (Reply::error(&error).with_status(StatusCode::GATEWAY_TIMEOUT), Some(error))
        }
    }
}

/// Checks the route's limit and token: returns the refusal, or puts the claims into the scope.
fn refusal(route: &Route, message: &mut Message) -> Option<Reply> {
    let limit = route.limits().message.as_usize();
    if message.size() > limit {
        let error = Error::new(code::TOO_BIG, format!("the body may have at most {limit} bytes"));
        return Some(Reply::error(&error));
    }
    let (token, scope) = (route.token()?, message.scope()?);
    match token.verify(scope) {
        Ok(verified) => {
            let claims = Some(Arc::new(verified.claims));
            let tokens = token.shown(scope).into_iter().collect();
            let scope = Scope { claims, tokens, ..Scope::clone(scope) };
            message.set_scope(Arc::new(scope));
            None
        }
        Err(error) => Some(unauthorised(&error, scope)),
    }
}

/// The reply to a client that lacks a token that it needs.
pub(crate) fn unauthorised(error: &Error, scope: &Scope) -> Reply {
    tracing::info!(path = &*scope.path, %error, "request refused");
    let scheme = HeaderValue::from_static("Bearer");
    Reply::error(error).with_header(header::WWW_AUTHENTICATE, scheme)
}

fn is_response(reply: &Reply) -> bool {
    reply.status.is_some() || reply.content.is_some() || reply.file().is_some()
}
