//! A client's events, handled in order: connect, what it sends, and disconnect exactly once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use http::StatusCode;

use super::inbox::Waiting;
use super::rate::Bucket;
use crate::auth::{Source, Verified, looks_like_token};
use crate::consumer::{Called, Instance, call};
use crate::error::{Error, code};
use crate::message::{Cancellation, Channel, Content, Message, Scope};
use crate::reply::{Payload, Reply, ReplyChannel, close};
use crate::routing::{Route, Way};

pub(super) struct Events {
    way: Way,
    scope: Arc<Scope>,
    channel: ReplyChannel,
    cancellation: Cancellation,
    waiting: Waiting,
    /// Set by whoever ends the connection, before `waiting` ends.
    code: Arc<AtomicU16>,
    instances: Vec<(Arc<str>, Box<dyn Instance>)>,
    buckets: Vec<(usize, Bucket)>,
    /// The subprotocol that came beside a token; a browser wants one of those it offered chosen.
    beside_token: Option<String>,
}

impl Events {
    pub(super) fn new(
        way: Way,
        scope: Scope,
        channel: ReplyChannel,
        cancellation: Cancellation,
        waiting: Waiting,
        code: Arc<AtomicU16>,
    ) -> Self {
        let (instances, buckets) = (Vec::new(), Vec::new());
        let scope = Arc::new(scope);
        let beside_token = None;
        Self { way, scope, channel, cancellation, waiting, code, instances, buckets, beside_token }
    }

    pub(super) async fn run(mut self) {
        if !self.connect().await {
            return;
        }
        while let Some(received) = self.waiting.recv().await {
            // What comes after this side closed is not for the consumer; what came before the
            // client closed is.
            if !self.channel.is_closing() {
                self.receive(received.payload.clone()).await;
            }
        }
        self.disconnect().await;
    }

    /// Delivers `websocket.connect`; `false` when the client is refused before.
    async fn connect(&mut self) -> bool {
        if let Err(error) = self.authenticate() {
            tracing::info!(client = %self.channel.name(), path = self.scope.path, %error, "client refused");
            // Over the socket and not as HTTP 401, because a page cannot read that.
            let told = Reply::json(&serde_json::json!({"error": error.message()}));
            let refusal = told.unwrap_or_default().and_close(close::UNAUTHORISED, error.message());
            let _ = self.channel.send(self.with_subprotocol(refusal));
            return false;
        }
        let mut message = self.message(Content::Connect);
        match self.way.select(&mut message).cloned() {
            None if self.scope.origin_allowed => {}
            None => {
                let _ = self.channel.send(Reply::deny(StatusCode::FORBIDDEN));
            }
            Some(route) => match self.call(&route, message).await {
                Called::Replied(reply) => self.send(reply),
                Called::Failed(error) | Called::Panicked(error) => {
                    self.send_error(&error, Some(close::FAILED));
                }
            },
        }
        // A consumer that has not refused the client takes it. Ignored where it has decided.
        let _ = self.channel.send(self.with_subprotocol(Reply::accept()));
        true
    }

    async fn receive(&mut self, payload: Payload) {
        let mut message = self.message(Content::Receive(payload));
        let Some(route) = self.way.select(&mut message).cloned() else { return };
        let limit = route.limits().message.as_usize();
        if message.size() > limit {
            let reason = format!("the message has {} bytes, {limit} are taken", message.size());
            let _ = self.channel.send(Reply::close_with(close::TOO_BIG, reason));
            return;
        }
        if !self.within_rate(&route) {
            let error = Error::new(code::RATE, "too many messages");
            self.send_error(&error, Some(close::POLICY));
            return;
        }
        match self.call(&route, message).await {
            Called::Replied(reply) => self.send(reply),
            Called::Failed(error) => self.send_error(&error, None),
            Called::Panicked(error) => self.send_error(&error, Some(close::FAILED)),
        }
    }

    async fn disconnect(&mut self) {
        let code = self.code.load(Ordering::Acquire);
        let mut message = self.message(Content::Disconnect(code));
        let Some(route) = self.way.select(&mut message).cloned() else { return };
        if let Called::Failed(error) | Called::Panicked(error) = self.call(&route, message).await
            && error.code() != code::GONE
        {
            self.log(&error, Channel::Disconnect);
        }
    }

    fn authenticate(&mut self) -> Result<(), Error> {
        let Some(token) = self.way.connect().and_then(|route| route.token()) else { return Ok(()) };
        if scope_offers_token(&self.scope) {
            let beside = self.scope.subprotocols.iter().find(|name| !looks_like_token(name));
            self.beside_token = beside.or(self.scope.subprotocols.first()).cloned();
        }
        let Verified { claims, from } = token.verify(&self.scope)?;
        if from != Source::Subprotocol {
            self.beside_token = None;
        }
        Arc::make_mut(&mut self.scope).claims = Some(claims);
        Ok(())
    }

    fn with_subprotocol(&self, reply: Reply) -> Reply {
        reply.with_subprotocol(self.beside_token.clone())
    }

    fn message(&self, content: Content) -> Message {
        let (channel, scope) = (self.channel.clone(), Arc::clone(&self.scope));
        Message::new(channel, scope, content, self.cancellation.clone())
    }

    /// Calls the route's consumer. A consumer has one instance in a connection, however many
    /// routes lead to it.
    async fn call(&mut self, route: &Route, message: Message) -> Called {
        let name = route.consumer().name();
        let known = self.instances.iter().position(|(known, _)| known == name);
        let at = known.unwrap_or_else(|| {
            self.instances.push((Arc::clone(name), route.consumer().instance()));
            self.instances.len() - 1
        });
        call(self.instances[at].1.as_mut(), message).await
    }

    fn within_rate(&mut self, route: &Route) -> bool {
        let Some(bucket) = Bucket::new(route.limits().rate) else { return true };
        let known = self.buckets.iter().position(|(index, _)| *index == route.index());
        let at = known.unwrap_or_else(|| {
            self.buckets.push((route.index(), bucket));
            self.buckets.len() - 1
        });
        self.buckets[at].1.take()
    }

    fn send(&self, mut reply: Reply) {
        if reply.is_empty() {
            return;
        }
        if reply.subprotocol.is_none() {
            reply.subprotocol.clone_from(&self.beside_token);
        }
        let _ = self.channel.send(reply);
    }

    fn send_error(&self, error: &Error, closing: Option<u16>) {
        if error.code() == code::GONE {
            return;
        }
        self.log(error, if closing.is_some() { Channel::Connect } else { Channel::Receive });
        let mut reply = Reply::error(error);
        // A status is for HTTP; here it would be a word about the handshake.
        reply.status = None;
        self.send(match closing {
            Some(closing) => reply.and_close(closing, error.message()),
            None => reply,
        });
    }

    fn log(&self, error: &Error, channel: Channel) {
        let (client, path) = (self.channel.name(), &self.scope.path);
        if error.code() == code::FAILED {
            tracing::error!(%client, path, %channel, %error, "consumer failed");
        } else {
            tracing::debug!(%client, path, %channel, %error, "message refused");
        }
    }
}

fn scope_offers_token(scope: &Scope) -> bool {
    scope.subprotocols.iter().any(|name| looks_like_token(name))
}
